-- A row that is updated often without a change of its vector: VACUUM keeps the list of its versions short.
SET client_min_messages = warning;
CREATE TABLE hot (id int PRIMARY KEY, v embedding(3), note int) WITH (autovacuum_enabled = off);
INSERT INTO hot SELECT i, ARRAY[sin(i), cos(i * 3), sin(i * 7)]::real[]::embedding(3), 0 FROM generate_series(1, 100) AS i;
-- Rows that stay with the same vector as the one that is updated.
INSERT INTO hot SELECT i, ARRAY[sin(1), cos(3), sin(7)]::real[]::embedding(3), 0 FROM generate_series(101, 140) AS i;
CREATE INDEX hot_v ON hot USING sutra_hnsw (v);
CREATE INDEX hot_note ON hot (note);
CREATE FUNCTION slots() RETURNS bigint LANGUAGE sql AS $$ SELECT value / 60 FROM sutra_index_stats('hot_v') WHERE name = 'tid_bytes' $$;
SELECT slots() < 10 AS few;
SELECT format($$DO 'BEGIN FOR i IN 1..200 LOOP UPDATE hot SET note = note + 1 WHERE id = 1; UPDATE hot SET note = note + 1 WHERE id = 2; END LOOP; END'$$), 'VACUUM hot' FROM generate_series(1, 10) \gexec
SELECT slots() < 20 AS few, pg_relation_size('hot_v') < 200 * 8192 AS small;
SELECT count(*) FROM sutra_index_check('hot_v');
SET enable_seqscan = off;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM hot ORDER BY v <-> ARRAY[sin(1), cos(3), sin(7)]::real[]::embedding(3) LIMIT 41) AS nearest WHERE id = 1 OR id > 100;
SELECT value FROM sutra_index_stats('hot_v') WHERE name = 'rows';
-- The versions of all rows with one vector die: the chain is freed with the node, and taken again.
DELETE FROM hot WHERE id = 1 OR id > 100;
VACUUM hot;
SELECT slots() < 5 AS few;
SELECT count(*) FROM sutra_index_check('hot_v');
INSERT INTO hot SELECT i, '[5,5,5]', 0 FROM generate_series(1001, 1100) AS i;
SELECT count(*), min(id) FROM (SELECT id FROM hot ORDER BY v <-> '[5,5,5]' LIMIT 100) AS nearest;
DELETE FROM hot WHERE id > 1000;
VACUUM hot;
SELECT slots() < 5 AS few;
DROP TABLE hot;
DROP FUNCTION slots;
