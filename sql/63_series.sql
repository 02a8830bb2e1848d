-- The order of time: the statements right before and right after a time in a series.
--
-- A series is what was observed of one entity under one metric. The look-ups compare rows, in the order of the index that is
-- meant: a plan that was made while the table was empty would otherwise find another index as cheap, and walk over all other
-- statements or entities by it. OFFSET 0 keeps each look-up one.
-- The bodies are texts with a search path of their own, because a body that is kept parsed is printed with one schema for all
-- operators of a row, which pg_upgrade cannot read.
CREATE FUNCTION sutra.observations_of(in_space text, in_statements @extschema@.concept_id[])
    RETURNS TABLE (concept @extschema@.concept_id, entity @extschema@.concept_id, metric text, at timestamptz)
    LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000 ROWS 1000
    SET search_path = pg_catalog, @extschema@, pg_temp
AS $function$
    SELECT o.concept, o.entity, o.metric, o.at
    FROM pg_catalog.unnest(in_statements) AS s (id)
    CROSS JOIN LATERAL (
        SELECT b.concept, b.entity, b.metric, b.at FROM sutra.observation AS b
        WHERE (b.concept, b.space) >= (s.id, in_space) AND (b.concept, b.space) <= (s.id, in_space)
        OFFSET 0) AS o;
$function$;
COMMENT ON FUNCTION sutra.observations_of(text, @extschema@.concept_id[]) IS 'what some statements observe';
REVOKE ALL ON FUNCTION sutra.observations_of(text, @extschema@.concept_id[]) FROM PUBLIC;

CREATE FUNCTION sutra.next_in_series(in_space text, in_entity @extschema@.concept_id, in_metric text, in_at timestamptz)
    RETURNS TABLE (concept @extschema@.concept_id)
    LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 ROWS 1
    SET search_path = pg_catalog, @extschema@, pg_temp
AS $function$
    SELECT n.concept
    FROM (SELECT o.entity, o.metric, o.concept FROM sutra.observation AS o
          WHERE o.space = in_space AND (o.entity, o.metric, o.at) > (in_entity, in_metric, in_at)
          ORDER BY o.entity, o.metric, o.at, o.concept LIMIT 1) AS n
    WHERE n.entity = in_entity AND n.metric = in_metric;
$function$;
COMMENT ON FUNCTION sutra.next_in_series(text, @extschema@.concept_id, text, timestamptz) IS 'the statement with the first observation of a series after a time; of several at that time the one with the lowest id';
REVOKE ALL ON FUNCTION sutra.next_in_series(text, @extschema@.concept_id, text, timestamptz) FROM PUBLIC;

CREATE FUNCTION sutra.before_in_series(in_space text, in_statements @extschema@.concept_id[])
    RETURNS TABLE (concept @extschema@.concept_id)
    LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 10000 ROWS 100
    SET search_path = pg_catalog, @extschema@, pg_temp
AS $function$
    WITH own AS MATERIALIZED (
        SELECT o.entity, o.metric, o.at FROM sutra.observations_of(in_space, in_statements) AS o
    ), stretch AS MATERIALIZED (
        SELECT own.entity, own.metric, pg_catalog.min(own.at) AS first, pg_catalog.max(own.at) AS last, pg_catalog.count(*) AS number
        FROM own GROUP BY own.entity, own.metric
    ), whole AS MATERIALIZED (
        -- Where nothing else stands between the first and the last, as when a stretch of a series is learned at once, only
        -- the first has something before it that is none of them.
        SELECT s.entity, s.metric, s.first FROM stretch AS s
        WHERE CASE WHEN s.number > 3 THEN s.number = (
            SELECT pg_catalog.count(*) FROM (
                SELECT FROM sutra.observation AS o
                WHERE o.space = in_space AND (o.entity, o.metric, o.at) >= (s.entity, s.metric, s.first)
                    AND (o.entity, o.metric, o.at) <= (s.entity, s.metric, s.last)
                LIMIT s.number + 1) AS found) END
    )
    SELECT DISTINCT p.concept
    FROM own
    LEFT JOIN whole AS w ON w.entity = own.entity AND w.metric = own.metric
    CROSS JOIN LATERAL (
        SELECT b.entity, b.metric, b.concept FROM (
            SELECT o.entity, o.metric, o.concept FROM sutra.observation AS o
            WHERE o.space = in_space AND (o.entity, o.metric, o.at) < (own.entity, own.metric, own.at)
            ORDER BY o.entity DESC, o.metric DESC, o.at DESC FETCH FIRST 1 ROW WITH TIES) AS b
        WHERE b.entity = own.entity AND b.metric = own.metric) AS p
    WHERE w.first IS NULL OR own.at = w.first;
$function$;
COMMENT ON FUNCTION sutra.before_in_series(text, @extschema@.concept_id[]) IS 'the statements with the last observations before those of some statements, in the series of these; at least those that are none of these';
REVOKE ALL ON FUNCTION sutra.before_in_series(text, @extschema@.concept_id[]) FROM PUBLIC;

-- All edges `next` of the session's space anew, by the rule by which learning keeps them; for after sessions have learned
-- neighbouring times of one series at once, each without seeing the other's observations. An edge made from observations has
-- its target as evidence; one given by hand has not, and stays.
CREATE FUNCTION sutra.link_series() RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 1000000
AS $function$
DECLARE
    -- The library, which knows the setting, may not be loaded yet.
    in_space CONSTANT pg_catalog.text := coalesce(pg_catalog.current_setting('sutra.space', true), 'default');
    changed pg_catalog.int8;
BEGIN
    -- One at a time in a space.
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('sutra.link_series ' OPERATOR(pg_catalog.||) in_space, 0));
    WITH wanted AS MATERIALIZED (
        SELECT DISTINCT own.concept AS source, n.concept AS target
        FROM (SELECT o.concept, o.entity, pg_catalog.min(o.metric) AS metric, pg_catalog.min(o.at) AS at
              FROM sutra.observation AS o WHERE o.space OPERATOR(pg_catalog.=) in_space GROUP BY o.concept, o.entity) AS own
        CROSS JOIN LATERAL sutra.next_in_series(in_space, own.entity, own.metric, own.at) AS n
    ), deleted AS (
        DELETE FROM sutra.association AS a
        WHERE a.space OPERATOR(pg_catalog.=) in_space AND a.kind OPERATOR(pg_catalog.=) 'temporal'::sutra.association_kind
            AND a.relation OPERATOR(pg_catalog.=) 'next' AND a.evidence OPERATOR(@extschema@.=) a.target
            AND NOT EXISTS (SELECT FROM wanted AS w
                WHERE w.source OPERATOR(@extschema@.=) a.source AND w.target OPERATOR(@extschema@.=) a.target)
        RETURNING 1
    ), added AS (
        INSERT INTO sutra.association (space, source, target, kind, relation, confidence, evidence)
        SELECT in_space, w.source, w.target, 'temporal'::sutra.association_kind, 'next', 1, w.target
        FROM wanted AS w ORDER BY w.source, w.target
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT (SELECT pg_catalog.count(*) FROM deleted) OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM added) INTO changed;
    RETURN changed;
END
$function$;
COMMENT ON FUNCTION sutra.link_series() IS 'makes the edges next of the session''s space anew from the observations, and returns how many were missing or wrong';
REVOKE ALL ON FUNCTION sutra.link_series() FROM PUBLIC;
