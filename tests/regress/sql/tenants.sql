-- Two tenants in one database: what one learned, the other does not see, count or infer, by no way of the extension.
-- Also when row-level security is forced on the owner.
\set VERBOSITY terse
CREATE ROLE regress_tenant_one;
CREATE ROLE regress_tenant_two;
SELECT sutra.make_vector_table('all-MiniLM-L6-v2');
SELECT sutra.grant_access(role::regrole, 'learner') FROM unnest(ARRAY['regress_tenant_one', 'regress_tenant_two']) AS role;
INSERT INTO sutra.space_role (space, role_name, may_read, may_learn) VALUES
    ('one', 'regress_tenant_one', true, true), ('two', 'regress_tenant_two', true, true);

SET ROLE regress_tenant_one;
SET sutra.space = 'one';
SELECT sutra_learn('Boeing (BA) closed at $320.10 on 2019-01-02.', '{"company": "BA", "date": "2019-01-02", "price_close": 320.10, "sector": "Industrials"}') IS NOT NULL AS learned;
SELECT sutra_learn('The zebra reserve of Boeing is a secret of tenant one.', '{"company": "BA", "secret": "yes"}') IS NOT NULL AS learned;
RESET ROLE;
SET ROLE regress_tenant_two;
SET sutra.space = 'two';
SELECT sutra_learn('Boeing (BA) closed at $999.00 on 2019-01-02.', '{"company": "BA", "date": "2019-01-02", "price_close": 999}') IS NOT NULL AS learned;

-- Each gets its own, under its own space and under the name of the other's.
SELECT answer FROM sutra_ask('BA close on 2019-01-02', 1);
SET sutra.space = 'one';
SELECT kind, answer FROM sutra_ask('BA close on 2019-01-02', 1);
SELECT count(*) AS found FROM sutra_search('zebra reserve');
SELECT count(*) AS found FROM sutra_search('Boeing', 10, '{"secret": "yes"}');
SELECT sutra_explain('zebra reserve of Boeing') #>> '{answer,kind}' AS kind;
SELECT sutra_learn('Not in the space of another.');
SELECT sutra_forget_where('{"company": "BA"}') AS forgotten;
SELECT count(*) FILTER (WHERE space <> 'two') AS foreign_rows, count(*) > 0 AS own_rows FROM sutra.concept;
SELECT count(*) AS foreign_rows FROM sutra.association WHERE space <> 'two';
SELECT count(*) AS foreign_rows FROM sutra.observation WHERE space <> 'two';
SELECT count(*) AS foreign_rows FROM sutra.alias WHERE space <> 'two';
SELECT count(*) AS foreign_rows FROM sutra.vector_all_minilm_l6_v2 WHERE space <> 'two';
SELECT count(*) AS foreign_rows FROM sutra.graph_nodes WHERE space <> 'two';
SELECT count(*) AS foreign_rows FROM sutra.graph_edges WHERE space <> 'two';
SELECT count(*) AS foreign_rows FROM sutra.ohlcv WHERE space <> 'two';
-- Through the vector index.
SET enable_seqscan = off;
SELECT count(*) AS foreign_rows FROM (
    SELECT space FROM sutra.vector_all_minilm_l6_v2 ORDER BY embedding <=> sutra_embed('the zebra reserve is a secret') LIMIT 100) AS v
WHERE space <> 'two';
RESET enable_seqscan;
SELECT * FROM sutra.posting;
SELECT * FROM sutra.visible_spaces('regress_tenant_two', false) ORDER BY 1;
SELECT * FROM sutra.visible_spaces('regress_tenant_one', false) ORDER BY 1;
SELECT space, role_name FROM sutra.space_role ORDER BY 1;
INSERT INTO sutra.space_role (space, role_name) VALUES ('one', 'regress_tenant_two');
UPDATE sutra.concept SET space = 'one';
INSERT INTO sutra.observation (space, concept, entity, metric, at, value) SELECT 'one', concept, entity, metric, at, 1 FROM sutra.observation;
-- A function that leaks what it sees is not evaluated on rows of another.
CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE 'saw %', $1; RETURN true; END $$;
SELECT count(*) > 0 AS rows FROM sutra.concept WHERE pg_temp.leak(space) AND content LIKE '%zebra%';
SELECT EXISTS (SELECT FROM sutra.posting) AS reads_postings;

-- Statistics of words are of the space: the score of the same statement is the same, whatever another tenant learned.
SET sutra.space = 'two';
SELECT text_score AS before FROM sutra_search('Boeing closed', 1) \gset
RESET ROLE;
SET ROLE regress_tenant_one;
SET sutra.space = 'one';
SELECT count(*) AS learned FROM sutra_learn_batch(ARRAY['Boeing closed up.', 'Boeing closed down.', 'Boeing closed flat.']);
RESET ROLE;
SET ROLE regress_tenant_two;
SET sutra.space = 'two';
SELECT text_score = :'before'::real AS unchanged FROM sutra_search('Boeing closed', 1);
-- Planner statistics are closed to who may not read the rows.
RESET ROLE;
ANALYZE sutra.concept;
SET ROLE regress_tenant_two;
SELECT count(*) AS statistics FROM pg_stats WHERE schemaname = 'sutra' AND tablename = 'concept';
RESET ROLE;

-- Forced on the owner too, everything goes on as before.
ALTER TABLE sutra.concept FORCE ROW LEVEL SECURITY;
ALTER TABLE sutra.association FORCE ROW LEVEL SECURITY;
ALTER TABLE sutra.observation FORCE ROW LEVEL SECURITY;
ALTER TABLE sutra.alias FORCE ROW LEVEL SECURITY;
ALTER TABLE sutra.vector_all_minilm_l6_v2 FORCE ROW LEVEL SECURITY;
SET ROLE regress_tenant_two;
SET sutra.space = 'two';
SELECT answer FROM sutra_ask('BA close on 2019-01-02', 1);
SELECT count(*) AS found FROM sutra_search('Boeing closed');
SELECT sutra_learn('Boeing rose.', '{"company": "BA"}') IS NOT NULL AS learned;
SELECT sutra_forget_where('{"company": "BA"}') AS forgotten;
RESET ROLE;
ALTER TABLE sutra.concept NO FORCE ROW LEVEL SECURITY;
SELECT count(*) AS of_tenant_one FROM sutra.concept WHERE space = 'one' AND kind = 'statement';
SELECT sutra.revoke_access(role::regrole) FROM unnest(ARRAY['regress_tenant_one', 'regress_tenant_two']) AS role;
DROP FUNCTION pg_temp.leak;
DROP ROLE regress_tenant_one, regress_tenant_two;
