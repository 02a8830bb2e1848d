-- The install script of sutra_vector: operator classes of sutra_hnsw for pgvector's type and operators, and casts.
\echo Use "CREATE EXTENSION sutra_vector" to load this file. \quit

-- Names are qualified by the schemas that the two extensions are in, so that no object of another schema is taken for theirs.
DO $install$
DECLARE
    sutra name := (SELECT nspname FROM pg_catalog.pg_extension JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) extnamespace
                    WHERE extname OPERATOR(pg_catalog.=) 'sutra');
    vector name := (SELECT nspname FROM pg_catalog.pg_extension JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) extnamespace
                     WHERE extname OPERATOR(pg_catalog.=) 'vector');
    class record;
BEGIN
    IF pg_catalog.to_regoperator(pg_catalog.format('%1$I.<+>(%1$I.vector,%1$I.vector)', vector)) IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'feature_not_supported',
            MESSAGE = 'extension "sutra_vector" needs pgvector 0.7 or newer',
            DETAIL = 'The installed version of extension "vector" has no operator <+>.',
            HINT = 'Use ALTER EXTENSION vector UPDATE.';
    END IF;
    -- None is the default of its type, as in pgvector's hnsw: an index says which distance it is for.
    FOR class IN
        SELECT * FROM (VALUES
            ('vector_l2_ops', '<->', 'sutra_hnsw_l2', 'order by Euclidean distance'),
            ('vector_ip_ops', '<#>', 'sutra_hnsw_inner_product', 'order by negative inner product'),
            ('vector_cosine_ops', '<=>', 'sutra_hnsw_cosine', 'order by cosine distance'),
            ('vector_l1_ops', '<+>', 'sutra_hnsw_l1', 'order by taxicab distance')
        ) AS classes (name, operator, support, comment)
    LOOP
        EXECUTE pg_catalog.format(
            'CREATE OPERATOR CLASS %1$I FOR TYPE %2$I.vector USING sutra_hnsw AS
                 OPERATOR 1 %2$I.%3$s (%2$I.vector, %2$I.vector) FOR ORDER BY pg_catalog.float_ops,
                 FUNCTION 1 %4$I.%5$I(pg_catalog.internal)',
            class.name, vector, class.operator, sutra, class.support);
        EXECUTE pg_catalog.format('COMMENT ON OPERATOR CLASS %I USING sutra_hnsw IS %L', class.name, class.comment OPERATOR(pg_catalog.||) ', operator ' OPERATOR(pg_catalog.||) class.operator);
        EXECUTE pg_catalog.format('COMMENT ON OPERATOR FAMILY %I USING sutra_hnsw IS %L', class.name, class.comment);
    END LOOP;
    -- The two types are stored alike. On assignment at most: an implicit cast would make expressions of pgvector ambiguous.
    EXECUTE pg_catalog.format('CREATE CAST (%I.vector AS %I.embedding) WITHOUT FUNCTION AS ASSIGNMENT', vector, sutra);
    EXECUTE pg_catalog.format('CREATE CAST (%2$I.embedding AS %1$I.vector) WITHOUT FUNCTION AS ASSIGNMENT', vector, sutra);
    EXECUTE pg_catalog.format('COMMENT ON CAST (%I.vector AS %I.embedding) IS %L', vector, sutra, 'the same bytes as embedding');
    EXECUTE pg_catalog.format('COMMENT ON CAST (%2$I.embedding AS %1$I.vector) IS %L', vector, sutra, 'the same bytes as vector');
END
$install$;
