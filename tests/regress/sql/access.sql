-- Who may use what: the catalog agrees with the table in docs/SECURITY.md line by line, and whatever the table leaves
-- out is a pure function, a type or an operator.
\set document `cat "$PG_ABS_SRCDIR/../../docs/SECURITY.md"`
\set VERBOSITY terse
CREATE ROLE regress_access_reader;
CREATE ROLE regress_access_learner LOGIN;
SELECT sutra.make_vector_table('all-MiniLM-L6-v2');
SELECT sutra.grant_access('regress_access_reader');
SELECT sutra.grant_access('regress_access_learner', 'learner');
SELECT sutra.grant_access('regress_access_reader', 'everything');
SELECT sutra.grant_access('no_such_role');

CREATE TEMP TABLE member AS
    SELECT d.classid, d.objid
    FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
    WHERE e.extname = 'sutra' AND d.deptype = 'e';
CREATE FUNCTION pg_temp.rights(role text, tab oid) RETURNS text LANGUAGE sql AS $$
    SELECT nullif(string_agg(CASE WHEN has_table_privilege(role, tab, p.privilege) THEN p.privilege
            ELSE p.privilege || ' (' || (SELECT string_agg(a.attname, ', ' ORDER BY a.attname) FROM pg_attribute AS a
                WHERE a.attrelid = tab AND a.attnum > 0 AND has_column_privilege(role, tab, a.attnum, p.privilege)) || ')' END, ', '), '')
    FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p (privilege)
    WHERE has_table_privilege(role, tab, p.privilege)
        OR p.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') AND has_any_column_privilege(role, tab, p.privilege)
$$;
-- One line for each object, as the document has them.
CREATE TEMP TABLE line AS
    SELECT format('| %s | `%s` | %s |', kind, object, who) AS line
    FROM (
        SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid::regprocedure::text,
            CASE WHEN has_function_privilege('public', p.oid, 'EXECUTE') THEN 'everybody'
                WHEN has_function_privilege('regress_access_reader', p.oid, 'EXECUTE') THEN 'reader, learner'
                WHEN has_function_privilege('regress_access_learner', p.oid, 'EXECUTE') THEN 'learner'
                ELSE 'owner' END || CASE WHEN p.prosecdef THEN '; runs as the owner' ELSE '' END
        FROM member AS m JOIN pg_proc AS p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
        WHERE p.provolatile <> 'i' OR p.prosecdef OR NOT has_function_privilege('public', p.oid, 'EXECUTE')
        UNION ALL
        SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, c.oid::regclass::text,
            coalesce(nullif(concat_ws('; ', 'everybody: ' || pg_temp.rights('public', c.oid),
                'reader: ' || pg_temp.rights('regress_access_reader', c.oid),
                'learner: ' || pg_temp.rights('regress_access_learner', c.oid)), ''), 'owner')
                || CASE WHEN c.relrowsecurity THEN '; rows by space' WHEN 'security_invoker=true' = ANY (c.reloptions) THEN '; as its tables' ELSE '' END
        FROM (SELECT objid FROM member WHERE classid = 'pg_class'::regclass
              UNION SELECT 'sutra.vector_all_minilm_l6_v2'::regclass) AS m (objid)
        JOIN pg_class AS c ON c.oid = m.objid
        WHERE c.relkind IN ('r', 'v', 'p', 'm', 'f')
        UNION ALL
        SELECT 'setting', s.name, CASE s.context WHEN 'user' THEN 'everybody' WHEN 'superuser' THEN 'superusers'
            WHEN 'postmaster' THEN 'at the start of the server' ELSE s.context END
        FROM pg_settings AS s WHERE s.name LIKE 'sutra.%'
    ) AS o (kind, object, who);
SELECT line AS only_in_the_catalog FROM line
EXCEPT SELECT l FROM regexp_split_to_table(:'document', E'\n') AS l ORDER BY 1;
SELECT l AS only_in_the_document FROM regexp_split_to_table(:'document', E'\n') AS l
WHERE l ~ '^\| (function|procedure|table|view|setting) \|' EXCEPT SELECT line FROM line ORDER BY 1;

-- A function that runs with its owner's rights pins search_path.
SELECT p.oid::regprocedure AS without_search_path
FROM member AS m JOIN pg_proc AS p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
WHERE p.prosecdef AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS c WHERE c LIKE 'search_path=pg_catalog, pg_temp');
-- Nobody may create in the extension's schema, and sequences are nobody's.
SELECT has_schema_privilege('public', 'sutra', 'CREATE') AS create_in_sutra;
SELECT c.oid::regclass AS sequence_for_others FROM pg_class AS c
WHERE c.relnamespace = 'sutra'::regnamespace AND c.relkind = 'S'
    AND (has_sequence_privilege('regress_access_learner', c.oid, 'USAGE') OR has_sequence_privilege('public', c.oid, 'SELECT'));

-- What was granted can be used, and taken back.
SET ROLE regress_access_learner;
SELECT sutra_learn('Apple Inc. (AAPL) closed at $157.92 on 2019-01-02.', '{"company": "AAPL", "date": "2019-01-02", "price_close": "157.92", "sector": "Technology"}') AS first;
SELECT sutra_learn('Apple Inc. (AAPL) closed at $157.92 on 2019-01-02.', '{"note": "again"}') AS again;
SELECT sutra_learn_ohlcv('Apple Inc.', 'AAPL', '2019-01-03', 143.98, 145.72, 142, 142.19, 91312200) AS bar;
SELECT answer FROM sutra_ask('AAPL close on 2019-01-03', 1);
SELECT sutra_forget_where('{"company": "AAPL", "date": "2019-01-02"}') AS forgotten;
COPY sutra.ohlcv_inbox (company, ticker, day, open, high, low, close, volume) FROM stdin (FORMAT csv);
Apple Inc.,AAPL,2019-01-04,144.53,148.55,143.80,148.26,58607100
\.
COPY sutra.inbox (content, metadata, space) FROM stdin;
Apple makes phones.	{"company": "AAPL"}	default
\.
SELECT sutra_ingest() IS NOT NULL AS job;
DO $$ BEGIN FOR turn IN 1..600 LOOP EXIT WHEN (SELECT state FROM sutra.jobs) = 'done'; PERFORM pg_sleep(0.1); END LOOP; END $$;
SELECT state, total, done, failed, remaining FROM sutra.ingest_progress;
SELECT answer FROM sutra_ask('AAPL close on 2019-01-04', 1);
RESET ROLE;
SET ROLE regress_access_reader;
SELECT answer FROM sutra_ask('AAPL close on 2019-01-03', 1);
SELECT count(*) AS found FROM sutra_search('Apple');
SELECT day, close FROM sutra.ohlcv;
SELECT name FROM sutra.models;
SELECT sutra_learn('A reader does not learn.');
INSERT INTO sutra.concept (id, content, digest) VALUES ('00000000000000aa', 'x', sha256('x'));
DELETE FROM sutra.concept;
SELECT sutra_forget_where('{}');
RESET ROLE;
SELECT sutra.revoke_access('regress_access_reader');
SELECT sutra.revoke_access('regress_access_learner');
SET ROLE regress_access_reader;
SELECT answer FROM sutra_ask('AAPL close on 2019-01-03', 1);
SELECT count(*) FROM sutra.concept;
SELECT sutra_embed('an ordinary role without a grant');
RESET ROLE;
DROP ROLE regress_access_reader, regress_access_learner;
