-- sutra_hnsw on every kind of table and index.
SET client_min_messages = warning;
SET enable_seqscan = off;
CREATE FUNCTION point(i int) RETURNS embedding LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[sin(i), cos(i * 3), sin(i * 7)]::real[]::embedding(3) $$;
-- A query that is stored finds its row whatever the graph is like; the recall is of the graph alone.
CREATE FUNCTION recalls(index regclass) RETURNS boolean LANGUAGE sql AS $$ SELECT sutra_index_recall(index, 5, 50) > 0.9 $$;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query; END $$;

CREATE UNLOGGED TABLE item (id int, v embedding(3));
INSERT INTO item SELECT i, point(i) FROM generate_series(1, 300) AS i;
CREATE INDEX item_v ON item USING sutra_hnsw (v);
INSERT INTO item SELECT i, point(i) FROM generate_series(301, 600) AS i;
SELECT id FROM item ORDER BY v <-> point(450) LIMIT 1;
SELECT recalls('item_v');
ALTER TABLE item SET LOGGED;
SELECT id FROM item ORDER BY v <-> point(450) LIMIT 1;
SELECT recalls('item_v');
ALTER TABLE item SET UNLOGGED;
SELECT id FROM item ORDER BY v <-> point(450) LIMIT 1;
SELECT recalls('item_v');
VACUUM FULL item;
SELECT id FROM item ORDER BY v <-> point(450) LIMIT 1;
SELECT recalls('item_v');
SELECT count(*) FROM sutra_index_check('item_v');
DROP TABLE item;

CREATE TEMPORARY TABLE item (id int, v embedding(3));
CREATE INDEX item_v ON item USING sutra_hnsw (v);
INSERT INTO item SELECT i, point(i) FROM generate_series(1, 600) AS i;
DELETE FROM item WHERE id % 3 = 0;
VACUUM item;
INSERT INTO item SELECT i, point(i) FROM generate_series(601, 900) AS i;
SELECT id FROM item ORDER BY v <-> point(700) LIMIT 1;
SELECT recalls('item_v');
SELECT count(*) FROM sutra_index_check('item_v');
DROP TABLE item;

-- Partial, with the condition in the query or not, and with or without an order.
CREATE TABLE item (id int, kind text, v embedding(3), raw real[]);
INSERT INTO item SELECT i, CASE WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END, point(i), point(i)::real[] FROM generate_series(1, 1000) AS i;
CREATE INDEX item_even ON item USING sutra_hnsw (v) WHERE kind = 'even';
EXPLAIN (COSTS OFF) SELECT id FROM item WHERE kind = 'even' ORDER BY v <-> '[0,0,0]' LIMIT 1;
SELECT id FROM item WHERE kind = 'even' ORDER BY v <-> point(444) LIMIT 1;
SELECT count(*) FROM (SELECT id FROM item WHERE kind = 'even' ORDER BY v <-> point(444)) AS everything;
SELECT recalls('item_even');
-- Without an order it is no way to the rows, and it is none for rows that are not in it.
SELECT count(*) FROM plan('SELECT count(*) FROM item WHERE kind = ''even''') AS line WHERE line LIKE '%item_even%';
SELECT count(*) FROM item WHERE kind = 'even';
SELECT count(*) FROM plan('SELECT id FROM item ORDER BY v <-> point(77) LIMIT 1') AS line WHERE line LIKE '%item_even%';
SELECT id FROM item ORDER BY v <-> point(77) LIMIT 1;
DROP INDEX item_even;

-- On an expression.
CREATE INDEX item_raw ON item USING sutra_hnsw ((raw::embedding(3)));
INSERT INTO item SELECT i, 'odd', NULL, point(i)::real[] FROM generate_series(1001, 1200) AS i;
EXPLAIN (COSTS OFF) SELECT id FROM item ORDER BY raw::embedding(3) <-> '[0,0,0]' LIMIT 1;
SELECT id FROM item ORDER BY raw::embedding(3) <-> point(1111) LIMIT 1;
SELECT id FROM item ORDER BY raw::embedding(3) <-> point(77) LIMIT 1;
SELECT recalls('item_raw');
DROP INDEX item_raw;

