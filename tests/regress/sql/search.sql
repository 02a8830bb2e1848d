-- Search by words and by meaning. Vectors of statements are given: one of two directions, so that every score is known;
-- that of the query comes from the model, so scores that hang on it are only compared.
\set VERBOSITY terse
SET sutra.embedding_threads = 1;
CREATE FUNCTION refused(statement text) RETURNS TABLE (code text, message text, detail text, hint text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    message := 'nothing';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END $$;
-- What sutra.posting must hold by sutra.concept: number of entries, documents and words of each term that differ.
CREATE FUNCTION wrong_terms() RETURNS bigint LANGUAGE sql AS $$
    WITH wanted AS (
        SELECT c.space, l.lexeme, count(*) AS documents, sum(c.length) AS words, sum(l.frequency) AS frequency
        FROM (SELECT space, terms, (SELECT coalesce(sum(cardinality(positions)), 0) FROM unnest(terms)) AS length
              FROM sutra.concept WHERE terms IS NOT NULL) AS c,
            LATERAL (SELECT lexeme, cardinality(positions) FROM unnest(c.terms) UNION ALL SELECT '', 1) AS l (lexeme, frequency)
        GROUP BY 1, 2
    ), found AS (
        SELECT space, term AS lexeme, sum(documents) AS documents, sum(words) AS words,
            sum((SELECT sum(f) FROM unnest(frequencies) AS f)) AS frequency
        FROM sutra.posting GROUP BY 1, 2
    )
    SELECT count(*) FROM wanted FULL JOIN found USING (space, lexeme)
    WHERE (coalesce(wanted.documents, 0), coalesce(wanted.words, 0), coalesce(wanted.frequency, 0))
        IS DISTINCT FROM (coalesce(found.documents, 0), coalesce(found.words, 0), coalesce(found.frequency, 0));
$$;

-- Nothing learned yet: nothing found.
SELECT count(*) FROM sutra_search('apples');

-- With the real model: the words decide where they can, the meaning where they cannot.
SELECT count(*) FROM sutra_learn_batch(ARRAY[
    'Apple reported record earnings for the holiday quarter.',
    'The orchard sells apples and pears at the market.',
    'Shares of Microsoft rose sharply in March.',
    'Interest rates in Japan stayed below zero.',
    'A ship crossed the ocean in twelve days.'],
    ARRAY['{"topic": "company", "exact": 1.10}', '{"topic": "fruit"}', '{"topic": "company"}', '{"topic": "rates"}', '{}']::jsonb[]);
SELECT content, vector_score > 0.3 AS near, text_score > 0 AS by_words FROM sutra_search('record earnings', 1);
SELECT content, text_score FROM sutra_search('stock price climbed', 1);
SELECT content FROM sutra_search('fruit seller', 1);
SELECT metadata FROM sutra_search('earnings', 1);
-- A query of stop words is answered by meaning alone; one of marks and emoji is a text like any other.
SELECT count(*), max(text_score) FROM sutra_search('what is it of the');
SELECT count(*) FROM sutra_search($$ ' " \ & | ! <-> :* ( ) '' 😀 $$);
-- Score, then identity; scores are made of their parts; all k that there are.
SELECT count(*), bool_and(score BETWEEN -1 AND 1) AS bounded FROM sutra_search('apples and earnings', 10000);
SELECT array_agg(concept_id) = array_agg(concept_id ORDER BY score DESC, concept_id) AS in_order FROM sutra_search('apples and earnings');
SELECT array_agg(s.concept_id ORDER BY n) = (SELECT array_agg(concept_id) FROM sutra_search('company news', 3)) AS same_for_every_k
FROM sutra_search('company news', 5) WITH ORDINALITY AS s (concept_id, c, m, score, v, t, n) WHERE n <= 3;

-- Filters are exact.
SELECT content FROM sutra_search('earnings', 10, '{"topic": "company"}') ORDER BY content;
SELECT content FROM sutra_search('ocean', 10, '{"topic": "fruit"}');
SELECT content FROM sutra_search('ocean', 10, '{"exact": 1.1}');
SELECT count(*) FROM sutra_search('ocean', 10, '{"topic": "none"}');
SELECT count(*) FROM sutra_search('ocean', 10, '{}');

-- BM25 by hand: three statements, k1 = 1.2, b = 0.75, in a space of their own; given vectors do not move the text score.
SET sutra.space = 'bm25';
SELECT count(*) FROM sutra_learn_batch(
    ARRAY['wheat wheat corn', 'wheat barley barley barley oats', 'corn'], NULL,
    ARRAY[('[1' || repeat(',0', 383) || ']')::embedding, ('[1' || repeat(',0', 383) || ']')::embedding, ('[1' || repeat(',0', 383) || ']')::embedding]);
CREATE FUNCTION bm25(frequency float8, length float8, holding float8, documents float8, mean float8) RETURNS real LANGUAGE sql AS $$
    SELECT (ln(1 + (documents - holding + 0.5) / (holding + 0.5)) * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * length / mean)))::real $$;
