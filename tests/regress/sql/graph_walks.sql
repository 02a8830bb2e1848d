-- Walks over the graph: sutra_paths, sutra_related, sutra_concept.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE FUNCTION learn(content text, metadata jsonb DEFAULT '{}') RETURNS concept_id LANGUAGE sql AS
    $$SELECT sutra_learn_batch(ARRAY[content], ARRAY[metadata], ARRAY[array_fill(0.1::real, ARRAY[384])::embedding(384)])$$;
CREATE FUNCTION chain(concept_id[]) RETURNS text LANGUAGE sql STABLE AS
    $$SELECT string_agg(left(c.content, 30), ' > ' ORDER BY n) FROM unnest($1) WITH ORDINALITY AS u (id, n) JOIN sutra.concept AS c ON c.id = u.id$$;
SELECT count(learn(text)) FROM unnest(ARRAY[
    'Heavy rain caused severe flooding.', 'Severe flooding led to power outages.', 'Power outages resulted in lost production.',
    'Heavy rain may cause power outages.', 'Lost production contributed to lower revenue.']) AS text;

-- A causal chain, each step with its statement; the surest path first, confidences multiply.
SELECT rank, confidence, length, chain(concepts), together, complete
FROM sutra_paths(sutra_concept('heavy rain'), sutra_concept('lost production'), kinds => '{causal}');
SELECT s->>'relation' AS relation, s->>'kind' AS kind, s->>'outgoing' AS outgoing, s->>'confidence' AS confidence, c.content AS evidence
FROM sutra_paths(sutra_concept('Heavy rain'), sutra_concept('Lost production'), max_paths => 1) AS p,
    jsonb_array_elements(p.path) WITH ORDINALITY AS e (s, n)
    JOIN sutra.concept AS c ON c.id = (s->>'evidence')::concept_id
ORDER BY n;
-- Direction, kind, depth and number are respected.
SELECT count(*) FROM sutra_paths(sutra_concept('lost production'), sutra_concept('heavy rain'));
SELECT length, chain(concepts) FROM sutra_paths(sutra_concept('lost production'), sutra_concept('heavy rain'), direction => 'in', max_paths => 1);
SELECT count(*) FROM sutra_paths(sutra_concept('heavy rain'), sutra_concept('lost production'), kinds => '{semantic,temporal}');
SELECT count(*) FROM sutra_paths(sutra_concept('heavy rain'), sutra_concept('lost production'), kinds => '{}');
SELECT length FROM sutra_paths(sutra_concept('heavy rain'), sutra_concept('lost production'), max_depth => 2);
SELECT count(*) FROM sutra_paths(sutra_concept('heavy rain'), sutra_concept('lower revenue'), max_depth => 3);

-- Companies are connected by what they share.
SELECT count(learn(content, metadata::jsonb)) FROM (VALUES
    ('Apple Inc. (AAPL) is a company in the Information Technology sector.', '{"company": "AAPL", "name": "Apple Inc.", "sector": "Information Technology", "headquarters": "Cupertino, California"}'),
    ('Microsoft (MSFT) is a company in the Information Technology sector.', '{"company": "MSFT", "name": "Microsoft", "sector": "Information Technology", "headquarters": "Redmond, Washington"}'),
    ('Nvidia (NVDA) is a company in the Information Technology sector.', '{"company": "NVDA", "name": "Nvidia", "sector": "Information Technology", "headquarters": "Santa Clara, California"}')) AS t (content, metadata);
SELECT length, confidence, chain(concepts) FROM sutra_paths(sutra_concept('AAPL'), sutra_concept('Microsoft'), 2, '{hierarchical}', direction => 'both');
SELECT count(*) FROM sutra_paths(sutra_concept('AAPL'), sutra_concept('Microsoft'), 4, '{hierarchical}');
SELECT content, confidence, depth, ways, last->>'relation' AS relation
FROM sutra_related(sutra_concept('AAPL'), kinds => '{hierarchical}', max_results => 6);
SELECT content, round(confidence::numeric, 3) AS confidence, depth, ways
FROM sutra_related(sutra_concept('heavy rain'), 4, '{causal}', direction => 'out');