-- Concurrently, and rebuilt.
CREATE INDEX CONCURRENTLY item_v ON item USING sutra_hnsw (v);
SELECT indisvalid FROM pg_index WHERE indexrelid = 'item_v'::regclass;
SELECT id FROM item ORDER BY v <-> point(77) LIMIT 1;
SELECT recalls('item_v');
DELETE FROM item WHERE id % 4 = 0;
REINDEX INDEX CONCURRENTLY item_v;
SELECT recalls('item_v');
REINDEX TABLE item;
SELECT id FROM item ORDER BY v <-> point(77) LIMIT 1;
SELECT recalls('item_v');
SET sutra.iterative_scan = relaxed_order;
SELECT count(*) FROM (SELECT id FROM item ORDER BY v <-> point(77)) AS everything;
RESET sutra.iterative_scan;
CLUSTER item USING item_v;
-- The build tells the planner how many rows the table has.
CREATE TABLE counted (v embedding(3));
INSERT INTO counted SELECT CASE WHEN i % 2 = 0 THEN point(i) END FROM generate_series(1, 500) AS i;
CREATE INDEX counted_v ON counted USING sutra_hnsw (v);
SELECT relname, reltuples FROM pg_class WHERE relname IN ('counted', 'counted_v') ORDER BY relname;
DROP TABLE counted;

-- Moved to another tablespace, index and table; truncated; rewritten.
CREATE TABLE moved (id int PRIMARY KEY, v embedding(3), w embedding(3));
INSERT INTO moved SELECT i, point(i), point(-i) FROM generate_series(1, 500) AS i;
CREATE INDEX moved_v ON moved USING sutra_hnsw (v);
CREATE INDEX moved_w ON moved USING sutra_hnsw (w embedding_cosine_ops);
SELECT id FROM moved ORDER BY v <-> point(123) LIMIT 1;
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE sutra_regress_space LOCATION '';
ALTER INDEX moved_v SET TABLESPACE sutra_regress_space;
SELECT id FROM moved ORDER BY v <-> point(123) LIMIT 1;
ALTER TABLE moved SET TABLESPACE sutra_regress_space;
INSERT INTO moved SELECT i, point(i), point(-i) FROM generate_series(501, 700) AS i;
SELECT id FROM moved ORDER BY v <-> point(654) LIMIT 1;
SELECT count(*) FROM sutra_index_check('moved_v');
SELECT recalls('moved_v'), recalls('moved_w');
VACUUM FULL moved;
SELECT id FROM moved ORDER BY v <-> point(654) LIMIT 1;
SELECT id FROM moved ORDER BY w <=> point(-654) LIMIT 1;
SELECT recalls('moved_v'), recalls('moved_w');
-- Both indexes vacuumed by parallel workers.
DELETE FROM moved WHERE id % 2 = 0;
SET min_parallel_index_scan_size = 0;
VACUUM (PARALLEL 2) moved;
RESET min_parallel_index_scan_size;
SELECT i, (SELECT count(*) FROM sutra_index_check(i)) AS faults, (SELECT value FROM sutra_index_stats(i) WHERE name = 'rows') AS rows, recalls(i)
  FROM unnest(ARRAY['moved_v', 'moved_w']::regclass[]) AS i;
-- Warmed, and the table checked, where the server has the modules for it.
DO $$
DECLARE blocks bigint; faults bigint;
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_prewarm') THEN
        CREATE EXTENSION pg_prewarm;
        EXECUTE 'SELECT pg_prewarm(''moved_v'')' INTO blocks;
        IF blocks <> pg_relation_size('moved_v') / 8192 THEN RAISE WARNING 'pg_prewarm read % blocks', blocks; END IF;
    END IF;
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'amcheck') THEN
        CREATE EXTENSION amcheck;
        EXECUTE 'SELECT count(*) FROM verify_heapam(''moved'')' INTO faults;
        IF faults > 0 THEN RAISE WARNING 'verify_heapam: % faults', faults; END IF;
    END IF;
END $$;
SHOW data_checksums;
TRUNCATE moved;
SELECT count(*) FROM (SELECT id FROM moved ORDER BY v <-> point(1)) AS everything;
INSERT INTO moved SELECT i, point(i), point(-i) FROM generate_series(1, 50) AS i;
SELECT id FROM moved ORDER BY v <-> point(23) LIMIT 1;
SELECT recalls('moved_v'), recalls('moved_w');
DROP TABLE moved;
DROP TABLESPACE sutra_regress_space;

