-- The order of time: edges "next" between the statements of a series, whatever the order of learning.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE FUNCTION bar(ticker text, day date, value numeric, metric text DEFAULT 'close') RETURNS concept_id LANGUAGE sql AS $$
    SELECT sutra_learn_batch(ARRAY[format('%s on %s: %s %s', ticker, to_char(day, 'YYYY-MM-DD'), metric, value)],
        ARRAY[jsonb_build_object('company', ticker, 'date', to_char(day, 'YYYY-MM-DD'), metric, value)],
        ARRAY[array_fill(0.1::real, ARRAY[384])::embedding(384)])$$;
CREATE VIEW chain AS
    SELECT s.content AS source, t.content AS target, e.kind, e.confidence, e.evidence = e.target AS by_the_later
    FROM sutra.association AS e JOIN sutra.concept AS s ON s.id = e.source JOIN sutra.concept AS t ON t.id = e.target
    WHERE e.relation = 'next';

-- Out of order.
SELECT count(bar('AAPL', day::date, 100)) FROM unnest(ARRAY['2019-01-04', '2019-01-02', '2019-01-07', '2019-01-03']) AS day;
SELECT * FROM chain ORDER BY source;
-- Another company and another metric are other series; a statement may be in several.
SELECT count(bar('MSFT', day::date, 50)) FROM unnest(ARRAY['2019-01-03', '2019-01-02']) AS day;
SELECT count(bar('AAPL', day::date, 9, 'eps')) FROM unnest(ARRAY['2018-12-31', '2019-03-31']) AS day;
SELECT source, target FROM chain WHERE source LIKE 'MSFT%' OR source LIKE '%eps%' ORDER BY source;
-- Two statements of one day: both lead on, the one with the lower id is led to.
SELECT bar('AAPL', '2019-01-03', 101) IS NOT NULL AS learned;
SELECT count(*) FILTER (WHERE source LIKE '%01-03%') AS leading_on, count(*) FILTER (WHERE target LIKE '%01-03%') AS led_to
FROM chain WHERE source LIKE 'AAPL%' AND source NOT LIKE '%eps%';
SELECT sutra_forget(id) FROM sutra.concept WHERE content = 'AAPL on 2019-01-03: close 101';
SELECT source, target FROM chain WHERE source LIKE 'AAPL%close%' ORDER BY source;
-- A forgotten day joins its neighbours, several at once too, and the last one.
SELECT sutra_forget(id) FROM sutra.concept WHERE content LIKE 'AAPL on 2019-01-03%';
SELECT source, target FROM chain WHERE source LIKE 'AAPL%close%' ORDER BY source;
SELECT bar('AAPL', '2019-01-03', 100) IS NOT NULL AS learned;
SELECT sutra_forget_where('{"company": "AAPL", "date": "2019-01-04"}');
SELECT sutra_forget_where('{"company": "AAPL", "date": "2019-01-07"}');
SELECT source, target FROM chain WHERE source LIKE 'AAPL%close%' ORDER BY source;
-- Learned again with another date: it leaves its place and takes the new one.
SELECT count(bar('AAPL', day::date, 100)) FROM unnest(ARRAY['2019-01-04', '2019-01-07']) AS day;
SELECT count(*) FROM sutra_learn_batch(ARRAY['AAPL on 2019-01-03: close 100'], ARRAY['{"date": "2019-01-05"}'::jsonb],
    ARRAY[array_fill(0.1::real, ARRAY[384])::embedding(384)]);
SELECT source, target FROM chain WHERE source LIKE 'AAPL%close%' ORDER BY source;
-- Learning again what is known changes nothing; an edge given by hand stays.
SELECT sutra_associate((SELECT id FROM sutra.concept WHERE content LIKE 'AAPL on 2019-01-02%'),
    (SELECT id FROM sutra.concept WHERE content LIKE 'AAPL on 2019-01-07%'), 'temporal', 'next') AS added;
SELECT count(bar('AAPL', day::date, 100)) FROM unnest(ARRAY['2019-01-02', '2019-01-07', '2019-01-08']) AS day;
SELECT source, target, by_the_later FROM chain WHERE source LIKE 'AAPL%close%' ORDER BY source, target;
-- A merged company has one series.
SELECT count(*) FROM unnest(ARRAY['2019-01-02', '2019-01-04']) AS day CROSS JOIN LATERAL sutra_learn_batch(ARRAY['Garmin had 1 at ' || day],
    ARRAY[jsonb_build_object('company', 'Garmin', 'date', day, 'close', 1)], ARRAY[array_fill(0.1::real, ARRAY[384])::embedding(384)]);
SELECT count(*) FROM sutra_learn_batch(ARRAY['Garmin (GRMN) had 1 at 2019-01-03'], ARRAY['{"company": "GRMN", "name": "Garmin", "date": "2019-01-03", "close": 1}'::jsonb],
    ARRAY[array_fill(0.1::real, ARRAY[384])::embedding(384)]);
SELECT source, target FROM chain WHERE source LIKE 'Garmin%' ORDER BY source;
-- What the rule gives for all is what learning has kept.
SELECT sutra.link_series() AS missing_or_wrong;
DELETE FROM sutra.association WHERE relation = 'next' AND evidence IS NOT NULL;
SELECT sutra.link_series() AS missing, count(*) AS again FROM chain;
SELECT count(*) FROM chain;

-- A month of bars in one call, in any order, is one chain.
SELECT cardinality(array(SELECT sutra_learn_ohlcv(array_agg('Nvidia'::text), array_agg('NVDA'::text), array_agg(day::date ORDER BY md5(to_char(day, 'DD'))),
    array_agg(1.0::float8), array_agg(2.0::float8), array_agg(0.5::float8), array_agg(1.5::float8), array_agg(100.0::float8))
FROM generate_series('2019-02-01'::date, '2019-02-28', '1 day') AS day));
WITH RECURSIVE walk (id, n) AS (
    SELECT o.concept, 1 FROM sutra.observation AS o JOIN sutra.alias AS a ON a.entity = o.entity AND a.key = 'nvda'
    WHERE o.metric = 'close' AND o.at = '2019-02-01 00:00+00'
    UNION ALL
    SELECT e.target, n + 1 FROM walk JOIN sutra.association AS e ON e.source = walk.id AND e.relation = 'next')
SELECT count(*), max(n) FROM walk;
SELECT sutra.link_series() AS missing_or_wrong;

-- The first statement of a session comes before the library is loaded.
\c -
SELECT sutra.link_series() AS missing_or_wrong;
\c -
SELECT count(*) > 0 AS some FROM sutra.concept AS c CROSS JOIN LATERAL sutra_neighbors(c.id);
