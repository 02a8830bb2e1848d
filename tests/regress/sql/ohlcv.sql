-- Daily price bars: rendered, learned one by one and as arrays, seen in the view.
SELECT sutra_learn_ohlcv('Apple Inc.', 'aapl', '2019-01-02', 154.89, 158.85, 154.23, 157.92, 37039700) AS id \gset
SELECT content FROM sutra.concept WHERE id = :'id';
SELECT jsonb_pretty(metadata) FROM sutra.concept WHERE id = :'id';
-- The same as learning the reference's statement.
SELECT sutra_learn(
    'Apple Inc. (AAPL) financial data for 2019-01-02: Stock opened at $154.89, closed at $157.92, with high of $158.85 and low of $154.23. Trading volume was 37,039,700 shares.',
    '{"source": "financial_market_data", "company": "AAPL", "date": "2019-01-02", "data_type": "daily_ohlcv", "price_open": "154.89", "price_high": "158.85", "price_low": "154.23", "price_close": "157.92", "price_volume": "37039700"}') = :'id' AS same;
SELECT times_learned, replaced FROM sutra.concept WHERE id = :'id';

-- Many at once, from a table.
CREATE TABLE bars (company text, ticker text, day date, o float8, h float8, l float8, c float8, v float8);
INSERT INTO bars VALUES
    ('Apple Inc.', 'AAPL', '2019-01-03', 143.98, 145.72, 142, 142.19, 91312200),
    ('Microsoft', 'MSFT', '2019-01-02', 99.55, 101.75, 98.94, 101.12, 35329300),
    ('eBay Inc.', 'EBAY', '2019-01-02', 27.59, 28.64, 27.59, 28.33, 10000000),
    ('Toyota', '7203', '2019-01-04', 6406, 6406, 6236.5, 6347, 7000000.5);
SELECT count(*) FROM (SELECT sutra_learn_ohlcv(array_agg(company), array_agg(ticker), array_agg(day), array_agg(o), array_agg(h), array_agg(l), array_agg(c), array_agg(v)) FROM bars) AS learned;
SELECT count(sutra_learn_ohlcv(company, ticker, day, o, h, l, c, v)) FROM bars;
SELECT ticker, name, day, open, high, low, close, volume, cardinality(concepts) AS concepts FROM sutra.ohlcv ORDER BY ticker, day;
SELECT key, kind, alias FROM sutra.alias ORDER BY key, kind;

-- Where two statements disagree the one learned last wins; what it does not say comes from the other.
SELECT sutra_learn('Apple closed higher than told.', '{"ticker": "AAPL", "date": "2019-01-03", "price_close": 143, "price_adjusted_close": 140}') AS correction \gset
SELECT ticker, day, open, close, volume, cardinality(concepts) AS concepts FROM sutra.ohlcv WHERE ticker = 'AAPL' ORDER BY day;
SELECT sutra_learn_ohlcv('Apple Inc.', 'AAPL', '2019-01-03', 143.98, 145.72, 142, 142.19, 91312200) IS NOT NULL AS learned_again;
SELECT ticker, day, open, close, volume FROM sutra.ohlcv WHERE ticker = 'AAPL' AND day = '2019-01-03';
SELECT sutra_forget(:'correction');

-- Bars that cannot be.
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT sutra_learn_ohlcv(NULL, 'AAPL', '2019-01-02', 1, 2, 1, 2, 3);
SELECT sutra_learn_ohlcv('Apple', ' ', '2019-01-02', 1, 2, 1, 2, 3);
SELECT sutra_learn_ohlcv('Apple', 'AAPL', NULL, 1, 2, 1, 2, 3);
SELECT sutra_learn_ohlcv('Apple', 'AAPL', 'infinity', 1, 2, 1, 2, 3);
SELECT sutra_learn_ohlcv('Apple', 'AAPL', '2019-01-02', 1, 2, 1, NULL, 3);
SELECT sutra_learn_ohlcv('Apple', 'AAPL', '2019-01-02', 1, 2, 1, 'NaN', 3);
SELECT sutra_learn_ohlcv('Apple', 'AAPL', '2019-01-02', 1, 'Infinity', 1, 2, 3);
SELECT sutra_learn_ohlcv('Apple', 'AAPL', '2019-01-02', 1, 2, -1, 2, 3);
SELECT sutra_learn_ohlcv('Apple', 'AAPL', '2019-01-02', 1, 1, 2, 1, 3);
SELECT sutra_learn_ohlcv(ARRAY['Apple', 'Apple'], ARRAY['AAPL', 'AAPL'], ARRAY['2019-01-02', '2019-01-03']::date[], ARRAY[1, 1], ARRAY[2, 2], ARRAY[1, 1], ARRAY[2, 2], ARRAY[3, -3]);
SELECT sutra_learn_ohlcv(ARRAY['Apple'], ARRAY['AAPL'], ARRAY['2019-01-02']::date[], ARRAY[1], ARRAY[2], ARRAY[1, 1], ARRAY[2], ARRAY[3]);
SELECT count(*) AS bars FROM sutra.ohlcv;
