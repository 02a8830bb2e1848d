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

-- One that comes later is left out as well, and so is one that a row is changed to.
CREATE FUNCTION part(index regclass, wanted text) RETURNS bigint LANGUAGE sql AS $$ SELECT value FROM sutra_index_stats(index) WHERE name = wanted $$;
CREATE TABLE directed (id int, v embedding(3));
CREATE INDEX directed_v ON directed USING sutra_hnsw (v embedding_cosine_ops);
INSERT INTO directed VALUES (1, '[1,0,0]'), (2, '[0,0,0]'), (3, '[0,1,0]'), (4, '[3,4,0]');
SELECT part('directed_v', 'nodes') AS nodes, part('directed_v', 'rows') AS rows;
INSERT INTO directed VALUES (5, '[0,0,0]'), (6, '[-0,0,-0]'), (7, NULL);
UPDATE directed SET v = '[0,0,0]' WHERE id IN (2, 4, 7);
SELECT part('directed_v', 'nodes') AS nodes, part('directed_v', 'rows') AS rows;
SELECT id FROM directed ORDER BY v <=> '[1,0.1,0]';
SELECT count(*) FROM (SELECT id FROM directed ORDER BY v <=> '[0,0,0]') AS everything;
SELECT count(*) FROM sutra_index_check('directed_v');
UPDATE directed SET v = '[0,0,1]' WHERE id = 5;
SELECT id FROM directed ORDER BY v <=> '[1,0.2,0.1]';
-- NULL as a literal, and one scan that goes from a vector to NULL and back.
SELECT count(*) FROM (SELECT id FROM directed ORDER BY v <=> NULL) AS everything;
SET enable_memoize = off;
CREATE VIEW turns AS SELECT n, near.* FROM (VALUES (1, '[1,0.2,0.1]'::embedding), (2, NULL), (3, '[0.1,1,0.2]'), (4, NULL), (5, '[1,0.2,0.1]')) AS query(n, q),
    LATERAL (SELECT count(*), CASE WHEN q IS NOT NULL THEN array_agg(id) END AS ids FROM (SELECT id FROM directed ORDER BY v <=> q LIMIT 10) AS a) AS near;
EXPLAIN (COSTS OFF) SELECT * FROM turns;
SELECT * FROM turns ORDER BY n;
RESET enable_memoize;
DROP VIEW turns;
DROP TABLE directed;

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
-- What the index says of itself, and its graph.
CREATE FUNCTION adds_up(index regclass) RETURNS TABLE (sizes boolean, nodes boolean, uppers boolean, links boolean, reachable boolean, recalls boolean) LANGUAGE sql AS $$
    SELECT (1 + node_pages + upper_pages + tid_pages + bucket_pages + directory_pages + uninitialised_pages) * 8192 = pg_relation_size(index) AND uninitialised_pages = 0
               AND node_bytes < node_pages * 8192 AND upper_bytes < upper_pages * 8192 AND padding_bytes BETWEEN 1 AND pg_relation_size(index) / 4,
           -- A code of a byte a dimension, 5 bytes for each of 2 * m edges, and what stands before them; as many on each page as it has room for.
           node_bytes % nodes = 0 AND node_bytes / nodes BETWEEN dimensions + 10 * m + 1 AND dimensions + 10 * m + 64
               AND (nodes + free_slots) % node_pages = 0 AND (nodes + free_slots + node_pages) * (node_bytes / nodes) > node_pages * 8100 AND dead_nodes = 0,
           levels BETWEEN 2 AND 12 AND upper_bytes BETWEEN nodes * 2 AND nodes * 20,
           links BETWEEN nodes * 2 AND nodes * m * 2,
           unreachable_nodes = 0,
           sutra_index_recall(index, 5, 50) > 0.9
      FROM (SELECT jsonb_object_agg(name, value) AS stats FROM sutra_index_stats(index)) AS s,
           jsonb_to_record(stats) AS part (dimensions int, m int, nodes int, levels int, dead_nodes int, free_slots int, unreachable_nodes int, links int, node_bytes int, upper_bytes int,
               padding_bytes int, node_pages int, upper_pages int, tid_pages int, bucket_pages int, directory_pages int, uninitialised_pages int)
