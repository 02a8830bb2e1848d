-- The install script of Sutra, joined from the files of this folder in the order of their numbers.
\echo Use "CREATE EXTENSION sutra" to load this file. \quit

-- Types and functions go to the schema chosen at CREATE EXTENSION, tables to the schema sutra, so the two must differ.
DO $preamble$
BEGIN
    IF '@extschema@' OPERATOR(pg_catalog.=) 'sutra' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_schema_name',
            MESSAGE = 'extension "sutra" cannot be created in schema "sutra"',
            DETAIL = 'The schema "sutra" is made by the extension for its tables.',
            HINT = 'Use CREATE EXTENSION sutra, or CREATE EXTENSION sutra SCHEMA with another schema.';
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) 'sutra') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_schema',
            MESSAGE = 'schema "sutra" already exists',
            DETAIL = 'The extension makes this schema for its tables and will not take over one that it did not make.',
            HINT = 'Rename or drop the schema, then create the extension.';
    END IF;
END
$preamble$;

CREATE SCHEMA sutra;
COMMENT ON SCHEMA sutra IS 'tables of the extension sutra: what was learned, and what steers learning and asking';
GRANT USAGE ON SCHEMA sutra TO PUBLIC;
