-- Who may look into an index, and with whose rights its expression is evaluated.
SET client_min_messages = warning;
CREATE ROLE sutra_regress_owner;
CREATE ROLE sutra_regress_reader;
CREATE ROLE sutra_regress_monitor IN ROLE pg_stat_scan_tables;
GRANT CREATE ON SCHEMA public TO sutra_regress_owner;
SET ROLE sutra_regress_owner;
CREATE TABLE secret (id int, tenant name DEFAULT 'sutra_regress_owner', v embedding(3));
INSERT INTO secret SELECT i, CASE WHEN i = 1 THEN 'sutra_regress_reader' ELSE 'somebody' END, ARRAY[sin(i), cos(i), 1]::real[]::embedding(3) FROM generate_series(1, 500) AS i;
CREATE INDEX secret_v ON secret USING sutra_hnsw (v);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secret USING (tenant = current_user);
GRANT SELECT ON secret TO sutra_regress_reader;
SELECT count(*) FROM secret;
CREATE FUNCTION look() RETURNS TABLE (rows bigint, faults bigint, recall boolean) LANGUAGE sql AS $$
    SELECT (SELECT value FROM sutra_index_stats('secret_v') WHERE name = 'rows'), (SELECT count(*) FROM sutra_index_check('secret_v')), sutra_index_recall('secret_v', 5, 20) > 0.9
$$;
SELECT * FROM look();
-- Who reads one row of the table through its policy may not count the others.
SET ROLE sutra_regress_reader;
SET enable_seqscan = off;
SELECT id FROM secret ORDER BY v <-> '[1,0.5,1]' LIMIT 3;
RESET enable_seqscan;
\set VERBOSITY default
SELECT value FROM sutra_index_stats('secret_v') WHERE name = 'rows';
\set VERBOSITY terse
SELECT count(*) FROM sutra_index_check('secret_v');
SELECT sutra_index_recall('secret_v', 5, 20);
SELECT count(*) > 0 AS counts_of_own_session FROM sutra_scan_counts();
-- Monitoring reads whole tables and may count.
SET ROLE sutra_regress_monitor;
SELECT * FROM look();
-- Who may maintain the table may look, where PostgreSQL has that privilege.
RESET ROLE;
DO $$
DECLARE counted bigint;
BEGIN
    IF current_setting('server_version_num')::int >= 170000 THEN
        GRANT MAINTAIN ON secret TO sutra_regress_reader;
        SET LOCAL ROLE sutra_regress_reader;
        SELECT rows INTO counted FROM look();
        IF counted <> 500 THEN RAISE WARNING '% rows', counted; END IF;
    END IF;
EXCEPTION WHEN syntax_error THEN NULL;
END $$;

-- The function of an index on an expression runs as the owner of the table, whoever looks.
SET ROLE sutra_regress_owner;
CREATE FUNCTION as_owner(v embedding) RETURNS embedding LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_user <> 'sutra_regress_owner' THEN RAISE EXCEPTION 'runs as %', current_user; END IF;
    RETURN v;
END $$;
CREATE INDEX secret_expression ON secret USING sutra_hnsw ((public.as_owner(v)::embedding(3)));
RESET ROLE;
SELECT sutra_index_recall('secret_expression', 5, 20) > 0.9 AS recalls, current_user = session_user AS still_oneself;
VACUUM secret;
DROP TABLE secret;
DROP FUNCTION look, as_owner;
REVOKE CREATE ON SCHEMA public FROM sutra_regress_owner;
DROP ROLE sutra_regress_owner, sutra_regress_reader, sutra_regress_monitor;