$$;
SELECT * FROM adds_up('item_v');
SELECT part('dimensions') AS dimensions, part('m') AS m, part('ef_construction') AS ef_construction, part('nodes') AS nodes, part('tid_bytes') AS tid_bytes, part('tid_pages') AS tid_pages;
DELETE FROM item WHERE id % 2 = 0;
SELECT count(*) FROM (SELECT id FROM item ORDER BY v <-> '[0,0,0]') AS everything WHERE id % 2 = 0;
SELECT pg_relation_size('item_v') AS size \gset
SELECT part('search_starts') AS starts_before_a_repair;
VACUUM item;
SELECT part('search_starts') AS starts_after_it;
SELECT part('nodes') AS nodes, part('free_slots') >= 1000 AS freed, part('dead_nodes') AS dead;
SELECT * FROM adds_up('item_v');
SELECT count(*) FROM sutra_index_check('item_v');
SELECT count(*) FROM generate_series(1, 1999, 2) AS i, LATERAL (
    SELECT id FROM item ORDER BY v <-> ARRAY[sin(i), cos(i * 3), sin(i * 7)]::real[]::embedding(3) LIMIT 1) AS nearest WHERE nearest.id = i;
INSERT INTO item SELECT i, ARRAY[sin(i), cos(i * 3), sin(i * 7)]::real[]::embedding(3) FROM generate_series(3001, 4000) AS i;
SELECT pg_relation_size('item_v') <= :size + 2 * 8192 AS reused, part('nodes') AS nodes;
SELECT * FROM adds_up('item_v');
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

-- The options of the build are kept until the next one.
CREATE TABLE item (id int, v embedding(3));
INSERT INTO item SELECT i, ARRAY[sin(i), cos(i * 3), sin(i * 7)]::real[]::embedding(3) FROM generate_series(1, 1000) AS i;
CREATE INDEX item_v ON item USING sutra_hnsw (v) WITH (m = 4, ef_construction = 32);
SELECT part('m') AS m, part('ef_construction') AS ef_construction;
ALTER INDEX item_v SET (m = 40, ef_construction = 100);
INSERT INTO item SELECT i, ARRAY[sin(i), cos(i * 3), sin(i * 7)]::real[]::embedding(3) FROM generate_series(1001, 1500) AS i;
SELECT part('m') AS m, part('ef_construction') AS ef_construction, part('nodes') AS nodes;
SELECT count(*) FROM sutra_index_check('item_v');
SELECT * FROM adds_up('item_v');
REINDEX INDEX item_v;
SELECT part('m') AS m, part('ef_construction') AS ef_construction, part('nodes') AS nodes;
SELECT count(*) FROM sutra_index_check('item_v');
SELECT * FROM adds_up('item_v');

-- VACUUM tells the planner how many rows the index has, whether they have nodes of their own or share one.
INSERT INTO item SELECT i, '[7,7,7]' FROM generate_series(2001, 3000) AS i;
SELECT part('tid_pages') > 0 AS pages, part('tid_bytes') BETWEEN 6 * 1000 AND 6 * 3000 AS bytes;
DELETE FROM item WHERE id % 5 < 2;
VACUUM (INDEX_CLEANUP on) item;
SELECT part('rows') AS rows, relname, reltuples FROM pg_class WHERE relname IN ('item', 'item_v') ORDER BY relname;
DELETE FROM item WHERE id <= 2000;
VACUUM (INDEX_CLEANUP on) item;
SELECT part('nodes') AS nodes, part('rows') AS rows, relname, reltuples FROM pg_class WHERE relname IN ('item', 'item_v') ORDER BY relname;
DROP TABLE item;
