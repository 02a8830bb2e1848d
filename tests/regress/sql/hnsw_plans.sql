-- When the planner takes the index, and when it does not.
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE item (id int PRIMARY KEY, kind int, other int, v embedding(8));
INSERT INTO item SELECT i, i, i, (SELECT array_agg((hashint8extended(j, i) % 1000)::real) FROM generate_series(1, 8) AS j)::embedding(8) FROM generate_series(1, 5000) AS i;
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
-- A filter without an index of its own: the vector index while it leaves enough, a scan of the table when it is selective, or when
-- PostgreSQL has to guess and takes it for selective.
SELECT plan('SELECT id FROM item WHERE kind % 2 = 0 ORDER BY v <-> $q LIMIT 10');
SELECT plan('SELECT id FROM item WHERE other = 17 ORDER BY v <-> $q LIMIT 10');
SELECT plan('SELECT id FROM item WHERE other < 1000 ORDER BY v <-> $q LIMIT 10');
-- A LIMIT that takes most of the table, and one with OFFSET.
SELECT plan('SELECT id FROM item ORDER BY v <-> $q LIMIT 4500');
SELECT plan('SELECT id FROM item ORDER BY v <-> $q OFFSET 20 LIMIT 10');
-- A search so wide that it visits everything.
SET sutra.ef_search = 10000;
SELECT plan('SELECT id FROM item ORDER BY v <-> $q LIMIT 10');
RESET sutra.ef_search;
-- Locking, a query of a parameter, a query from another table, a set of nearest rows joined.
SELECT plan('SELECT id FROM item ORDER BY v <-> $q LIMIT 10 FOR UPDATE');
SELECT bool_or(line LIKE '%Index Scan using item_v on item') AS uses_index
  FROM plan('SELECT id FROM item ORDER BY v <-> (SELECT v FROM item AS one WHERE one.id = 7) LIMIT 10') AS line;
PREPARE nearest (embedding) AS SELECT id FROM item ORDER BY v <-> $1 LIMIT 10;
SET plan_cache_mode = force_generic_plan;
SELECT plan('EXECUTE nearest ($q)');
RESET plan_cache_mode;
SELECT plan('SELECT near.id FROM (SELECT id FROM item ORDER BY v <-> $q LIMIT 10) AS near JOIN item ON item.id = near.id');
-- Vectors out of line: the pages of the table are few, but reading every vector is not cheap. All are distinct, so the index has more
-- pages than the table, and a search visits more of them.
CREATE TABLE wide (id int, v embedding(1000));
INSERT INTO wide SELECT i, array_fill(i, ARRAY[1000])::real[]::embedding(1000) FROM generate_series(1, 3000) AS i;
CREATE INDEX wide_v ON wide USING sutra_hnsw (v);
VACUUM ANALYZE wide;
SELECT relname, relpages < 100 AS few_pages FROM pg_class WHERE relname IN ('wide', 'wide_v') ORDER BY relname;
SELECT bool_or(line LIKE '%Index Scan using wide_v on wide') AS uses_index
  FROM plan('SELECT id FROM wide ORDER BY v <-> (SELECT v FROM wide AS one WHERE one.id = 7) LIMIT 10') AS line;
-- Its cost is never nothing, and rows before the first are paid for.
CREATE FUNCTION cost(query text, OUT startup float8, OUT total float8) LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || replace(query, '$q', '''[1,2,3,4,5,6,7,8]''') INTO plan;
    startup := plan->0->'Plan'->>'Startup Cost'; total := plan->0->'Plan'->>'Total Cost';
END $$;
SET enable_seqscan = off;
SELECT c10.startup > 0 AS startup, c10.total > c10.startup AS rows_cost, c100.total > c10.total AS more_rows_cost_more, selective.total > c10.total AS filters_cost
  FROM cost('SELECT id FROM item ORDER BY v <-> $q LIMIT 10') AS c10, cost('SELECT id FROM item ORDER BY v <-> $q LIMIT 100') AS c100,
       cost('SELECT id FROM item WHERE other < 1000 ORDER BY v <-> $q LIMIT 10') AS selective;
SET sutra.ef_search = 400;
SELECT wide.startup > 0 AS startup FROM cost('SELECT id FROM item ORDER BY v <-> $q LIMIT 10') AS wide;
RESET sutra.ef_search;
RESET enable_seqscan;
-- A small table: a scan of the table.
CREATE TABLE small (id int, v embedding(3));
INSERT INTO small SELECT i, ARRAY[i, i, i]::real[]::embedding(3) FROM generate_series(1, 20) AS i;
CREATE INDEX small_v ON small USING sutra_hnsw (v);
ANALYZE small;
SELECT plan('SELECT id FROM small ORDER BY v <-> ''[1,2,3]'' LIMIT 5');
-- Scans are counted: none of the plans above ran, and a scan that is started again counts again.
SELECT id > 0 AS found FROM item ORDER BY v <-> '[1,2,3,4,5,6,7,8]' LIMIT 1;
SELECT pg_stat_force_next_flush() IS NULL AS flushed;
SELECT idx_scan, idx_tup_read, idx_tup_fetch FROM pg_stat_user_indexes WHERE indexrelname = 'item_v';
SELECT count(near.id) FROM generate_series(1, 5) AS i, LATERAL (SELECT id FROM item ORDER BY v <-> ARRAY[i, 2, 3, 4, 5, 6, 7, 8]::real[]::embedding(8) LIMIT 1) AS near;
SELECT pg_stat_force_next_flush() IS NULL AS flushed;
SELECT idx_scan, idx_tup_read, idx_tup_fetch FROM pg_stat_user_indexes WHERE indexrelname = 'item_v';
DROP TABLE item, small, wide;
