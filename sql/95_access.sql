-- Who may do what: the privileges of a reader and of a learner, granted with one call.
--
-- The lists name what a role needs, by name and not by signature, so that an overload is not forgotten. docs/SECURITY.md
-- shows the whole; tests/regress/sql/access.sql holds the catalog to it.
CREATE FUNCTION sutra.access_rights(OUT access text, OUT object_type text, OUT object text, OUT privileges text)
    RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE COST 1000 ROWS 50
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN p.proname = ANY (ARRAY[
            'sutra_embed', 'sutra_search', 'sutra_ask', 'sutra_explain', 'sutra_neighbors', 'sutra_paths',
            'sutra_related', 'sutra_concept', 'sutra_extract', 'sutra_times', 'installed_models'])
        THEN 'reader' ELSE 'learner' END,
        'ROUTINE', p.oid::regprocedure::text, 'EXECUTE'
    FROM pg_proc AS p
    JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        AND d.refclassid = 'pg_extension'::regclass
    JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'sutra'
    WHERE p.proname = ANY (ARRAY[
        'sutra_embed', 'sutra_search', 'sutra_ask', 'sutra_explain', 'sutra_neighbors', 'sutra_paths',
        'sutra_related', 'sutra_concept', 'sutra_extract', 'sutra_times', 'installed_models',
        'sutra_learn', 'sutra_learn_batch', 'sutra_learn_ohlcv', 'sutra_associate', 'sutra_forget', 'sutra_forget_where', 'link_series',
        'observations_of', 'next_in_series', 'before_in_series',
        'sutra_ingest', 'sutra_run_job', 'sutra_pause_job', 'sutra_resume_job', 'sutra_cancel_job', 'sutra_retry_job'])
    UNION ALL
    SELECT 'reader', 'TABLE', c.oid::regclass::text, 'SELECT'
    FROM pg_class AS c
    WHERE c.relnamespace = 'sutra'::regnamespace
        AND (c.relname = ANY (ARRAY['concept', 'association', 'observation', 'alias', 'metric', 'metadata_role',
                'ohlcv', 'graph_nodes', 'graph_edges', 'models'])
            OR EXISTS (SELECT FROM sutra.model AS m WHERE m.vector_table = c.relname))
    UNION ALL
    SELECT 'learner', 'TABLE', c.oid::regclass::text, 'INSERT, UPDATE, DELETE'
    FROM pg_class AS c
    WHERE c.relnamespace = 'sutra'::regnamespace
        AND (c.relname = ANY (ARRAY['concept', 'association', 'observation', 'alias'])
            OR EXISTS (SELECT FROM sutra.model AS m WHERE m.vector_table = c.relname))
    UNION ALL
    SELECT 'learner', 'TABLE', c.oid::regclass::text, 'SELECT'
    FROM pg_class AS c
    WHERE c.relnamespace = 'sutra'::regnamespace AND c.relname = ANY (ARRAY['job', 'job_error', 'jobs', 'ingest_progress'])
    UNION ALL
    SELECT 'learner', 'TABLE', i.relation, i.privileges
    FROM (VALUES ('sutra.inbox', 'INSERT (content, metadata, space, kind)'), ('sutra.ohlcv_inbox', 'INSERT')) AS i (relation, privileges)
    ORDER BY 1 DESC, 2 DESC, 3, 4;
END;
COMMENT ON FUNCTION sutra.access_rights() IS 'the privileges of a reader, and those that a learner has beyond them';
REVOKE ALL ON FUNCTION sutra.access_rights() FROM PUBLIC;

-- With the rights of the caller: who may not grant these privileges gets the usual error or warning of GRANT.
CREATE FUNCTION sutra.grant_access(grantee regrole, access text DEFAULT 'reader') RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 10000
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    granted pg_catalog.record;
BEGIN
    IF access <> ALL (ARRAY['reader', 'learner']) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('access %L is unknown', access),
            HINT = 'It is reader, for asking and searching, or learner, for learning and forgetting too.';
    END IF;
    FOR granted IN
        SELECT r.privileges, r.object_type, r.object FROM sutra.access_rights() AS r
        WHERE r.access = 'reader' OR r.access = grant_access.access
    LOOP
        EXECUTE pg_catalog.format('GRANT %s ON %s %s TO %s', granted.privileges, granted.object_type, granted.object, grantee);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION sutra.grant_access(regrole, text) IS 'grants a role what a reader or a learner needs; which spaces it may use is said by sutra.space_role. Call it again after another model was first used';
REVOKE ALL ON FUNCTION sutra.grant_access(regrole, text) FROM PUBLIC;

CREATE FUNCTION sutra.revoke_access(grantee regrole) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 10000
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    granted pg_catalog.record;
BEGIN
    FOR granted IN SELECT r.privileges, r.object_type, r.object FROM sutra.access_rights() AS r LOOP
        EXECUTE pg_catalog.format('REVOKE %s ON %s %s FROM %s', granted.privileges, granted.object_type, granted.object, grantee);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION sutra.revoke_access(regrole) IS 'takes back what sutra.grant_access gives to a role';
REVOKE ALL ON FUNCTION sutra.revoke_access(regrole) FROM PUBLIC;
