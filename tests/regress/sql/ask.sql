-- Asking: computed answers with their evidence, abstention, filter, settings, read-only use. The bars are real (see
-- data/sample); vectors are given, so that nothing here depends on the model.
\set VERBOSITY terse
SET datestyle = ISO;
CREATE TEMP TABLE bar (company text, ticker text, day date, open numeric, high numeric, low numeric, close numeric, volume bigint);
INSERT INTO bar VALUES
    ('Apple Inc.', 'AAPL', '2019-01-02', 154.89, 158.85, 154.23, 157.92, 37039700),
    ('Apple Inc.', 'AAPL', '2019-01-03', 143.98, 145.72, 142, 142.19, 91312200),
    ('Apple Inc.', 'AAPL', '2019-01-04', 144.53, 148.55, 143.8, 148.26, 58607100),
    ('Apple Inc.', 'AAPL', '2019-01-07', 148.7, 148.83, 145.9, 147.93, 54777800),
    ('Apple Inc.', 'AAPL', '2019-01-08', 149.56, 151.82, 148.52, 150.75, 41025300),
    ('Apple Inc.', 'AAPL', '2019-01-09', 151.29, 154.53, 149.63, 153.31, 45099100),
    ('Apple Inc.', 'AAPL', '2019-01-10', 152.5, 153.97, 150.86, 153.8, 35780700),
    ('Apple Inc.', 'AAPL', '2019-01-11', 152.88, 153.7, 151.51, 152.29, 27023200),
    ('Apple Inc.', 'AAPL', '2019-01-14', 150.85, 151.27, 149.22, 150, 32439200),
    ('Boeing', 'BA', '2019-01-02', 316.19, 323.95, 313.71, 323.81, 3292200),
    ('Boeing', 'BA', '2019-01-03', 319.49, 319.74, 309.4, 310.9, 5705600),
    ('Boeing', 'BA', '2019-01-04', 316.69, 328.44, 316.08, 327.08, 4448800),
    ('Boeing', 'BA', '2019-01-07', 330.52, 330.69, 323.35, 328.11, 4030300),
    ('Boeing', 'BA', '2019-01-08', 334.11, 341.25, 332.65, 340.53, 4736500),
    ('Boeing', 'BA', '2019-01-09', 342.96, 347.2, 340.87, 343.83, 4213900),
    ('Boeing', 'BA', '2019-01-10', 346.51, 353.47, 343, 352.61, 5358100),
    ('Boeing', 'BA', '2019-01-11', 348.56, 354.36, 348.09, 352.9, 3158900),
    ('Boeing', 'BA', '2019-01-14', 348.2, 352.81, 347.01, 350.36, 2476400),
    ('Microsoft', 'MSFT', '2019-01-02', 99.55, 101.75, 98.94, 101.12, 35329300),
    ('Microsoft', 'MSFT', '2019-01-03', 100.1, 100.19, 97.2, 97.4, 42579100),
    ('Microsoft', 'MSFT', '2019-01-04', 99.72, 102.51, 98.93, 101.93, 44060600),
    ('Microsoft', 'MSFT', '2019-01-07', 101.64, 103.27, 100.98, 102.06, 35656100),
    ('Microsoft', 'MSFT', '2019-01-08', 103.04, 103.97, 101.71, 102.8, 31514400),
    ('Microsoft', 'MSFT', '2019-01-09', 103.86, 104.88, 103.24, 104.27, 32280800),
    ('Microsoft', 'MSFT', '2019-01-10', 103.22, 103.75, 102.38, 103.6, 30067600),
    ('Microsoft', 'MSFT', '2019-01-11', 103.19, 103.44, 101.64, 102.8, 28314200),
    ('Microsoft', 'MSFT', '2019-01-14', 101.9, 102.87, 101.26, 102.05, 28437100);

CREATE TEMP TABLE statement AS
    SELECT row_number() OVER (ORDER BY ticker, day) AS number,
        format('%s (%s) financial data for %s: Stock opened at $%s, closed at $%s, with high of $%s and low of $%s. Trading volume was %s shares.',
            company, ticker, day, open, close, high, low, volume) AS content,
        jsonb_build_object('company', ticker, 'date', day, 'price_open', open, 'price_high', high, 'price_low', low,
            'price_close', close, 'price_volume', volume, 'source', 'bars') AS metadata
    FROM bar;
