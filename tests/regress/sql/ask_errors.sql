-- Asking badly: every bad argument has its error, every bad question an answer in bounded time.
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT sutra_ask(NULL);
SELECT sutra_ask('');
SELECT sutra_ask(E' \t\n');
SELECT sutra_ask('AAPL trend', 0);
SELECT sutra_ask('AAPL trend', -1);
SELECT sutra_ask('AAPL trend', NULL);
SELECT sutra_ask('AAPL trend', 10, '[]');
SELECT sutra_ask('AAPL trend', 10, '"AAPL"');
SELECT sutra_ask('AAPL trend', 10, 'null');
SELECT sutra_ask('AAPL trend', 10, NULL, -0.1);
SELECT sutra_ask('AAPL trend', 10, NULL, 1.5);
SELECT sutra_ask('AAPL trend', 10, NULL, 'NaN');
SELECT sutra_explain(NULL);
SELECT sutra_explain('  ');

SELECT sutra_learn_batch(
    ARRAY['Apple Inc. (AAPL) financial data for 2019-01-02: Stock opened at $154.89, closed at $157.92.'],
    ARRAY['{"company": "AAPL", "date": "2019-01-02", "price_open": 154.89, "price_close": 157.92}']::jsonb[],
    ARRAY[(SELECT ('[' || string_agg('1', ',') || ']')::embedding FROM generate_series(1, 384))]) IS NOT NULL AS learned;

-- More rows than there are is no error; the cap is 1000.
SELECT count(*) FROM sutra_ask('close of AAPL on 2019-01-02', 10000);

