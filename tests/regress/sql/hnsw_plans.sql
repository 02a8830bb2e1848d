-- When the planner takes the index, and when it does not.
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE item (id int PRIMARY KEY, kind int, v embedding(8));
INSERT INTO item SELECT i, i, (SELECT array_agg((hashint8extended(j, i) % 1000)::real) FROM generate_series(1, 8) AS j)::embedding(8) FROM generate_series(1, 5000) AS i;
CREATE INDEX item_v ON item USING sutra_hnsw (v);
CREATE INDEX item_kind ON item (kind);
VACUUM ANALYZE item;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || replace(query, '$q', '''[1,2,3,4,5,6,7,8]''');
END $$;
-- A few nearest rows of a large table: the index.
SELECT plan('SELECT id FROM item ORDER BY v <-> $q LIMIT 10');
-- A second key is sorted among rows of equal distance; PostgreSQL 15 and 16 know no such plan for ORDER BY operators.
SELECT current_setting('server_version_num')::int < 180000 OR bool_or(line LIKE '%Presorted Key: ((v <-> %') AS presorted
FROM plan('SELECT id FROM item ORDER BY v <-> $q, id LIMIT 10') AS line;
SELECT plan('SELECT id FROM item WHERE kind > 100 ORDER BY v <-> $q LIMIT 10');
SELECT plan('SELECT id FROM item WHERE v <-> $q < 5 ORDER BY v <-> $q LIMIT 10');
SELECT plan('SELECT id, v <-> $q AS d FROM item ORDER BY d LIMIT 10');
-- A selective filter: the filter's own index, then a sort.
SELECT plan('SELECT id FROM item WHERE kind = 17 ORDER BY v <-> $q LIMIT 10');
SELECT plan('SELECT id FROM item WHERE kind < 20 ORDER BY v <-> $q LIMIT 10');
-- All rows, another operator, another direction, no order: not the index.
SELECT plan('SELECT id FROM item ORDER BY v <-> $q');
SELECT plan('SELECT id FROM item ORDER BY v <=> $q LIMIT 10');
SELECT plan('SELECT id FROM item ORDER BY v <-> $q DESC LIMIT 10');
SELECT plan('SELECT id FROM item ORDER BY v LIMIT 10');
SELECT plan('SELECT id FROM item WHERE v <-> $q < 5');
-- A join for each row of another table.
SELECT plan('SELECT near.id FROM item AS base, LATERAL (SELECT id FROM item ORDER BY item.v <-> base.v LIMIT 1) AS near WHERE base.id < 5');
-- A small table: a scan of the table.
CREATE TABLE small (id int, v embedding(3));
INSERT INTO small SELECT i, ARRAY[i, i, i]::real[]::embedding(3) FROM generate_series(1, 20) AS i;
CREATE INDEX small_v ON small USING sutra_hnsw (v);
ANALYZE small;
SELECT plan('SELECT id FROM small ORDER BY v <-> ''[1,2,3]'' LIMIT 5');
-- Scans are counted.
SELECT pg_stat_force_next_flush() IS NULL AS flushed;
SELECT id > 0 AS found FROM item ORDER BY v <-> '[1,2,3,4,5,6,7,8]' LIMIT 1;
SELECT pg_stat_force_next_flush() IS NULL AS flushed;
SELECT idx_scan > 0 AS counted FROM pg_stat_user_indexes WHERE indexrelname = 'item_v';
DROP TABLE item, small;