SELECT content, round(text_score::numeric, 5) AS text_score,
    abs(text_score - CASE content WHEN 'corn' THEN 0 WHEN 'wheat wheat corn' THEN bm25(2, 3, 2, 3, 3) ELSE bm25(1, 5, 2, 3, 3) END) < 1e-6 AS as_by_hand
FROM sutra_search('wheats') ORDER BY text_score DESC;
-- Statistics follow forgetting, rolling back and learning again.
SELECT sutra_forget(id) FROM sutra.concept WHERE content = 'corn' AND space = 'bm25' AND kind = 'statement';
SELECT content, abs(text_score - bm25(2, 3, 2, 2, 4)) < 1e-6 AS as_by_hand FROM sutra_search('wheat', 1);
BEGIN;
SELECT count(*) FROM sutra_learn_batch(ARRAY['wheat', 'rye'], NULL,
    ARRAY[('[1' || repeat(',0', 383) || ']')::embedding, ('[1' || repeat(',0', 383) || ']')::embedding]);
SELECT count(*) FROM sutra_search('wheat') WHERE text_score > 0;
ROLLBACK;
SELECT content, abs(text_score - bm25(2, 3, 2, 2, 4)) < 1e-6 AS as_by_hand FROM sutra_search('wheat', 1);
SELECT count(*) FROM sutra_learn_batch(ARRAY['corn', 'corn'], NULL,
    ARRAY[('[1' || repeat(',0', 383) || ']')::embedding, ('[1' || repeat(',0', 383) || ']')::embedding]);
SELECT content, abs(text_score - bm25(2, 3, 2, 3, 3)) < 1e-6 AS as_by_hand FROM sutra_search('wheat', 1);
SELECT wrong_terms();
RESET sutra.space;
SELECT count(*) FROM sutra_search('wheat') WHERE text_score > 0;

-- The inverted index stays right and its blocks few: one by one, in bulk, forgotten, changed by hand, emptied.
SET sutra.space = 'blocks';
DO $$
BEGIN
    FOR number IN 1..700 LOOP
        INSERT INTO sutra.concept (space, id, content, digest, terms)
        SELECT 'blocks', encode(substr(d, 1, 8), 'hex')::concept_id, 'lot ' || number, d, to_tsvector('english', 'common word, lot ' || number)
        FROM sha256(convert_to('lot ' || number, 'UTF8')) AS d;
    END LOOP;
END $$;
INSERT INTO sutra.concept (space, id, content, digest, metadata, terms)
SELECT 'blocks', encode(substr(d, 1, 8), 'hex')::concept_id, 'bulk ' || number, d, '{"from": "bulk"}', to_tsvector('english', 'common bulk ' || number)
FROM generate_series(1, 2300) AS number, sha256(convert_to('bulk ' || number, 'UTF8')) AS d;
SELECT wrong_terms();
SELECT count(*) < 300 AS few, max(entries) <= 512 AS bounded, sum(documents) FROM sutra.posting WHERE space = 'blocks' AND term = 'common';
SELECT count(*) FROM sutra_search('common', 10000);
-- A filter that most statements pass, one that most do not, and one that none does.
SELECT count(*), min(metadata ->> 'from') FROM sutra_search('common', 10, '{"from": "bulk"}');
SELECT count(*), min(metadata ->> 'from') FROM sutra_search('common lot', 10000, '{"from": "bulk"}');
UPDATE sutra.concept SET metadata = '{"from": "few"}' WHERE space = 'blocks' AND content IN ('lot 3', 'lot 5', 'lot 70');
SELECT content FROM sutra_search('common', 10, '{"from": "few"}') ORDER BY content;
SELECT count(*) FROM sutra_search('common', 10, '{"from": "nowhere"}');
DELETE FROM sutra.concept WHERE space = 'blocks' AND content LIKE '%7';
SELECT wrong_terms();
SELECT count(*) FROM sutra_search('common', 10000);
UPDATE sutra.concept SET terms = to_tsvector('english', 'another') WHERE space = 'blocks' AND content = 'lot 1';
SELECT wrong_terms();
SELECT content FROM sutra_search('another', 1);
SELECT sutra.merge_postings('blocks', ARRAY(SELECT DISTINCT term FROM sutra.posting WHERE space = 'blocks'));
SELECT wrong_terms();
DELETE FROM sutra.concept WHERE space = 'blocks';
SELECT wrong_terms();
SELECT count(*) FROM sutra_search('common');
RESET sutra.space;

-- A long text has a vector of the whole and one of each chunk, is found once, and by what a single sentence says.
SELECT sutra_learn(string_agg('The annual report of branch number ' || n || ' describes offices, furniture and the staff canteen. ', '')
    || 'A whale was seen near the harbour of Lisbon. '
    || string_agg('Branch number ' || n || ' renewed the lease of its building for another year. ', '')) AS report
