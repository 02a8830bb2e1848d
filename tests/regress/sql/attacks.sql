-- What a hostile role tries: objects of its own in front of the extension's, and text that wants to be SQL.
\set VERBOSITY terse
CREATE ROLE regress_attacker;
CREATE TABLE witness (note text);
GRANT INSERT, SELECT ON witness TO regress_attacker;
SELECT sutra.make_vector_table('all-MiniLM-L6-v2');
SELECT sutra.grant_access('regress_attacker', 'learner');

-- Traps for every way a statement could find a name: functions, operators, casts, types and tables.
CREATE SCHEMA trap AUTHORIZATION regress_attacker;
SET ROLE regress_attacker;
SET search_path = trap, pg_catalog, public;
CREATE FUNCTION trap.spring(text) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$ BEGIN INSERT INTO public.witness VALUES (session_user || ' ' || current_user || ' ' || $1); RETURN $1; END $$;
CREATE FUNCTION trap.visible_spaces(name, boolean) RETURNS SETOF text LANGUAGE sql AS $$ SELECT trap.spring('visible_spaces') $$;
CREATE FUNCTION trap.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT trap.spring('current_setting') $$;
CREATE FUNCTION trap.to_tsvector(regconfig, text) RETURNS tsvector LANGUAGE sql AS $$ SELECT trap.spring('to_tsvector')::tsvector $$;
CREATE FUNCTION trap.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT trap.spring('format') $$;
CREATE FUNCTION trap.count(bigint) RETURNS bigint LANGUAGE sql AS $$ SELECT length(trap.spring('count'))::bigint $$;
CREATE FUNCTION trap.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT trap.spring('lower') $$;
CREATE FUNCTION trap.text_equal(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.spring('=') IS NOT NULL $$;
CREATE OPERATOR trap.= (FUNCTION = trap.text_equal, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION trap.text_join(text, text) RETURNS text LANGUAGE sql AS $$ SELECT trap.spring('||') $$;
CREATE OPERATOR trap.|| (FUNCTION = trap.text_join, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION trap.jsonb_within(jsonb, jsonb) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.spring('@>') IS NOT NULL $$;
CREATE OPERATOR trap.@> (FUNCTION = trap.jsonb_within, LEFTARG = jsonb, RIGHTARG = jsonb);
CREATE FUNCTION trap.id_equal(concept_id, concept_id) RETURNS boolean LANGUAGE sql AS $$ SELECT trap.spring('id =') IS NOT NULL $$;
CREATE OPERATOR trap.= (FUNCTION = trap.id_equal, LEFTARG = concept_id, RIGHTARG = concept_id);
CREATE FUNCTION trap.distance(embedding, embedding) RETURNS float8 LANGUAGE sql AS $$ SELECT length(trap.spring('<=>'))::float8 $$;
CREATE OPERATOR trap.<=> (FUNCTION = trap.distance, LEFTARG = embedding, RIGHTARG = embedding);
CREATE DOMAIN trap.text AS pg_catalog.text CHECK (public.vector_dims('[1]') = 2);
CREATE DOMAIN trap.jsonb AS pg_catalog.jsonb CHECK (public.vector_dims('[1]') = 2);
CREATE DOMAIN trap.concept_id AS public.concept_id CHECK (public.vector_dims('[1]') = 2);
CREATE DOMAIN trap.embedding AS public.embedding CHECK (public.vector_dims('[1]') = 2);
CREATE TABLE trap.concept (id pg_catalog.int4);
RESET ROLE;
-- The victim is a superuser who has the attacker's schema in front, by mistake or by ALTER DATABASE.
SET search_path = trap, pg_catalog, public;
SELECT lower('a trap does spring'::pg_catalog.text) AS control;
SELECT public.sutra_learn('Boeing (BA) closed at $320.10 on 2019-01-02.'::pg_catalog.text, '{"company": "BA", "date": "2019-01-02", "price_close": 320.10, "sector": "Industrials"}'::pg_catalog.jsonb) OPERATOR(public.<>) '0000000000000000'::public.concept_id AS learned;
SELECT pg_catalog.cardinality(pg_catalog.array_agg(l)) AS learned FROM public.sutra_learn_ohlcv(ARRAY['Boeing'], ARRAY['BA'], ARRAY['2019-01-03']::pg_catalog.date[], '{314}', '{320}', '{310}', '{309.4}', '{1000}') AS l;
SELECT answer FROM public.sutra_ask('BA close on 2019-01-02'::pg_catalog.text, 1, '{"company": "BA"}'::pg_catalog.jsonb);
SELECT answer FROM public.sutra_ask('Which companies are in the Industrials sector?'::pg_catalog.text, 1);
SELECT content FROM public.sutra_search('Boeing closed'::pg_catalog.text, 1, '{"company": "BA"}'::pg_catalog.jsonb);
SELECT pg_catalog.jsonb_typeof(public.sutra_explain('BA trend'::pg_catalog.text)) AS explained;
SELECT day, close FROM sutra.ohlcv ORDER BY day;
SELECT relation FROM sutra.graph_edges ORDER BY relation;
SELECT n.relation FROM public.sutra_search('Boeing closed'::pg_catalog.text, 1) AS s, public.sutra_neighbors(s.concept_id) AS n ORDER BY n.relation;
SELECT public.sutra_forget_where('{"company": "BA"}'::pg_catalog.jsonb) AS forgotten;
SELECT sutra.make_vector_table('all-MiniLM-L6-v2'::pg_catalog.text);
SELECT sutra.grant_access('regress_attacker'::regrole);
RESET search_path;
SELECT DISTINCT note FROM witness ORDER BY 1;

-- Text that wants to be something else stays text.
SET ROLE regress_attacker;
SELECT count(*) AS learned FROM sutra_learn_batch(
    ARRAY[$$O'Brien said: '); DROP TABLE sutra.concept; --$$, $$$1 %s %I \ " {{}} ${jndi}$$, E'tab\there\nand a line', '$.** ? (@ == "x")'],
    ARRAY[$${"company": "O'Brien'); DROP TABLE sutra.concept; --", "date": "2019-01-02", "price_close": 1}$$,
        $${"$.** ? (@.a == 1)": "$.x", "a": {"b": [1, "'"]}}$$, '{"'';--": "x"}', '{"name": "%s $1 \\ \""}']::jsonb[]);
SELECT content FROM sutra_search($$'); DROP TABLE sutra.concept; --$$, 1);
SELECT count(*) AS found FROM sutra_search('anything', 10, $${"$.** ? (@.a == 1)": "$.x"}$$);
SELECT count(*) AS found FROM sutra_search('anything', 10, $${"company": "x' OR true --"}$$);
SELECT kind FROM sutra_ask($$closing price of O'Brien'); DROP TABLE sutra.concept; -- on 2019-01-02$$, 1);
SELECT kind FROM sutra_ask($$'; SELECT pg_sleep(10); --$$, 1);
SELECT kind FROM sutra_ask('price of $.** ? (@ == "x")', 1, $${"a": {"b": ["' OR 1=1 --"]}}$$);
SELECT count(*) AS concepts FROM sutra.concept WHERE kind = 'statement';
SET sutra.space = $$x'; DROP TABLE sutra.concept; --$$;
SELECT kind FROM sutra_ask('BA close', 1);
SELECT sutra_learn('no such space');
RESET sutra.space;
-- A statement of its own does not get past what was granted.
SELECT sutra.add_postings('default', '{}', '{}', 1);
SELECT sutra.make_vector_table('all-MiniLM-L6-v2');
UPDATE sutra.model SET sha256 = sha256('x');
SELECT * FROM sutra.posting;
INSERT INTO sutra.inbox (content, inserted_by) VALUES ('as somebody else', 'postgres');
SELECT content FROM sutra.inbox;
DELETE FROM sutra.job;
SET sutra.model_folder = '/tmp';
SET sutra.runtime_library = '/tmp/x.so';
ALTER TABLE sutra.concept DISABLE ROW LEVEL SECURITY;
CREATE TRIGGER mine BEFORE INSERT ON sutra.concept FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE FUNCTION sutra.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1';
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA trap CASCADE;
SELECT sutra.revoke_access('regress_attacker');
DROP OWNED BY regress_attacker;
DROP ROLE regress_attacker;
