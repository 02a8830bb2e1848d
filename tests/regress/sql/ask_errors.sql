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