INSERT INTO statement VALUES
    (100, 'Apple Inc. (AAPL) is a company in the Information Technology sector, headquartered in Cupertino, California, founded in 1977.', jsonb_build_object('company', 'AAPL', 'name', 'Apple Inc.', 'sector', 'Information Technology', 'headquarters', 'Cupertino, California', 'founded', '1977', 'source', 'profiles')),
    (101, 'Boeing (BA) is a company in the Industrials sector, headquartered in Arlington, Virginia, founded in 1916.', jsonb_build_object('company', 'BA', 'name', 'Boeing', 'sector', 'Industrials', 'headquarters', 'Arlington, Virginia', 'founded', '1916', 'source', 'profiles')),
    (102, 'Microsoft (MSFT) is a company in the Information Technology sector, headquartered in Redmond, Washington, founded in 1975.', jsonb_build_object('company', 'MSFT', 'name', 'Microsoft', 'sector', 'Information Technology', 'headquarters', 'Redmond, Washington', 'founded', '1975', 'source', 'profiles'));
SELECT count(*) AS learned FROM (
    SELECT sutra_learn_batch(array_agg(content ORDER BY number), array_agg(metadata ORDER BY number), array_agg(vector ORDER BY number))
    FROM (SELECT number, content, metadata, (SELECT ('[' || string_agg((d = number)::int::text, ',' ORDER BY d) || ']')::embedding
                                             FROM generate_series(1, 384) AS d) AS vector
          FROM statement) AS s) AS b;

-- A price on a day, and what stands behind it.
SELECT rank, kind, answer, value, round(confidence::numeric, 2) AS confidence, cardinality(evidence) AS cited, path, explanation
FROM sutra_ask('What did Apple close at on January 8, 2019?');
SELECT (SELECT content FROM sutra.concept WHERE id = concept_id) AS about,
    (SELECT array_agg(metadata ->> 'date') FROM sutra.concept WHERE id = ANY (evidence)) AS cited
FROM sutra_ask('What did Apple close at on January 8, 2019?') WHERE rank = 1;

-- The numbers agree with those of other SQL over the bars.
SELECT (value ->> 'value')::numeric = (SELECT max(high) FROM bar WHERE ticker = 'AAPL') AS highest, answer
FROM sutra_ask('highest price of AAPL in January 2019', 1);
SELECT round((value ->> 'value')::numeric, 6) = (SELECT round(avg(volume), 6) FROM bar WHERE ticker = 'BA') AS average, answer
FROM sutra_ask('average volume of boeing in january 2019', 1);
SELECT round((value ->> 'value')::numeric, 8) = round(100 * (l.close / f.close - 1), 8) AS change, answer
FROM sutra_ask('How much did MSFT gain from 2019-01-02 to 2019-01-14?', 1), bar AS f, bar AS l
WHERE f.ticker = 'MSFT' AND f.day = '2019-01-02' AND l.ticker = 'MSFT' AND l.day = '2019-01-14';
SELECT round((value ->> 'slope')::numeric, 8) = (SELECT round(regr_slope(close, at)::numeric, 8)
        FROM (SELECT close::float8, row_number() OVER (ORDER BY day)::float8 AS at FROM bar WHERE ticker = 'AAPL') AS b) AS slope,
    value ->> 'direction' AS direction, answer
FROM sutra_ask('AAPL trend', 1);
SELECT round((value ->> 'value')::numeric, 8) = (SELECT round(100 * stddev_samp(ln(close / before))::numeric, 8)
        FROM (SELECT close, lag(close) OVER (ORDER BY day) AS before FROM bar WHERE ticker = 'BA') AS b) AS volatility
