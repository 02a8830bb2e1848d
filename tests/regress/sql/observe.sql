-- Health, metrics and memory come from work done and counters read.
SET client_min_messages = warning;

-- A part that works says what it did.
SELECT sutra_learn('Apple Inc. (AAPL) closed at $157.92.', '{"company": "AAPL", "date": "2019-01-02", "price_close": 157.92}') IS NOT NULL AS learned;
SELECT component, status, duration_ms > 0 AS took_time, checked_at BETWEEN now() AND clock_timestamp() AS now,
    regexp_replace(detail, '[0-9]+ background workers free', 'N background workers free') AS detail
  FROM sutra_health();
-- The concept that was written is gone.
SELECT count(*) FROM sutra.concept WHERE space <> 'default';
-- A part that does not work is a row, and the others are checked all the same.
SET sutra.model = 'no-such-model';
SELECT component, status, CASE status WHEN 'failed' THEN detail END AS detail FROM sutra_health();
RESET sutra.model;
BEGIN READ ONLY;
SELECT component, status, detail FROM sutra_health() WHERE component = 'storage';
ROLLBACK;
-- A job that a problem stopped is seen.
INSERT INTO sutra.job (state, problem) VALUES ('paused', '58P01: a file is missing');
SELECT status, detail LIKE '%1 stopped by a problem' AS seen FROM sutra_health() WHERE component = 'jobs';
DELETE FROM sutra.job;
-- An index that finds nothing is seen.
SELECT vector_table AS vectors FROM sutra.models WHERE active \gset
BEGIN;
DELETE FROM sutra.posting;
SELECT component, status, detail FROM sutra_health() WHERE component = 'text index';
ROLLBACK;

-- Counters grow with what is done; a call that fails is counted as one.
CREATE TABLE before AS SELECT * FROM sutra_metrics();
SELECT count(*) FROM sutra_learn_batch(ARRAY['one', 'two']);
SELECT sutra_learn('');
SELECT kind FROM sutra_ask('AAPL price on 2019-01-02', 1);
SELECT kind FROM sutra_ask('Volkswagen price on 2019-01-02', 1);
SELECT count(*) > 0 AS found FROM sutra_search('Apple');
SELECT sutra_forget_where('{"company": "AAPL"}');
SELECT a.name, a.label, a.value - b.value AS more, a.unit
  FROM sutra_metrics() AS a JOIN before AS b ON (a.name, a.scope) = (b.name, b.scope) AND a.label IS NOT DISTINCT FROM b.label
 WHERE a.name ~ '^(learn|ask|search|forget)_(calls|errors)$' OR a.name ~ '^(answers|statements_)' OR a.label = 'le=+Inf' ORDER BY 1, 2;
SELECT count(*) > 0 AS took_time FROM sutra_metrics() WHERE name = 'learn_seconds' AND value > 0;
SELECT string_agg(DISTINCT scope, ', ') IN ('database, server, session', 'database, session') AS scopes FROM sutra_metrics();
SELECT count(*) AS without_a_name_or_unit FROM sutra_metrics() WHERE name = '' OR unit = '' OR scope = '' OR value IS NULL;

-- Bytes are those that PostgreSQL tells.
SELECT part, count(*) > 0 AS there, sum(bytes) > 0 AS bytes FROM sutra_memory() WHERE part <> 'shared memory' AND part NOT LIKE 'index%' GROUP BY part ORDER BY part;
SELECT m.object, m.bytes = pg_table_size('sutra.concept') AS right FROM sutra_memory() AS m WHERE m.part = 'concepts';
SELECT count(*) > 0 AS indexes, bool_and(m.bytes = pg_relation_size(m.object::regclass)) AS right FROM sutra_memory() AS m WHERE m.part LIKE 'index%';
CREATE TABLE note (v embedding(3));
CREATE INDEX note_v ON note USING sutra_hnsw (v embedding_l2_ops);
SELECT part, object FROM sutra_memory() WHERE object = 'public.note_v';

-- Nobody may look but whom it is granted to; pg_monitor needs no right on what is known.
CREATE ROLE regress_sutra_nobody;
CREATE ROLE regress_sutra_watcher;
GRANT pg_monitor TO regress_sutra_watcher;
SET ROLE regress_sutra_nobody;
SELECT * FROM sutra_health();
SELECT * FROM sutra_metrics();
SELECT * FROM sutra_memory();
SET ROLE regress_sutra_watcher;
SELECT bool_and(status = 'ok') AS well FROM sutra_health();
SELECT count(*) > 0 AS seen FROM sutra_metrics();
SELECT count(*) > 0 AS seen FROM sutra_memory();
SELECT count(*) FROM sutra.concept;
RESET ROLE;
DROP ROLE regress_sutra_nobody, regress_sutra_watcher;
