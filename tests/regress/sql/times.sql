-- The times that a text states, kept as ranges; nothing is guessed.
SELECT t.text, e.* FROM (VALUES
    (1, 'Apple closed at 180 on 2025-11-06.', NULL::date),
    (2, 'Net debt was $3 million as of December 31, 2018, up from 2017.', NULL),
    (3, 'Sales rose from Q1 2019 to Q3 2019 and in the first half of 2020.', NULL),
    (4, 'Between March 2019 and May 2019 it fell.', NULL),
    (5, 'It fell yesterday, after last quarter and over the last three months.', NULL),
    (6, 'It fell yesterday, after last quarter and over the last three months.', '2019-04-25'),
    (7, 'On 03/04/2019, on Monday, in March, in fiscal 2019Q9 and on February 30, 2019.', '2019-04-25')
) AS t (n, text, document) LEFT JOIN LATERAL sutra_times(t.text, t.document) AS e ON true ORDER BY t.n, e.period;
SELECT count(*) FROM sutra_times(NULL);
SELECT count(*) FROM sutra_times('It fell yesterday.', 'infinity');
SELECT * FROM sutra_times('It fell yesterday.', '9999-12-31');
SELECT * FROM sutra_times('It fell yesterday.', '4000-01-01 BC');

-- A statement without a date in its metadata has the time that its text states; metadata go before.
SET timezone = 'UTC';
SELECT count(*) FROM sutra_learn_batch(
    ARRAY['Debt as of March 31, 2019 was low, lower than in 2017.', 'From 2015 to 2018 it grew.', 'In May 2016 and in June 2018 it fell.',
        'It rose yesterday.', 'The report speaks of 2017.'],
    ARRAY['{}', '{}', '{}', '{}', '{"date": "2018-02-03"}']::jsonb[],
    array_fill(array_fill(0.1::real, ARRAY[384])::embedding(384), ARRAY[5]));
SELECT content, c.observed FROM sutra.concept AS c WHERE kind = 'statement' ORDER BY content;
