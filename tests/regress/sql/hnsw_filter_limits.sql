-- LIMIT k under a filter: k rows in distance order whenever at least 2k match, whatever stops the graph: the cap of visited rows, the
-- memory of the scan, or a filter that leaves only rows far from the query.
SET client_min_messages = warning;
-- Plans that are disabled have costs that PostgreSQL would compile for.
SET jit = off;
CREATE TABLE item (id int PRIMARY KEY, v embedding(8));
INSERT INTO item SELECT i, (SELECT array_agg((hashint8extended(j, i) % 1000)::real) FROM generate_series(1, 8) AS j)::embedding(8) FROM generate_series(1, 6000) AS i;
CREATE INDEX item_v ON item USING sutra_hnsw (v);
ANALYZE item;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
CREATE FUNCTION did(what text) RETURNS bigint LANGUAGE sql AS $$ SELECT value FROM sutra_scan_counts() WHERE name = what $$;
-- How many of the queries got other than k rows, or rows out of order. The filters leave from 10 rows to all, spread over the table or far from the query.
CREATE FUNCTION failures() RETURNS TABLE (queries int, too_few int, unordered int, passes bigint) LANGUAGE plpgsql AS $$
DECLARE
    q embedding; filter text; matching int; k int; found int; sorted boolean; before bigint := did('passes_over_codes');
BEGIN
    queries := 0; too_few := 0; unordered := 0;
    FOR number IN 1..4 LOOP
        SELECT v INTO q FROM item WHERE id = number * 7;
        FOREACH filter IN ARRAY ARRAY['id % 600 = 3', 'id % 97 = 5', 'id % 10 = 1', 'true', 'id > 5900 OR v <-> $1 > 2500', 'v <-> $1 > (SELECT max(f.v <-> $1) * 0.8 FROM item AS f)', 'v <-> $1 < 900'] LOOP
            EXECUTE 'SELECT count(*) FROM item WHERE ' || filter INTO matching USING q;
            FOREACH k IN ARRAY ARRAY[1, 5, 10, 40, 300] LOOP
                CONTINUE WHEN matching < 2 * k;
                EXECUTE format('SELECT count(*), coalesce(bool_and(d >= previous), true) FROM (SELECT d, lag(d, 1, d) OVER (ORDER BY n) AS previous FROM (
                    SELECT d, row_number() OVER () AS n FROM (SELECT v <-> $1 AS d FROM item WHERE %s ORDER BY v <-> $1 LIMIT %s) AS a) AS b) AS c', filter, k)
                    INTO found, sorted USING q;
                queries := queries + 1;
                too_few := too_few + (found <> k)::int;
                unordered := unordered + (NOT sorted)::int;
            END LOOP;
        END LOOP;
    END LOOP;
    passes := did('passes_over_codes') - before;
    RETURN NEXT;
END $$;
SELECT queries > 60 AS many, too_few, unordered, passes FROM failures();
SET sutra.max_scan_tuples = 1;
SELECT too_few, unordered, passes > 0 AS passed FROM failures();
SET sutra.max_scan_tuples = 700;
SELECT too_few, unordered, passes > 0 AS passed FROM failures();
SET sutra.iterative_scan = relaxed_order;
SELECT too_few, passes > 0 AS passed FROM failures();
RESET sutra.max_scan_tuples;
SELECT too_few FROM failures();
RESET sutra.iterative_scan;
-- The memory of a scan: work_mem times the multiplier.
SET work_mem = '64kB';
SELECT too_few, unordered, passes > 0 AS passed FROM failures();
SET sutra.scan_mem_multiplier = 1000;
SELECT too_few, unordered, passes FROM failures();
RESET work_mem;
RESET sutra.scan_mem_multiplier;
-- Off means what pgvector's does: the filter is applied to ef_search rows, and no pass follows.
SET sutra.iterative_scan = off;
SELECT too_few > 0 AS some_too_few, unordered, passes FROM failures();
RESET sutra.iterative_scan;

-- What is found late is counted: dropped in strict order, returned in relaxed order.
SET sutra.ef_search = 1;
SELECT did('late_rows_dropped') AS dropped, did('late_rows_returned') AS returned \gset
SELECT count(*) < 6000 AS dropped FROM (SELECT id FROM item ORDER BY v <-> '[1,2,3,4,5,6,7,8]') AS everything;
SELECT did('late_rows_dropped') > :dropped AS counted;
SET sutra.iterative_scan = relaxed_order;
SELECT count(*) FROM (SELECT id FROM item ORDER BY v <-> '[1,2,3,4,5,6,7,8]') AS everything;
SELECT did('late_rows_returned') > :returned AS counted;
SELECT name, value > 0 AS happened FROM sutra_scan_counts();
DROP TABLE item;
