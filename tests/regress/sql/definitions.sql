-- pg_upgrade makes every function, view, trigger and check of the extension anew from what PostgreSQL prints of it, with an
-- empty search path. Comparisons of rows and DISTINCT FROM of the extension's own types would not pass where they are kept
-- parsed: they are printed with one schema for all operators of a row, or with none.
BEGIN;
SET LOCAL search_path = '';
SET LOCAL client_min_messages = error;
DO $$
DECLARE
    made record;
    number integer := 0;
BEGIN
    FOR made IN
        SELECT d.classid, d.objid FROM pg_catalog.pg_depend AS d
        JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        LEFT JOIN pg_catalog.pg_proc AS p ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.objid
        LEFT JOIN pg_catalog.pg_class AS c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
        WHERE e.extname = 'sutra' AND d.deptype = 'e' AND (p.prokind IN ('f', 'p') OR c.relkind = 'v')
    LOOP
        EXECUTE CASE WHEN made.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN pg_catalog.pg_get_functiondef(made.objid)
            ELSE pg_catalog.format('CREATE OR REPLACE VIEW %s AS %s', made.objid::pg_catalog.regclass, pg_catalog.pg_get_viewdef(made.objid)) END;
        number := number + 1;
    END LOOP;
    FOR made IN
        SELECT pg_catalog.replace(pg_catalog.pg_get_triggerdef(t.oid), 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER') AS statement
        FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
        WHERE c.relnamespace = 'sutra'::pg_catalog.regnamespace AND NOT t.tgisinternal
        UNION ALL
        SELECT pg_catalog.format('ALTER TABLE %s ADD %s', r.conrelid::pg_catalog.regclass, pg_catalog.pg_get_constraintdef(r.oid))
        FROM pg_catalog.pg_constraint AS r WHERE r.connamespace = 'sutra'::pg_catalog.regnamespace AND r.contype = 'c' AND r.conrelid <> 0
    LOOP
        EXECUTE made.statement;
        number := number + 1;
    END LOOP;
    IF number < 100 THEN
        RAISE EXCEPTION 'only % definitions', number;
    END IF;
END
$$;
ROLLBACK;