FROM sutra_ask('volatility of BA', 1);
SELECT value -> 'value' AS days, (SELECT count(*) FROM bar WHERE ticker = 'AAPL' AND close > 150) AS expected
FROM sutra_ask('On how many days did Apple close above $150 in January 2019?', 1);
SELECT value ->> 'date' AS date, (SELECT day FROM bar WHERE ticker = 'MSFT' ORDER BY volume DESC LIMIT 1) AS expected
FROM sutra_ask('When was the trading volume of Microsoft highest in January 2019?', 1);
SELECT value ->> 'entity' AS entity, value -> 'compared' AS compared, cardinality(evidence) AS cited, answer
FROM sutra_ask('Which company gained the most in January 2019?', 1);
SELECT value ->> 'entity' AS entity, answer FROM sutra_ask('Which Information Technology stock was more volatile in January 2019?', 1);
SELECT value ->> 'entity' AS entity, answer FROM sutra_ask('Compare the average volume of AAPL and BA in January 2019', 1);
SELECT answer FROM sutra_ask('What is the average closing price of BA over the last 3 trading days?', 1);

-- Facts.
SELECT kind, answer, value, jsonb_array_length(path) AS edges FROM sutra_ask('Which companies are in the same sector as Apple?', 1);
SELECT kind, answer, (path -> 0) - 'evidence' AS edge FROM sutra_ask('Where is Boeing headquartered?', 1);
SELECT kind, answer FROM sutra_ask('How are Apple and Microsoft related?', 1);

-- What is not known is said.
SELECT q.question, a.kind, a.answer, a.value -> 'missing' AS missing
FROM unnest(ARRAY['What did ZTS close at on 2019-01-08?', 'Tesla trend', 'close of AAPL on 2019-01-05', 'close of AAPL in 2011',
    'What is the dividend yield of Apple?', 'close of MSFT on February 30, 2019', 'How do I bake sourdough bread?', '?!...',
    'Compare AAPL and Netflix in January 2019', 'asdf qwer zxcv']) WITH ORDINALITY AS q(question, number),
    LATERAL sutra_ask(q.question, 1) AS a
ORDER BY q.number;

-- A filter restricts what is used; a threshold only hides.
SELECT kind, answer FROM sutra_ask('close of AAPL on 2019-01-08', 1, '{"date": "2019-01-08"}');
SELECT kind, answer FROM sutra_ask('close of AAPL on 2019-01-08', 1, '{"date": "2019-01-07"}');
SELECT kind, answer FROM sutra_ask('What sector is Apple in?', 1, '{"source": "bars"}');
SELECT kind FROM sutra_ask('close of Aple on 2019-01-08', 1, NULL, 0.999);
SET sutra.min_confidence = 0.999;
SELECT kind FROM sutra_ask('close of Aple on 2019-01-08', 1);
SELECT kind, answer FROM sutra_ask('close of Aple on 2019-01-08', 1, NULL, 0);
RESET sutra.min_confidence;

-- It only reads, also in a prepared statement and with a hostile search_path.
BEGIN TRANSACTION READ ONLY;
SELECT answer FROM sutra_ask('latest close of BA', 1);
PREPARE asked(text) AS SELECT answer FROM sutra_ask($1, 1);
EXECUTE asked('latest close of MSFT');
EXECUTE asked('latest close of AAPL');
COMMIT;
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.equal(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.equal);
SET search_path = hostile, pg_catalog, public;
SELECT answer FROM sutra_ask('latest close of AAPL', 1);
RESET search_path;

-- Another space knows nothing of this one.
SET sutra.space = 'elsewhere';
SELECT kind, answer FROM sutra_ask('latest close of AAPL', 1);
RESET sutra.space;

-- The plan, and what was read.
SELECT e -> 'plan' -> 'operation' AS operation, e -> 'plan' -> 'measure' AS measure, e -> 'plan' -> 'entities' -> 0 -> 'alias' AS alias,
    e -> 'plan' -> 'periods' -> 0 ->> 'label' AS period, e -> 'answer' ->> 'kind' AS kind, jsonb_array_length(e -> 'read') > 3 AS shown
FROM sutra_explain('How much did Apple lose between 2019-01-02 and 2019-01-03?') AS e;

-- A row of one's own gives a word another meaning.
BEGIN;
SELECT sutra_learn('AlphaCo sells it for 12.', '{"entity": "AlphaCo", "date": "2024-05-06", "price": 12}') IS NOT NULL AS learned;
INSERT INTO sutra.metric (space, name, words, label, unit) VALUES ('default', 'price', '{price}', 'price', 'USD');
SELECT answer FROM sutra_ask('price of AlphaCo on 2024-05-06', 1);
ROLLBACK;