-- Quotes, comments and jsonpath in question or filter are text.
SELECT kind FROM sutra_ask($$'; DROP TABLE sutra.concept; --$$, 1);
SELECT kind FROM sutra_ask($$AAPL') OR 1=1 -- close on 2019-01-02$$, 1);
SELECT kind FROM sutra_ask('close of AAPL on 2019-01-02', 1, '{"company": "AAPL'' OR true --"}');
SELECT kind FROM sutra_ask('close of AAPL on 2019-01-02', 1, '{"$.** ? (@ != 1)": 1}');
SELECT count(*) > 0 AS still_there FROM sutra.concept;

-- Long, strange and empty-handed questions.
SET statement_timeout = '20s';
SELECT kind FROM sutra_ask(repeat('What was the close of AAPL on 2019-01-02? ', 2500), 1);
SELECT kind FROM sutra_ask(repeat('(', 100000), 1);
SELECT kind FROM sutra_ask(repeat('qzx ', 25000), 1);
SELECT kind FROM sutra_ask(repeat('x', 100000), 1);
SELECT kind FROM sutra_ask(E'\u682a\u4fa1 \u0446\u0435\u043d\u0430 \u0633\u0639\u0631 \U0001F4C8', 1);
SELECT kind FROM sutra_ask(E'AAPL\u0301 \u202Eclose', 1);
SELECT kind FROM sutra_ask('close of AAPL on 99999-99-99', 1);
SELECT kind FROM sutra_ask('AAPL last 999999999999 days', 1);
SELECT kind FROM sutra_ask('close of AAPL above 1e308', 1);
RESET statement_timeout;

-- More ways to be strange: each is answered or declined, none is an error.
SET statement_timeout = '20s';
SELECT kind FROM sutra_ask('?!.,;:-()[]{}"''`~@#$%^&*_+=|\/<>', 1);
SELECT kind FROM sutra_ask(E'\U0001F600\U0001F680 AAPL \U0001F4C8\U0001F4C9 2019-01-02', 1);
SELECT kind FROM sutra_ask(E'AAPL\u200B\u200D\uFEFF close \u00A0 on \u2003 2019-01-02', 1);
SELECT kind FROM sutra_ask(repeat(E'\u0301', 5000) || 'a', 1);
SELECT kind FROM sutra_ask(repeat('AAPL ', 20000), 1);
SELECT kind FROM sutra_ask(repeat('2019-01-02 ', 10000), 1);
SELECT kind FROM sutra_ask(repeat('above 5 ', 12000), 1);
SELECT kind FROM sutra_ask('close of AAPL on 2019-01-02 $.** ? (@.size() > 0) @@ $[*] == "x" :* | & !', 1);
SELECT kind FROM sutra_ask($$close of AAPL on 2019-01-02'::text); DELETE FROM sutra.concept; SELECT ('$$, 1);
SELECT kind FROM sutra_ask('close of %s %L %I $1 {schema} on 2019-01-02', 1);
SELECT kind FROM sutra_ask('close of AAPL on 2019-01-02', 1, '{"company": {"$ne": null}}');
SELECT kind FROM sutra_ask('close of AAPL on 2019-01-02', 1, '{"": ""}');
SELECT kind FROM sutra_ask('close of AAPL on 2019-01-02', 1, ('{"a": ' || repeat('[', 500) || repeat(']', 500) || '}')::jsonb);
SELECT sutra_ask('close of AAPL', 10, '5');
SELECT sutra_ask('close of AAPL', 10, 'true');
SELECT count(*) FROM sutra_ask('close of AAPL on 2019-01-02', 2147483647);
-- The answer is the same whatever number of rows is asked for, and a threshold only hides.
SELECT count(DISTINCT (answer, confidence)) AS answers
FROM generate_series(1, 9, 4) AS n, sutra_ask('close of AAPL on 2019-01-02', n) AS a WHERE a.rank = 1;
SELECT every(strict.kind = 'abstention' OR strict.confidence >= t.least AND strict.confidence = free.confidence) AS hides
FROM sutra_ask('close of AAPL on 2019-01-02') AS free, (VALUES (0.1::real), (0.5), (0.9), (1)) AS t(least),
    LATERAL sutra_ask('close of AAPL on 2019-01-02', 10, NULL, t.least) AS strict
WHERE free.rank = 1 AND strict.rank = 1;
RESET statement_timeout;

-- A question about everything, over 300,000 observations of 250 companies.
CREATE TEMP TABLE bar AS SELECT n, format('Firm%s', n) AS name, format('FR%s', n) AS ticker FROM generate_series(1, 250) AS n;
SELECT count(*) AS learned FROM (
    SELECT sutra_learn_batch(
        array_agg(format('%s (%s) closed at $%s on 2015-01-01.', name, ticker, n) ORDER BY n),
        array_agg(jsonb_build_object('company', ticker, 'name', name, 'date', '2015-01-01', 'price_close', n) ORDER BY n),
        array_agg((SELECT ('[' || string_agg((1 + (bar.n * d) % 7)::text, ',') || ']')::embedding FROM generate_series(1, 384) AS d) ORDER BY n))
    FROM bar) AS s;
INSERT INTO sutra.observation (concept, entity, metric, at, value, unit)
    SELECT o.concept, o.entity, o.metric, o.at + make_interval(days => d), o.value + d % 10, o.unit
    FROM sutra.observation AS o, generate_series(1, 1199) AS d WHERE o.at = '2015-01-01 00:00:00+00' AND o.metric = 'close';
ANALYZE sutra.observation;
SELECT count(*) FROM sutra.observation WHERE metric = 'close' AND at >= '2015-01-01 00:00:00+00';
SET statement_timeout = '60s';
SELECT kind, (value ->> 'n')::int AS n, round((value ->> 'value')::numeric, 2) AS mean, cardinality(evidence) AS cited
FROM sutra_ask('average close of all companies since 2015', 10000) WHERE rank = 1;
SELECT kind, value ->> 'entity' AS entity FROM sutra_ask('Which company had the highest average close since 2015?', 1);
-- It ends when it is told to, and the session goes on.
SET statement_timeout = '5ms';
SELECT kind FROM sutra_ask('average close of all companies since 2015', 1);
RESET statement_timeout;
SELECT kind FROM sutra_ask('close of AAPL on 2019-01-02', 1);
