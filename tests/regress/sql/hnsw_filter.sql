-- Filters: a scan goes on until the query has its rows, whatever the filter leaves.
SET client_min_messages = warning;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
CREATE TABLE item (id int, kind int, v embedding(8));
INSERT INTO item SELECT i, i % 100, (SELECT array_agg((hashint8extended(j, i) % 1000)::real) FROM generate_series(1, 8) AS j)::embedding(8) FROM generate_series(1, 5000) AS i;
CREATE INDEX item_v ON item USING sutra_hnsw (v);
ANALYZE item;
CREATE FUNCTION found(kinds int, wanted int) RETURNS TABLE (rows bigint, in_order boolean) LANGUAGE sql AS $$
    SELECT count(*), coalesce(bool_and(d >= previous), true) FROM (
        SELECT d, lag(d, 1, d) OVER (ORDER BY n) AS previous FROM (
            SELECT d, row_number() OVER () AS n FROM (
                SELECT v <-> '[1,2,3,4,5,6,7,8]' AS d FROM item WHERE kind < kinds ORDER BY v <-> '[1,2,3,4,5,6,7,8]' LIMIT wanted) AS a) AS b) AS c
$$;
SHOW sutra.iterative_scan;
SELECT kinds, found.* FROM unnest(ARRAY[1, 5, 50]) AS kinds, found(kinds, 20);
-- Beyond the cap of visited rows one pass over the codes finds the rest.
SET sutra.max_scan_tuples = 200;
SELECT kinds, found.* FROM unnest(ARRAY[1, 5, 50]) AS kinds, found(kinds, 20);
SELECT rows, in_order FROM found(1, 50);
SET sutra.iterative_scan = relaxed_order;
SELECT kinds, rows FROM unnest(ARRAY[1, 5, 50]) AS kinds, found(kinds, 20);
-- A pass in more than one portion, because work_mem holds fewer rows than there are.
SET work_mem = '64kB';
SELECT rows FROM found(100, 5000);
SET sutra.iterative_scan = strict_order;
SELECT rows >= 4990 AS nearly_all, in_order FROM found(100, 5000);
RESET work_mem;
RESET sutra.max_scan_tuples;
-- Off: at most ef_search rows before the filter.
SET sutra.iterative_scan = off;
SELECT rows <= 40 AS at_most_ef_search, in_order FROM found(100, 1000);
SELECT rows < 20 AS too_few FROM found(1, 20);
SET sutra.ef_search = 400;
SELECT rows FROM found(100, 400);
RESET sutra.ef_search;
RESET sutra.iterative_scan;

-- A scan that is started again, with another query each time.
SELECT count(*) FROM generate_series(1, 50) AS i, LATERAL (
    SELECT id FROM item ORDER BY v <-> (SELECT v FROM item AS one WHERE one.id = i) LIMIT 1) AS nearest WHERE nearest.id = i;

-- Cancelled: the scan of everything, and a build.
SET statement_timeout = '5ms';
DO $$
BEGIN
    PERFORM count(*) FROM generate_series(1, 1000) AS i, LATERAL (SELECT id FROM item ORDER BY v <-> ARRAY[i,2,3,4,5,6,7,8]::real[]::embedding(8)) AS nearest;
    RAISE WARNING 'not cancelled';
EXCEPTION WHEN query_canceled THEN RAISE WARNING 'scan cancelled';
END $$;
DO $$
BEGIN
    CREATE INDEX item_more ON item USING sutra_hnsw (v) WITH (ef_construction = 1000);
    RAISE WARNING 'not cancelled';
EXCEPTION WHEN query_canceled THEN RAISE WARNING 'build cancelled';
END $$;
RESET statement_timeout;

-- A graph that does not fit maintenance_work_mem: the rest is inserted, and nothing is lost.
SET client_min_messages = notice;
SET maintenance_work_mem = '1MB';
CREATE INDEX item_small ON item USING sutra_hnsw (v embedding_cosine_ops);
RESET maintenance_work_mem;
SET client_min_messages = warning;
SELECT value FROM sutra_index_stats('item_small') WHERE name = 'rows';
SELECT count(*) FROM sutra_index_check('item_small');
SELECT sutra_index_recall('item_small', 5, 50) > 0.9 AS recalls;
SELECT count(*) FROM generate_series(1, 5000, 50) AS i, LATERAL (
    SELECT id FROM item ORDER BY v <=> (SELECT v FROM item AS one WHERE one.id = i) LIMIT 1) AS nearest WHERE nearest.id = i;
DROP TABLE item;
