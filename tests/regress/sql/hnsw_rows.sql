-- Which rows are in the index: NULL, zero vectors, duplicates, updates, deletes, vacuum and reuse.
SET client_min_messages = warning;
SET enable_seqscan = off;
CREATE TABLE item (id int PRIMARY KEY, v embedding(3), note text);
CREATE INDEX item_v ON item USING sutra_hnsw (v);
CREATE FUNCTION part(wanted text) RETURNS bigint LANGUAGE sql AS $$ SELECT value FROM sutra_index_stats('item_v') WHERE name = wanted $$;

-- An empty index.
SELECT id FROM item ORDER BY v <-> '[1,2,3]' LIMIT 3;
SELECT count(*) FROM sutra_index_check('item_v');

-- NULL is not indexed; a NULL query returns rows in any order.
INSERT INTO item VALUES (1, '[1,0,0]'), (2, NULL), (3, '[0,1,0]'), (4, '[0,0,0]'), (5, '[3,4,0]');
SELECT id FROM item ORDER BY v <-> '[1,0.1,0]';
SELECT count(*) FROM (SELECT id FROM item ORDER BY v <-> (SELECT NULL::embedding)) AS everything;
SELECT part('rows');

-- A zero vector has no direction: cosine leaves it out, and a zero query is as far from every row.
CREATE INDEX item_cosine ON item USING sutra_hnsw (v embedding_cosine_ops);
SELECT id FROM item ORDER BY v <=> '[1,0.1,0]';
SELECT count(*) FROM (SELECT id FROM item ORDER BY v <=> '[0,0,0]') AS everything;
DROP INDEX item_cosine;

-- Thousands of rows with one vector share a node.
INSERT INTO item SELECT i, '[7,7,7]', 'same' FROM generate_series(1001, 5000) AS i;
SELECT part('nodes') AS nodes, part('rows') AS rows;
SELECT count(*), count(DISTINCT id), bool_and(note = 'same') FROM (SELECT id, note FROM item ORDER BY v <-> '[7,7,7]' LIMIT 4000) AS nearest;
REINDEX INDEX item_v;
SELECT part('nodes') AS nodes, part('rows') AS rows;
SELECT count(DISTINCT id) FROM (SELECT id FROM item ORDER BY v <-> '[7,7,7]' LIMIT 4000) AS nearest;
DELETE FROM item WHERE id BETWEEN 1001 AND 4990;
VACUUM item;
SELECT part('nodes') AS nodes, part('rows') AS rows;
SELECT count(*) FROM (SELECT id FROM item ORDER BY v <-> '[7,7,7]' LIMIT 10) AS nearest WHERE id > 4990;
DELETE FROM item WHERE id > 1000;
VACUUM item;
SELECT part('nodes') AS nodes, part('rows') AS rows;
SELECT count(*) FROM sutra_index_check('item_v');

-- An update of another column adds a row to the node; an update of the vector makes a node.
CREATE INDEX item_note ON item (note);
UPDATE item SET note = 'changed';
SELECT part('nodes') AS nodes, part('rows') AS rows;
SELECT id FROM item ORDER BY v <-> '[1,0.1,0]';
UPDATE item SET v = '[9,9,9]' WHERE id = 1;
SELECT id FROM item ORDER BY v <-> '[9,9,9]' LIMIT 1;
VACUUM item;
SELECT part('nodes') AS nodes, part('rows') AS rows, part('dead_nodes') AS dead, part('outdated_links') AS outdated;

-- Deleted rows are gone at once, and what vacuum freed is used again.
TRUNCATE item;
SELECT part('nodes');
INSERT INTO item SELECT i, ARRAY[sin(i), cos(i * 3), sin(i * 7)]::real[]::embedding(3) FROM generate_series(1, 2000) AS i;
SELECT part('bucket_pages') >= 2 AS table_has_grown;
DELETE FROM item WHERE id % 2 = 0;
SELECT count(*) FROM (SELECT id FROM item ORDER BY v <-> '[0,0,0]') AS everything WHERE id % 2 = 0;
SELECT pg_relation_size('item_v') AS size \gset
VACUUM item;
SELECT part('nodes') AS nodes, part('free_slots') >= 1000 AS freed, part('dead_nodes') AS dead;
SELECT count(*) FROM sutra_index_check('item_v');
SELECT count(*) FROM generate_series(1, 1999, 2) AS i, LATERAL (
    SELECT id FROM item ORDER BY v <-> ARRAY[sin(i), cos(i * 3), sin(i * 7)]::real[]::embedding(3) LIMIT 1) AS nearest WHERE nearest.id = i;
INSERT INTO item SELECT i, ARRAY[sin(i), cos(i * 3), sin(i * 7)]::real[]::embedding(3) FROM generate_series(3001, 4000) AS i;
SELECT pg_relation_size('item_v') <= :size + 2 * 8192 AS reused, part('nodes') AS nodes;
SELECT count(*) FROM sutra_index_check('item_v');

-- Everything deleted, and filled again.
DELETE FROM item;
VACUUM item;
SELECT part('nodes') AS nodes, part('levels') AS levels;
INSERT INTO item VALUES (1, '[1,2,3]');
SELECT id FROM item ORDER BY v <-> '[0,0,0]';
SELECT count(*) FROM sutra_index_check('item_v');

-- A transaction that is rolled back leaves nothing to see.
BEGIN;
INSERT INTO item SELECT i, '[5,5,5]' FROM generate_series(10, 20) AS i;
SELECT count(*) FROM (SELECT id FROM item ORDER BY v <-> '[5,5,5]') AS everything;
ROLLBACK;
SELECT id FROM item ORDER BY v <-> '[5,5,5]';

-- A cursor keeps its rows while others change the table; its own transaction's deletes too.
INSERT INTO item SELECT i, ARRAY[i, i, i]::real[]::embedding(3) FROM generate_series(100, 200) AS i;
BEGIN;
DECLARE nearest CURSOR FOR SELECT id FROM item ORDER BY v <-> '[100,100,100]';
FETCH 2 FROM nearest;
DELETE FROM item WHERE id BETWEEN 100 AND 150;
FETCH 3 FROM nearest;
COMMIT;
DROP TABLE item;
