-- The concept graph: what a concept is associated with.

CREATE FUNCTION sutra_neighbors(
        id concept_id, kinds sutra.association_kind[] DEFAULT NULL, direction text DEFAULT 'both', max_neighbors integer DEFAULT 100,
        OUT neighbor concept_id, OUT outgoing boolean, OUT kind sutra.association_kind, OUT relation text, OUT confidence real,
        OUT evidence concept_id, OUT content text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000 ROWS 100
AS $function$
#variable_conflict use_column
DECLARE
    in_space CONSTANT pg_catalog.text := pg_catalog.current_setting('sutra.space');
BEGIN
    IF sutra_neighbors.id IS NULL OR max_neighbors IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = CASE WHEN sutra_neighbors.id IS NULL THEN 'id must not be null' ELSE 'max_neighbors must not be null' END,
            HINT = 'Leave an argument out for its default.';
    END IF;
    IF direction IS NULL OR direction OPERATOR(pg_catalog.<>) ALL (ARRAY['both', 'in', 'out']) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('direction %L is unknown', direction),
            HINT = 'It is out for the edges that leave the concept, in for those that enter it, or both.';
    END IF;
    IF max_neighbors OPERATOR(pg_catalog.<) 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('max_neighbors is %s', max_neighbors),
            HINT = 'It must be at least 1.';
    END IF;
    RETURN QUERY
        SELECT e.neighbor, e.outgoing, e.kind, e.relation, e.confidence, e.evidence, c.content
        FROM (
            SELECT a.target, true, a.kind, a.relation, a.confidence, a.evidence
            FROM sutra.association AS a
            WHERE direction OPERATOR(pg_catalog.<>) 'in'
                AND a.space OPERATOR(pg_catalog.=) in_space AND a.source OPERATOR(@extschema@.=) sutra_neighbors.id
                AND (kinds IS NULL OR a.kind OPERATOR(pg_catalog.=) ANY (kinds))
            UNION ALL
            SELECT a.source, false, a.kind, a.relation, a.confidence, a.evidence
            FROM sutra.association AS a
            WHERE direction OPERATOR(pg_catalog.<>) 'out'
                AND a.space OPERATOR(pg_catalog.=) in_space AND a.target OPERATOR(@extschema@.=) sutra_neighbors.id
                AND (kinds IS NULL OR a.kind OPERATOR(pg_catalog.=) ANY (kinds))
            ORDER BY 5 DESC, 1, 2, 3, 4
            LIMIT max_neighbors
        ) AS e (neighbor, outgoing, kind, relation, confidence, evidence)
        JOIN sutra.concept AS c ON c.space OPERATOR(pg_catalog.=) in_space AND c.id OPERATOR(@extschema@.=) e.neighbor
        ORDER BY e.confidence DESC, e.neighbor, e.outgoing, e.kind, e.relation;
END
$function$;
COMMENT ON FUNCTION sutra_neighbors(concept_id, sutra.association_kind[], text, integer) IS 'the concepts at the other end of a concept''s edges, the surest first, then by concept_id; kinds and direction (in, out, both) select edges';
REVOKE EXECUTE ON FUNCTION sutra_neighbors(concept_id, sutra.association_kind[], text, integer) FROM PUBLIC;
