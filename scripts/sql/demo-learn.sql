-- Learns the part of the sample that is not learned yet, 100 bars in a transaction, and says how far it is.
-- psql runs this in the project's folder.
SET client_min_messages = warning;

CREATE TEMPORARY TABLE bar (
    company text, ticker text, day date,
    open double precision, high double precision, low double precision, close double precision,
    volume double precision);
\copy bar FROM 'data/sample/bars.csv' (FORMAT csv, HEADER)

CREATE TEMPORARY TABLE profile (ticker text, company text, sector text, industry text, headquarters text, founded text);
\copy profile FROM 'data/sample/profiles.csv' (FORMAT csv, HEADER)

DELETE FROM profile USING sutra.concept AS known
 WHERE known.metadata @> jsonb_build_object('data_type', 'profile', 'company', profile.ticker);
DELETE FROM bar USING sutra.concept AS known
 WHERE known.metadata @> jsonb_build_object('data_type', 'daily_ohlcv', 'company', bar.ticker, 'date', bar.day::text);

SELECT format('learned %s company profiles', count(*))
  FROM profile,
       sutra_learn(
           format('%s (%s) is a company in the %s sector, in the %s industry, headquartered in %s, founded in %s.',
                  company, ticker, sector, industry, headquarters, founded),
           jsonb_build_object('source', 'company_profile', 'data_type', 'profile', 'company', ticker, 'name', company,
                  'sector', sector, 'industry', industry, 'headquarters', headquarters, 'founded', founded))
HAVING count(*) > 0;

CREATE TEMPORARY TABLE numbered AS
SELECT row_number() OVER (ORDER BY day, ticker) AS number, count(*) OVER () AS total, bar.* FROM bar;

SELECT format(
    'SELECT %L FROM numbered WHERE number BETWEEN %s AND %s
     HAVING count(sutra_learn_ohlcv(company, ticker, day, open, high, low, close, volume)) > 0',
    format('learned %s of %s daily bars (%s %%)', last, total, last * 100 / total), first, last)
  FROM (SELECT first, least(first + 99, total) AS last, total
          FROM (SELECT max(total) AS total FROM numbered) AS bars, generate_series(1, total, 100) AS first) AS batch
 ORDER BY first
\gexec