FROM generate_series(1, 15) AS n \gset
SELECT count(*) > 5 AS chunked, min(chunk), max(chunk) = count(*) - 1 AS numbered FROM sutra.vector_all_minilm_l6_v2 WHERE concept = :'report';
SELECT s.vector_score > 1.1 * (1 - (v.embedding <=> sutra_embed('sea mammal spotted in Portugal'))) AS nearer_than_the_whole
FROM sutra_search('sea mammal spotted in Portugal') AS s JOIN sutra.vector_all_minilm_l6_v2 AS v ON v.concept = s.concept_id AND v.chunk = 0
WHERE s.concept_id = :'report';
SELECT count(*) FROM sutra_search('branch', 100) WHERE concept_id = :'report';

-- Read only, and as a role that may read no more than its spaces and has no grant on the inverted index.
BEGIN TRANSACTION READ ONLY;
SELECT content FROM sutra_search('earnings', 1);
SELECT txid_current_if_assigned() IS NULL AS leaves_no_trace;
COMMIT;
CREATE ROLE regress_sutra_reader;
SET ROLE regress_sutra_reader;
SELECT * FROM refused($$SELECT * FROM sutra_search('earnings')$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION sutra_search(text, integer, jsonb) TO regress_sutra_reader;
SET ROLE regress_sutra_reader;
SELECT code, message FROM refused($$SELECT * FROM sutra_search('earnings')$$);
RESET ROLE;
GRANT SELECT ON sutra.concept, sutra.vector_all_minilm_l6_v2 TO regress_sutra_reader;
SET ROLE regress_sutra_reader;
SELECT content FROM sutra_search('earnings', 1);
SELECT content FROM sutra_search('earnings', 1, '{"topic": "fruit"}');
SET sutra.space = 'bm25';
SELECT count(*) FROM sutra_search('wheat');
RESET ROLE;
INSERT INTO sutra.space_role (space, role_name, may_read) VALUES ('bm25', 'regress_sutra_reader', true);
SET ROLE regress_sutra_reader;
SELECT content, abs(text_score - bm25(2, 3, 2, 3, 3)) < 1e-6 AS as_by_hand FROM sutra_search('wheat', 1);
SELECT code FROM refused('SELECT * FROM sutra.posting');
RESET ROLE;
RESET sutra.space;
DROP OWNED BY regress_sutra_reader;
DROP ROLE regress_sutra_reader;

-- Names in the way of the search path change nothing.
CREATE SCHEMA trap;
CREATE FUNCTION trap.unnest(tsvector) RETURNS SETOF int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE trap.concept (id int);
SET search_path = trap, public, pg_catalog;
SELECT content FROM sutra_search('earnings', 1);
RESET search_path;

-- What is refused, and what is bounded.
\pset expanded on
SELECT * FROM refused($$SELECT * FROM sutra_search(NULL)$$);
SELECT * FROM refused($$SELECT * FROM sutra_search(E' \t\n')$$);
SELECT * FROM refused($$SELECT * FROM sutra_search('a', NULL)$$);
SELECT * FROM refused($$SELECT * FROM sutra_search('a', 0)$$);
SELECT * FROM refused($$SELECT * FROM sutra_search('a', 10001)$$);
SELECT * FROM refused($$SELECT * FROM sutra_search('a', 1, '[1]')$$);
SELECT * FROM refused($$SELECT * FROM sutra_search('a', 1, '"text"')$$);
SELECT * FROM refused($$SELECT * FROM sutra_search('a', 1, 'null')$$);
\pset expanded off
SELECT content FROM sutra_search(repeat('record earnings ', 6500), 1);
SELECT count(*) FROM sutra_search(repeat('x', 100000), 2);

-- A space that is small beside others gives all it has, whatever the session wants of its own scans.
SET sutra.space = 'crowd';
SELECT count(*) AS crowd FROM sutra_learn_batch(
    ARRAY(SELECT 'Statement ' || n FROM generate_series(1, 3000) AS n), NULL,
    ARRAY(SELECT (array_fill((0.01 * (n % 7))::real, ARRAY[n % 300 + 1]) || array_fill(0.5::real, ARRAY[383 - n % 300]))::embedding FROM generate_series(1, 3000) AS n));
SET sutra.space = 'few';
SELECT count(*) AS few FROM sutra_learn_batch(ARRAY(SELECT 'Zebra ' || n FROM generate_series(1, 20) AS n), NULL,
    ARRAY(SELECT array_fill((-0.01 * n)::real, ARRAY[384])::embedding FROM generate_series(1, 20) AS n));
ANALYZE sutra.vector_all_minilm_l6_v2;
SET sutra.iterative_scan = off;
SET enable_seqscan = off;
SET enable_sort = off;
SELECT count(*) AS found FROM sutra_search('record earnings', 20);
RESET enable_seqscan;
RESET enable_sort;
RESET sutra.iterative_scan;
RESET sutra.space;