-- A budget that is used up is said.
SELECT count(sutra_associate(sutra_concept('AAPL'), learn('Note ' || n), relation => 'noted')) FROM generate_series(1, 300) AS n;
SET sutra.graph_nodes = 100;
SELECT count(*) > 0 AS found, bool_and(NOT complete) AS said FROM sutra_related(sutra_concept('AAPL'), 2);
SELECT count(*) FROM sutra_paths(sutra_concept('heavy rain'), sutra_concept('AAPL'));
RESET sutra.graph_nodes;
SELECT count(*), bool_and(complete) AS said FROM sutra_related(sutra_concept('AAPL'), 1, max_results => 1000);

-- Names.
SELECT sutra_concept('nobody knows this') IS NULL AS unknown;
SELECT sutra_concept('apple') = sutra_concept('AAPL') AS same, sutra_concept(sutra_concept('AAPL')::text) = sutra_concept('AAPL') AS by_id,
    sutra_concept('Heavy rain caused severe flooding.') IS NOT NULL AS statement;
SELECT count(learn('They trade as ' || ticker, jsonb_build_object('ticker', ticker, 'name', 'Alphabet'))) FROM unnest(ARRAY['GOOG', 'GOOGL']) AS ticker;
SELECT sutra_concept('Alphabet');

-- Bad input.
SELECT sutra_concept(NULL);
SELECT * FROM sutra_paths(NULL, sutra_concept('AAPL'));
SELECT * FROM sutra_paths(sutra_concept('AAPL'), sutra_concept('AAPL'));
SELECT * FROM sutra_paths(sutra_concept('AAPL'), sutra_concept('MSFT'), 0);
SELECT * FROM sutra_paths(sutra_concept('AAPL'), sutra_concept('MSFT'), 17);
SELECT * FROM sutra_paths(sutra_concept('AAPL'), sutra_concept('MSFT'), max_paths => NULL);
SELECT * FROM sutra_paths(sutra_concept('AAPL'), sutra_concept('MSFT'), kinds => '{cause}');
SELECT * FROM sutra_paths(sutra_concept('AAPL'), sutra_concept('MSFT'), direction => 'sideways');
SELECT * FROM sutra_related(sutra_concept('AAPL'), max_results => 0);
SELECT count(*) FROM sutra_paths('ffffffffffffffff', sutra_concept('AAPL'));
SELECT count(*) FROM sutra_related('ffffffffffffffff');

-- Another space is another graph, and who may not see one walks nowhere in it.
SET sutra.space = 'other';
SELECT count(*) FROM sutra_related((SELECT id FROM sutra.concept WHERE space = 'default' AND content = 'AAPL'));
CREATE FUNCTION by_index(query text, key text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
    found boolean := false;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        found := found OR line ~ ('Index Cond: .*\(' || key || ' ');
    END LOOP;
    RETURN found;
END $$;
ANALYZE sutra.concept, sutra.association;
CREATE ROLE regress_walker;
GRANT SELECT ON ALL TABLES IN SCHEMA sutra TO regress_walker;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO regress_walker;
SET sutra.space = 'secret';
SELECT learn('Fire caused smoke.') IS NOT NULL AS learned;
SELECT count(*) FROM sutra_related(sutra_concept('fire'));
SET ROLE regress_walker;
SELECT sutra_concept('fire');
SET sutra.space = 'default';
SELECT length, chain(concepts) FROM sutra_paths(sutra_concept('heavy rain'), sutra_concept('severe flooding'));
-- Looked up by id, although the policy stands before it.
SET enable_seqscan = off;
SELECT by_index($$SELECT content FROM sutra.concept WHERE space = 'default' AND id = '0000000000000001'$$, 'id');
-- PostgreSQL 15 chooses another plan for a table this small.
SELECT by_index($$SELECT target FROM sutra.association WHERE space = 'default' AND source = ANY ('{0000000000000001,0000000000000002}'::concept_id[])$$, 'source')
    OR current_setting('server_version_num')::int < 160000 AS by_index;
RESET ROLE;
REVOKE ALL ON ALL TABLES IN SCHEMA sutra FROM regress_walker;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM regress_walker;
DROP ROLE regress_walker;
