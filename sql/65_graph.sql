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
    -- The library, which knows the setting, may not be loaded yet.
    in_space CONSTANT pg_catalog.text := coalesce(pg_catalog.current_setting('sutra.space', true), 'default');
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

-- Walks of several steps. They run with the rights of the caller, like any read of the tables.
CREATE FUNCTION sutra_paths(
        "from" concept_id, "to" concept_id, max_depth integer DEFAULT 4, kinds sutra.association_kind[] DEFAULT NULL,
        max_paths integer DEFAULT 10, direction text DEFAULT 'out')
    RETURNS TABLE (rank integer, confidence real, length integer, concepts concept_id[], path jsonb, together real, complete boolean)
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED COST 10000 ROWS 10
    AS 'MODULE_PATHNAME', 'sutra_paths_wrapper';
COMMENT ON FUNCTION sutra_paths(concept_id, concept_id, integer, sutra.association_kind[], integer, text) IS 'the surest paths without a loop from one concept to another over edges of some kinds (null: all), walked out (along), in (against) or both ways: confidence is the product of the edges'', together that of independent paths taken together; complete is false where sutra.graph_nodes or sutra.graph_time ended the search';
REVOKE ALL ON FUNCTION sutra_paths(concept_id, concept_id, integer, sutra.association_kind[], integer, text) FROM PUBLIC;

CREATE FUNCTION sutra_related(
        id concept_id, max_depth integer DEFAULT 2, kinds sutra.association_kind[] DEFAULT NULL, max_results integer DEFAULT 20,
        direction text DEFAULT 'both')
    RETURNS TABLE (concept_id concept_id, content text, confidence real, depth integer, ways integer, last jsonb, complete boolean)
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED COST 10000 ROWS 20
    AS 'MODULE_PATHNAME', 'sutra_related_wrapper';
COMMENT ON FUNCTION sutra_related(concept_id, integer, sutra.association_kind[], integer, text) IS 'what a concept is related to within some steps, the surest first: ways that agree raise the confidence (1 - product of (1 - confidence) over the edges from the step before), last is the surest of these edges';
REVOKE ALL ON FUNCTION sutra_related(concept_id, integer, sutra.association_kind[], integer, text) FROM PUBLIC;

CREATE FUNCTION sutra_concept(name text) RETURNS concept_id
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED COST 1000
    AS 'MODULE_PATHNAME', 'sutra_concept_wrapper';
COMMENT ON FUNCTION sutra_concept(text) IS 'the concept that a name means: 16 hexadecimal digits, a known name or ticker, the words of an entity, or the whole text of a statement; null when there is none, an error when there are several';
REVOKE ALL ON FUNCTION sutra_concept(text) FROM PUBLIC;
