-- Likeness: edges "similar to" between near statements, by the vectors of the model.
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT count(*) FROM sutra_learn_batch(ARRAY[
    'The company raised its dividend by ten percent.',
    'The board increased the quarterly dividend by 10%.',
    'Heavy snow closed the mountain roads for a week.',
    'Mountain roads were shut by heavy snow for several days.']);
SELECT least(source_label, target_label) AS one, greatest(source_label, target_label) AS other, kind, confidence BETWEEN 0.7 AND 1 AS near,
    evidence = source AS by_the_later
FROM sutra.graph_edges WHERE relation = 'similar to' ORDER BY 1, 2;
-- A later statement leads to the earlier ones.
SELECT sutra_learn('A dividend increase of ten percent was announced by the company.') IS NOT NULL AS learned;
SELECT count(*), bool_and(source_label LIKE 'A dividend increase%') AS from_the_new
FROM sutra.graph_edges WHERE relation = 'similar to' AND source_label || target_label LIKE '%A dividend increase%';
-- Again, nothing is added; forgotten, nothing is left.
SELECT sutra_learn('A dividend increase of ten percent was announced by the company.') IS NOT NULL AS learned;
SELECT sutra_forget(id) FROM sutra.concept WHERE content LIKE 'A dividend increase%';
SELECT count(*) FROM sutra.association WHERE relation = 'similar to';
-- None for numbers of one company, none for vectors that are given, none when switched off.
SELECT sutra_learn_ohlcv('Apple Inc.', 'AAPL', day::date, 1, 2, 0.5, 1.5, 100) IS NOT NULL AS learned
FROM generate_series('2019-01-02'::date, '2019-01-03', '1 day') AS day;
SELECT count(*) FROM sutra_learn_batch(ARRAY['The dividend went up by a tenth.'], NULL, ARRAY[(SELECT embedding FROM sutra.vector_all_minilm_l6_v2 LIMIT 1)]);
SET sutra.similar_statements = 0;
SELECT sutra_learn('The firm lifted its dividend ten percent.') IS NOT NULL AS learned;
RESET sutra.similar_statements;
SELECT count(*) FROM sutra.association WHERE relation = 'similar to';
-- Each leads to three at most, whatever there is.
SET sutra.similar_threshold = 0.3;
SELECT count(sutra_learn('The company raised its dividend by ' || n || ' percent this year.')) FROM generate_series(1, 30) AS n;
SELECT max(n) AS leaving FROM (SELECT count(*) AS n FROM sutra.association WHERE relation = 'similar to' GROUP BY source) AS e;
SELECT max(n) <= 24 AS bounded FROM (SELECT count(*) AS n FROM sutra.association WHERE relation = 'similar to' GROUP BY target) AS e;
