-- sutra_hnsw returns rows in the order of each operator, and nearly all of the nearest ones.
SET client_min_messages = warning;
CREATE FUNCTION vector_of(seed int, dimensions int) RETURNS real[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg((hashint8extended(i, seed) % 1000000)::real / 1000000 ORDER BY i) FROM generate_series(1, dimensions) AS i
$$;
CREATE TABLE item (id int PRIMARY KEY, v embedding(16));
INSERT INTO item SELECT i, vector_of(i, 16)::embedding(16) FROM generate_series(1, 3000) AS i;
CREATE TABLE question AS SELECT i AS id, vector_of(-i, 16)::embedding(16) AS v FROM generate_series(1, 50) AS i;
CREATE INDEX item_l2 ON item USING sutra_hnsw (v);
CREATE INDEX item_ip ON item USING sutra_hnsw (v embedding_ip_ops);
CREATE INDEX item_cosine ON item USING sutra_hnsw (v embedding_cosine_ops);
CREATE INDEX item_l1 ON item USING sutra_hnsw (v embedding_l1_ops);
-- Half of the rows by insert.
INSERT INTO item SELECT i, vector_of(i, 16)::embedding(16) FROM generate_series(3001, 6000) AS i;

CREATE FUNCTION measure(operator text, k int) RETURNS TABLE (recall numeric, in_order boolean, uses_index boolean) LANGUAGE plpgsql AS $$
DECLARE
    query text := format('SELECT array_agg(id ORDER BY n), array_agg(d ORDER BY n) FROM (
        SELECT id, d, row_number() OVER () AS n FROM (SELECT id, v %s $1 AS d FROM item ORDER BY v %s $1 LIMIT %s) AS nearest) AS numbered', operator, operator, k);
    one record; plan text; wanted int[]; found int[]; distances float8[]; hits bigint := 0; total bigint := 0;
BEGIN
    in_order := true;
    FOR one IN SELECT * FROM question LOOP
        SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = on;
        EXECUTE query INTO wanted, distances USING one.v;
        SET LOCAL enable_indexscan = on; SET LOCAL enable_seqscan = off;
        EXECUTE query INTO found, distances USING one.v;
        hits := hits + (SELECT count(*) FROM unnest(found) AS f WHERE f = ANY (wanted));
        total := total + k;
        in_order := in_order AND distances = (SELECT array_agg(d ORDER BY d) FROM unnest(distances) AS d);
    END LOOP;
    EXECUTE format('EXPLAIN (FORMAT json) SELECT id FROM item ORDER BY v %s %L LIMIT 10', operator, one.v) INTO plan;
    uses_index := plan LIKE '%Index Scan%';
    recall := hits::numeric / total;
    RETURN NEXT;
END $$;

SELECT operator, recall > 0.9 AS recalls, in_order, uses_index
  FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) AS operator, measure(operator, 10);
SET sutra.ef_search = 400;
SELECT operator, recall > 0.98 AS recalls, in_order
  FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) AS operator, measure(operator, 10);
RESET sutra.ef_search;

-- Every index is sound, and knows every row.
SELECT i, (SELECT count(*) FROM sutra_index_check(i)) AS faults,
       (SELECT value FROM sutra_index_stats(i) WHERE name = 'rows') AS rows
  FROM unnest(ARRAY['item_l2', 'item_ip', 'item_cosine', 'item_l1']::regclass[]) AS i;

-- An index knows its own recall, and a wider search finds more.
SELECT i, sutra_index_recall(i) > 0.9 AS recalls FROM unnest(ARRAY['item_l2', 'item_cosine', 'item_l1']::regclass[]) AS i;
SET sutra.ef_search = 1;
SELECT sutra_index_recall('item_l2', 5, 50) BETWEEN 0 AND 0.5 AS finds_little;
SET sutra.ef_search = 2000;
SELECT sutra_index_recall('item_l2', 5, 50) > 0.99 AS finds_all;
RESET sutra.ef_search;
SELECT sutra_index_recall('item_l2', 0, 50);

-- A row's own vector is its nearest.
SET enable_seqscan = off;
SELECT count(*) FROM generate_series(1, 6000, 40) AS i, LATERAL (
    SELECT id FROM item ORDER BY v <-> vector_of(i, 16)::embedding(16) LIMIT 1) AS nearest WHERE nearest.id = i;

-- Without LIMIT the rows come in order and once; strict order may drop one that is found too late, relaxed order none.
SELECT count(*) >= 5990 AS nearly_all, count(*) = count(DISTINCT id) AS once FROM (SELECT id FROM item ORDER BY v <-> vector_of(0, 16)::embedding(16)) AS everything;
SET sutra.iterative_scan = relaxed_order;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM item ORDER BY v <-> vector_of(0, 16)::embedding(16)) AS everything;
RESET sutra.iterative_scan;
SELECT count(*) FROM (
    SELECT d < lag(d) OVER (ORDER BY n) AS falls FROM (
        SELECT d, row_number() OVER () AS n FROM (
            SELECT v <-> vector_of(0, 16)::embedding(16) AS d FROM item ORDER BY v <-> vector_of(0, 16)::embedding(16)) AS a) AS b) AS c
 WHERE falls;
DROP TABLE item, question;

-- Distances that differ by less than a code tells: whoever wants all rows still gets nearly all of them.
CREATE TABLE ring (id int, v embedding(8));
INSERT INTO ring SELECT i, (SELECT array_agg((vector_of(i, 8))[d] / norm * (1 + i * 1e-5) ORDER BY d)::embedding(8) FROM generate_series(1, 8) AS d)
  FROM generate_series(1, 3000) AS i, LATERAL (SELECT sqrt(sum(x * x)) AS norm FROM unnest(vector_of(i, 8)) AS x) AS n;
CREATE INDEX ON ring USING sutra_hnsw (v);
SET enable_seqscan = off;
SELECT count(*) > 2800 AS nearly_all, count(*) = count(DISTINCT id) AS once FROM (SELECT id FROM ring ORDER BY v <-> '[0,0,0,0,0,0,0,0]') AS everything;
RESET enable_seqscan;
DROP TABLE ring;
