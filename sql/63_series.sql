-- All edges `next` of the session's space anew, by the rule by which learning keeps them; for after sessions have learned
-- neighbouring times of one series at once, each without seeing the other's observations. Edges given by hand have no
-- evidence and stay.
CREATE FUNCTION sutra.link_series() RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 1000000
AS $function$
DECLARE
    in_space CONSTANT pg_catalog.text := pg_catalog.current_setting('sutra.space');
    deleted pg_catalog.int8;
    added pg_catalog.int8;
BEGIN
    -- One at a time in a space, and of the same snapshot of what is committed.
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('sutra.link_series ' OPERATOR(pg_catalog.||) in_space, 0));
    DELETE FROM sutra.association AS a
    WHERE a.space OPERATOR(pg_catalog.=) in_space AND a.kind OPERATOR(pg_catalog.=) 'temporal'::sutra.association_kind
        AND a.relation OPERATOR(pg_catalog.=) 'next' AND a.evidence IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM sutra.observation AS own
            CROSS JOIN LATERAL (
                SELECT o.concept FROM sutra.observation AS o
                WHERE o.space OPERATOR(pg_catalog.=) in_space AND o.entity OPERATOR(@extschema@.=) own.entity
                    AND o.metric OPERATOR(pg_catalog.=) own.metric AND o.at OPERATOR(pg_catalog.>) own.at
                ORDER BY o.at, o.concept LIMIT 1) AS n
            WHERE own.space OPERATOR(pg_catalog.=) in_space AND own.concept OPERATOR(@extschema@.=) a.source
                AND n.concept OPERATOR(@extschema@.=) a.target);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    INSERT INTO sutra.association (space, source, target, kind, relation, confidence, evidence)
    SELECT DISTINCT in_space, own.concept, n.concept, 'temporal'::sutra.association_kind, 'next', 1, n.concept
    FROM sutra.observation AS own
    CROSS JOIN LATERAL (
        SELECT o.concept FROM sutra.observation AS o
        WHERE o.space OPERATOR(pg_catalog.=) in_space AND o.entity OPERATOR(@extschema@.=) own.entity
            AND o.metric OPERATOR(pg_catalog.=) own.metric AND o.at OPERATOR(pg_catalog.>) own.at
        ORDER BY o.at, o.concept LIMIT 1) AS n
    WHERE own.space OPERATOR(pg_catalog.=) in_space AND n.concept OPERATOR(@extschema@.<>) own.concept
    ORDER BY 2, 3
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN deleted OPERATOR(pg_catalog.+) added;
END
$function$;
COMMENT ON FUNCTION sutra.link_series() IS 'makes the edges next of the session''s space anew from the observations, and returns how many were missing or wrong';
REVOKE ALL ON FUNCTION sutra.link_series() FROM PUBLIC;
