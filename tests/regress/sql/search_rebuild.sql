-- The inverted index of search where its triggers did not fire, and on a subscriber.
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE FUNCTION learn(content text) RETURNS concept_id LANGUAGE sql AS
    $$SELECT sutra_learn_batch(ARRAY[content], NULL, ARRAY[array_fill(0.1::real, ARRAY[384])::embedding(384)])$$;
-- Statements as they are, and what the index knows of them, one row for each term and statement.
CREATE VIEW indexed AS
    SELECT p.space, p.term, e.concept, sum(e.frequency) AS frequency, max(e.length) AS length
    FROM sutra.posting AS p CROSS JOIN LATERAL ROWS FROM (unnest(p.concepts), unnest(p.frequencies), unnest(p.lengths)) AS e (concept, frequency, length)
    GROUP BY 1, 2, 3 HAVING sum(sign(e.frequency)) <> 0;
SELECT count(learn('Statement ' || n || ' speaks of rain, wind and ' || CASE WHEN n % 2 = 0 THEN 'snow' ELSE 'sun and sun' END)) FROM generate_series(1, 700) AS n;
SET sutra.space = 'second';
SELECT learn('Wind in another space.') IS NOT NULL AS learned;
RESET sutra.space;
CREATE TABLE kept AS SELECT * FROM indexed;
SELECT count(*) FROM kept;

-- Loaded with triggers off, as pg_restore --disable-triggers does it.
ALTER TABLE sutra.concept DISABLE TRIGGER ALL;
CREATE TEMP TABLE loaded AS SELECT * FROM sutra.concept;
DELETE FROM sutra.concept;
INSERT INTO sutra.concept SELECT * FROM loaded;
ALTER TABLE sutra.concept ENABLE TRIGGER USER;
DELETE FROM sutra.posting;
SELECT count(*) FROM indexed;
SELECT sutra.rebuild_postings('second') AS statements;
SELECT sutra.rebuild_postings() AS statements;
SELECT count(*) FROM ((TABLE indexed EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE indexed)) AS difference;
SELECT sutra.rebuild_postings('nobody') AS statements;
SELECT max(entries) <= 512 AS in_blocks FROM sutra.posting;

-- The triggers of a replica: rows come without statement triggers.
DELETE FROM sutra.concept;
DELETE FROM sutra.posting;
ALTER TABLE sutra.concept ENABLE REPLICA TRIGGER posting_replicated;
ALTER TABLE sutra.concept ENABLE REPLICA TRIGGER posting_replicated_update;
ALTER TABLE sutra.concept ENABLE ALWAYS TRIGGER posting_truncate;
SET session_replication_role = replica;
INSERT INTO sutra.concept SELECT * FROM loaded;
SELECT count(*) FROM ((TABLE indexed EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE indexed)) AS difference;
UPDATE sutra.concept SET terms = to_tsvector('english', 'hail') WHERE content LIKE 'Statement 7 %';
DELETE FROM sutra.concept WHERE content LIKE 'Statement 8 %';
RESET session_replication_role;
SELECT count(*) FILTER (WHERE term = 'hail') AS hail, count(*) FILTER (WHERE term = 'snow') AS snow, count(*) FILTER (WHERE term = '') AS statements FROM indexed;
-- Learned here, it is counted once.
SELECT learn('Hail again.') IS NOT NULL AS learned;
SELECT count(*), sum(frequency) FROM indexed WHERE term = 'hail';

-- For the owner.
CREATE ROLE regress_searcher;
SET ROLE regress_searcher;
SELECT sutra.rebuild_postings();
RESET ROLE;
DROP ROLE regress_searcher;
