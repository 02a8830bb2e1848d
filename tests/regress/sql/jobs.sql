-- Bulk ingestion: rows come in by COPY, a query or a table; a job learns them, parks what it cannot learn, and can be
-- paused, resumed and cancelled. CALL works at a job beside its background worker and returns when it has ended.
SET client_min_messages = warning;

-- One \copy and one call for a CSV of daily bars; a bar that cannot be is parked, and the others are learned.
COPY sutra.ohlcv_inbox (company, ticker, day, open, high, low, close, volume) FROM STDIN WITH (FORMAT csv);
Apple Inc.,AAPL,2019-01-02,154.89,158.85,154.23,157.92,37039700
Apple Inc.,AAPL,2019-01-03,143.98,145.72,142,142.19,91312200
Apple Inc.,AAPL,2019-01-04,143.98,1,142,142.19,91312200
Apple Inc.,AAPL,soon,143.98,145.72,142,142.19,91312200
Apple Inc.,AAPL,02/01/2019,143.98,145.72,142,142.19,91312200
\.
-- Statements of the inbox, some of which cannot be learned.
COPY sutra.inbox (content, metadata) FROM STDIN;
Microsoft (MSFT) rose.	{"company": "MSFT"}
A statement without metadata.	\N
\N	{}
   	{}
Not an object.	[1]
No number.	{"company": "MSFT", "date": "2019-01-02", "price_close": "many"}
\.
SELECT sutra_ingest() AS job \gset
CALL sutra_run_job(:job);
SELECT state, total, done, failed, remaining, rate > 0 AS rate, eta FROM sutra.ingest_progress WHERE job = :job;
SELECT kind, owner, source, workers, problem, finished_at >= started_at AS ended FROM sutra.jobs WHERE job = :job;
SELECT kind, content, metadata, sqlstate, message, detail, attempts, inserted_by FROM sutra.job_error WHERE job = :job ORDER BY kind, content, metadata::text COLLATE "C";
SELECT count(*) FROM sutra.inbox;
SELECT ticker, day, close FROM sutra.ohlcv ORDER BY day;
SELECT content, metadata, times_learned FROM sutra.concept WHERE kind = 'statement' AND NOT metadata ? 'date' ORDER BY content;

-- Bars of a job are the same statements as those of sutra_learn_ohlcv.
SELECT sutra_learn_ohlcv('Apple Inc.', 'AAPL', '2019-01-02', 154.89, 158.85, 154.23, 157.92, 37039700) AS bar \gset
SELECT times_learned, replaced FROM sutra.concept WHERE id = :'bar';

-- What was parked is tried again once its cause is mended.
INSERT INTO sutra.metadata_role (key, role) VALUES ('price_close', 'ignore');
SELECT sutra_retry_job(:job);
CALL sutra_run_job(:job);
SELECT state, total, done, failed FROM sutra.ingest_progress WHERE job = :job;
DELETE FROM sutra.metadata_role WHERE NOT builtin;

-- A query and a table; the space is a column or the argument.
CREATE TABLE "The News" (content varchar(80), metadata json, space text);
INSERT INTO "The News" VALUES ('Exxon (XOM) fell.', '{"company": "XOM"}', NULL), ('Boeing (BA) rose.', NULL, 'other');
SELECT sutra_ingest('"The News"', space => 'third') AS job \gset
CALL sutra_run_job(:job);
SELECT sutra_ingest('SELECT ''Day '' || n AS content, jsonb_build_object(''n'', n) AS metadata FROM generate_series(1, 300) AS n', workers => 2) AS job \gset
CALL sutra_run_job(:job);
SELECT sutra_ingest('VALUES (NULL)') AS job \gset
SELECT sutra_ingest($$SELECT 'Apple' AS company, 'AAPL' AS ticker, date '2019-02-01' AS date, 1 AS open, 2.5 AS high, 1 AS low, 2 AS close, 10 AS volume$$) AS job \gset
CALL sutra_run_job(:job);
SELECT source, total, done, failed FROM sutra.jobs WHERE source IS NOT NULL ORDER BY job;
SELECT space, count(*) FROM sutra.concept WHERE kind = 'statement' GROUP BY space ORDER BY space;
SELECT close FROM sutra.ohlcv WHERE day = '2019-02-01';

-- Nothing to do is done at once.
SELECT sutra_ingest() AS job \gset
SELECT state, total FROM sutra.jobs WHERE job = :job;
SELECT sutra_ingest('SELECT ''x'' AS content WHERE false') AS job \gset
SELECT state, total FROM sutra.jobs WHERE job = :job;

-- A transaction that is rolled back leaves no job; one that pauses its job first learns nothing before it is resumed.
BEGIN;
SELECT sutra_ingest('SELECT ''never'' AS content') > 0 AS made;
ROLLBACK;
BEGIN;
SELECT sutra_ingest('SELECT ''later '' || n AS content FROM generate_series(1, 3) AS n') AS job \gset
SELECT sutra_pause_job(:job), sutra_pause_job(:job);
COMMIT;
SELECT state, total, done FROM sutra.jobs WHERE job = :job;
SELECT count(*) FROM sutra.concept WHERE content LIKE 'later%' OR content = 'never';
CALL sutra_run_job(:job);
SELECT state, total, done FROM sutra.jobs WHERE job = :job;
SELECT count(*) FROM sutra.concept WHERE content LIKE 'later%' OR content = 'never';

-- Cancelled, it drops what it has not done.
BEGIN;
SELECT sutra_ingest('SELECT ''not wanted '' || n AS content FROM generate_series(1, 3) AS n') AS job \gset
SELECT sutra_pause_job(:job);
COMMIT;
SELECT sutra_cancel_job(:job), sutra_cancel_job(:job);
SELECT state, total, done, remaining FROM sutra.jobs WHERE job = :job;
SELECT count(*) FROM sutra.inbox;
