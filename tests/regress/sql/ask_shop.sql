-- Asking about something that is not finance: what a shop sells a day, with words of its own. Vectors are given, so that
-- nothing here depends on the model; every number is computed beside it by other SQL.
\set VERBOSITY terse
SET datestyle = ISO;
CREATE TEMP TABLE sale AS
    SELECT product, day, 5 + (n * 7 + number * 3) % 23 AS units, round((5 + (n * 7 + number * 3) % 23) * price, 2) AS takings
    FROM (VALUES ('Oak Chair', 1, 49.5), ('Pine Table', 2, 120.0), ('Elm Bench', 3, 88.25), ('Walnut Desk', 4, 310.0)) AS p(product, number, price),
        generate_series(0, 364) AS n, LATERAL (SELECT date '2024-01-01' + n AS day) AS d
    WHERE extract(isodow FROM day) < 7;
SELECT count(*) AS learned FROM (
    SELECT sutra_learn_batch(
        array_agg(format('On %s the shop sold %s of %s and took %s euros.', day, units, product, takings) ORDER BY product, day),
        array_agg(jsonb_build_object('entity', product, 'date', day, 'units_sold', units, 'takings', takings) ORDER BY product, day),
        array_agg((SELECT ('[' || string_agg((1 + (units * d) % 7)::text, ',') || ']')::embedding FROM generate_series(1, 384) AS d) ORDER BY product, day))
    FROM sale) AS s;

-- Without a word of ours the keys are the words.
SELECT answer, (value ->> 'value')::numeric = (SELECT takings FROM sale WHERE product = 'Oak Chair' AND day = '2024-03-05') AS right
FROM sutra_ask('takings of Oak Chair on March 5, 2024', 1);
-- With words, units and a way to sum up a period.
INSERT INTO sutra.metric (space, name, words, label, unit, aggregate) VALUES
    ('default', 'units_sold', '{units,units sold,pieces,pieces sold,sales,sold,sells}', 'units sold', 'pieces', 'sum'),
    ('default', 'takings', '{takings,turnover,earnings,revenue,took,money taken}', 'takings', 'EUR', 'sum');
SELECT q.question, a.kind, a.answer, a.value ->> 'unit' AS unit, round((a.value ->> 'value')::numeric, 6) = round(q.gold, 6) AS right, cardinality(a.evidence) AS cited
FROM (VALUES
    (1, 'How many pieces of Oak Chair were sold on 2024-03-05?', (SELECT units FROM sale WHERE product = 'Oak Chair' AND day = '2024-03-05')::numeric),
    (2, 'What was the turnover of Pine Table in March 2024?', (SELECT sum(takings) FROM sale WHERE product = 'Pine Table' AND day BETWEEN '2024-03-01' AND '2024-03-31')),
    (3, 'average revenue of elm bench in April 2024', (SELECT avg(takings) FROM sale WHERE product = 'Elm Bench' AND day BETWEEN '2024-04-01' AND '2024-04-30')),
    (4, 'What were the highest takings of Walnut Desk in Q2 2024?', (SELECT max(takings) FROM sale WHERE product = 'Walnut Desk' AND day BETWEEN '2024-04-01' AND '2024-06-30')),
    (5, 'On how many days were more than 20 pieces of Pine Table sold in May 2024?', (SELECT count(*) FROM sale WHERE product = 'Pine Table' AND units > 20 AND day BETWEEN '2024-05-01' AND '2024-05-31'))
    ) AS q(number, question, gold), LATERAL sutra_ask(q.question, 1) AS a
ORDER BY q.number;
SELECT value ->> 'date' AS date, (SELECT day FROM sale WHERE product = 'Oak Chair' AND day BETWEEN '2024-06-01' AND '2024-06-30' ORDER BY takings DESC, day LIMIT 1) AS expected
FROM sutra_ask('On which day in June 2024 were the takings of Oak Chair highest?', 1);
SELECT value ->> 'entity' AS entity, (SELECT product FROM sale WHERE day BETWEEN '2024-02-01' AND '2024-02-29' GROUP BY product ORDER BY sum(units) DESC LIMIT 1) AS expected
FROM sutra_ask('Which product had the most units sold in February 2024?', 1);
SELECT value -> 'entities' AS entities, (SELECT jsonb_agg(product ORDER BY total DESC) FROM (SELECT product, sum(takings) AS total FROM sale WHERE day BETWEEN '2024-03-01' AND '2024-03-31' GROUP BY product ORDER BY total DESC LIMIT 2) AS t) AS expected
FROM sutra_ask('Top 2 products by turnover in March 2024', 1);

-- What is not known is said here too.
SELECT q.question, a.kind, a.answer
FROM unnest(ARRAY['turnover of Birch Stool in March 2024', 'takings of Oak Chair on 2024-03-10', 'profit margin of Oak Chair in March 2024',
    'Which product will sell best next year?', 'takings on the day Oak Chair was launched']) WITH ORDINALITY AS q(question, number),
    LATERAL sutra_ask(q.question, 1) AS a
ORDER BY q.number;

-- Of more than 1,000 observations 1,000 are cited, the greatest and the least among them, and their number is said.
SELECT round((value ->> 'value')::numeric, 2) = (SELECT sum(takings) FROM sale) AS total, (value ->> 'evidence_count')::int = (SELECT count(*) FROM sale) AS counted,
    cardinality(evidence) AS cited,
    (value #>> '{extremes,highest,value}')::numeric = (SELECT max(takings) FROM sale) AS highest,
    (value #>> '{extremes,lowest,value}')::numeric = (SELECT min(takings) FROM sale) AS lowest,
    (SELECT (c.metadata ->> 'takings')::numeric FROM sutra.concept AS c WHERE c.id = evidence[1]) = (SELECT max(takings) FROM sale) AS highest_cited,
    (SELECT (c.metadata ->> 'takings')::numeric FROM sutra.concept AS c WHERE c.id = evidence[2]) = (SELECT min(takings) FROM sale) AS lowest_cited
FROM sutra_ask('total takings of all products in 2024', 1);

-- How two things are related over several edges: as sutra_paths finds it, and within the same budget.
SELECT count(*) AS learned FROM (
    SELECT sutra_learn_batch(array_agg(format('%s is part of %s.', part, whole)), array_agg(jsonb_build_object('entity', part, 'part_of', whole, 'source', 'catalogue')),
        array_agg((SELECT ('[' || string_agg('1', ',') || ']')::embedding FROM generate_series(1, 384))))
    FROM (VALUES ('Oak Chair', 'Hall Set'), ('Hall Set', 'Home Line'), ('Walnut Desk', 'Study Set'), ('Study Set', 'Home Line')) AS e(part, whole)) AS s;
SELECT a.kind, a.answer, jsonb_array_length(a.path) AS edges, cardinality(a.evidence) AS cited, a.value,
    (SELECT array_agg(p.length) FROM sutra_paths(sutra_concept('Oak Chair'), sutra_concept('Walnut Desk'), 4, ARRAY['compositional']::sutra.association_kind[], 5, 'both') AS p) AS by_paths
FROM sutra_ask('How is Oak Chair related to Walnut Desk?', 1) AS a;
SELECT kind, answer FROM sutra_ask('How is Oak Chair related to Walnut Desk?', 1, '{"source": "catalogue"}');
SELECT kind, answer FROM sutra_ask('How is Oak Chair related to Walnut Desk?', 1, '{"source": "elsewhere"}');
SELECT kind, answer, value #> '{missing,complete}' AS complete FROM sutra_ask('How is Oak Chair related to Pine Table?', 1);