-- Emptied in the transaction that made it, a table keeps its file, and the pages of its index become others.
BEGIN;
CREATE TABLE again (id int, v embedding(3));
CREATE INDEX again_v ON again USING sutra_hnsw (v) WITH (m = 2, ef_construction = 16);
INSERT INTO again SELECT i, point(i) FROM generate_series(1, 1500) AS i;
SELECT id FROM again ORDER BY v <-> point(1234) LIMIT 1;
TRUNCATE again;
INSERT INTO again SELECT i, CASE WHEN i % 2 = 0 THEN '[7,7,7]' ELSE point(i) END FROM generate_series(1, 1500) AS i;
SELECT id FROM again ORDER BY v <-> point(1233) LIMIT 1;
SELECT count(*) FROM sutra_index_check('again_v');
SELECT sutra_index_recall('again_v', 5, 100) > 0.5 AS recalls;
COMMIT;
DROP TABLE again;

-- HOT updates: the row found through the first version of its chain.
CREATE TABLE hot (id int, counter int, v embedding(3)) WITH (fillfactor = 50);
INSERT INTO hot SELECT i, 0, point(i) FROM generate_series(1, 100) AS i;
CREATE INDEX hot_v ON hot USING sutra_hnsw (v);
UPDATE hot SET counter = 1;
UPDATE hot SET counter = 2 WHERE id = 50;
SELECT id, counter FROM hot ORDER BY v <-> point(50) LIMIT 2;
SELECT recalls('hot_v');
SELECT value FROM sutra_index_stats('hot_v') WHERE name = 'rows';
DROP TABLE hot;

-- Partitioned.
CREATE TABLE parted (id int, v embedding(3)) PARTITION BY RANGE (id);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (500);
CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (500) TO (2000);
CREATE INDEX parted_v ON parted USING sutra_hnsw (v);
INSERT INTO parted SELECT i, point(i) FROM generate_series(1, 1000) AS i;
EXPLAIN (COSTS OFF) SELECT id FROM parted ORDER BY v <-> '[0,0,0]' LIMIT 1;
SELECT id FROM parted ORDER BY v <-> point(123) LIMIT 1;
SELECT id FROM parted ORDER BY v <-> point(765) LIMIT 1;
SELECT recalls('parted_low_v_idx'), recalls('parted_high_v_idx');
REINDEX INDEX parted_v;
SELECT recalls('parted_low_v_idx'), recalls('parted_high_v_idx');
DROP TABLE parted;

-- Out of line: a vector too long for a page of the table.
CREATE FUNCTION wave(frequency float8, dimensions int) RETURNS embedding LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(sin(frequency * i / dimensions))::real[]::embedding FROM generate_series(1, dimensions) AS i $$;
CREATE TABLE long (id int, v embedding(4000));
INSERT INTO long SELECT i, wave(i / 4.0, 4000) FROM generate_series(1, 60) AS i;
CREATE INDEX long_v ON long USING sutra_hnsw (v embedding_cosine_ops);
SELECT id FROM long ORDER BY v <=> (SELECT v FROM long WHERE id = 17) LIMIT 1;
SELECT recalls('long_v');
SELECT count(*) FROM plan('SELECT id FROM long ORDER BY v <=> wave(17.3 / 4, 4000) LIMIT 5') AS line WHERE line LIKE '%Index Scan using long_v%';
SELECT id FROM long ORDER BY v <=> wave(17.3 / 4, 4000) LIMIT 5;
SELECT id FROM long ORDER BY (v <=> wave(17.3 / 4, 4000)) + 0 LIMIT 5;
DROP TABLE long;
-- The most dimensions that m = 16 leaves room for, built and inserted.
CREATE TABLE longest (id int, v embedding(7920));
INSERT INTO longest SELECT i, wave(i / 4.0, 7920) FROM generate_series(1, 50) AS i;
CREATE INDEX longest_v ON longest USING sutra_hnsw (v);
INSERT INTO longest SELECT i, wave(i / 4.0, 7920) FROM generate_series(51, 60) AS i;
SELECT count(*) FROM sutra_index_check('longest_v');
SELECT recalls('longest_v');
SELECT count(*) FROM plan('SELECT id FROM longest ORDER BY v <-> wave(50.3 / 4, 7920) LIMIT 5') AS line WHERE line LIKE '%Index Scan using longest_v%';
SELECT id FROM longest ORDER BY v <-> wave(50.3 / 4, 7920) LIMIT 5;
SELECT id FROM longest ORDER BY (v <-> wave(50.3 / 4, 7920)) + 0 LIMIT 5;
DROP TABLE longest;

-- In a transaction that may only read, and with a snapshot of its own.
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT id FROM item ORDER BY v <-> point(77) LIMIT 1;
COMMIT;
BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE;
SELECT id FROM item ORDER BY v <-> point(77) LIMIT 1;
COMMIT;
DROP TABLE item;
