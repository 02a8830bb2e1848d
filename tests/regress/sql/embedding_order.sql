-- Comparison of embedding: operators, sorting, btree and hash indexes, joins, grouping, partitions.
-- Dimension by dimension, a prefix first; 0 equals -0.
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, embedding_cmp(a, b) AS cmp,
       (embedding_hash(a) = embedding_hash(b)) AS same_hash, embedding_hash_extended(a, 7) = embedding_hash_extended(b, 7) AS same_extended
  FROM (VALUES (1, '[1,2]'::embedding, '[1,2]'::embedding), (2, '[1,2]', '[1,3]'), (3, '[1,2]', '[1,2,0]'), (4, '[2]', '[1,9]'),
               (5, '[0,1]', '[-0,1]'), (6, '[-1]', '[1]'), (7, '[1e-45]', '[0]')) AS pair (number, a, b)
 ORDER BY number;
SELECT embedding_hash_extended('[1,2]', 0) <> embedding_hash_extended('[1,2]', 1) AS seed_matters,
       embedding_hash('[1,2]') <> embedding_hash('[2,1]') AS order_matters,
       embedding_hash_extended('[1,2]', 0)::bit(64)::bit(64) << 32 = (embedding_hash('[1,2]')::bigint)::bit(64) << 32 AS seed_0_agrees;
SELECT opcname, amname, amvalidate(c.oid), opcdefault
  FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = c.opcmethod
 WHERE opcintype = 'embedding'::regtype AND amname IN ('btree', 'hash')
 ORDER BY amname;

CREATE TABLE item AS
    SELECT n AS id, ARRAY[n % 10, n % 7, -n]::embedding AS v FROM generate_series(1, 2000) AS n;
INSERT INTO item VALUES (2001, NULL), (2002, '[0]'), (2003, '[-0]');
SELECT id, v FROM item ORDER BY v LIMIT 3;
SELECT id, v FROM item ORDER BY v DESC NULLS LAST LIMIT 3;
SELECT count(*), count(DISTINCT v), min(id) FROM item;

CREATE INDEX item_btree ON item (v);
CREATE INDEX item_hash ON item USING hash (v);
ANALYZE item;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT id FROM item WHERE v < '[0,0,-1900]' ORDER BY v;
SELECT count(*) FROM item WHERE v < '[0,0,-1900]';
SELECT id FROM item WHERE v = '[0]' ORDER BY id;
DROP INDEX item_btree;
EXPLAIN (COSTS OFF) SELECT id FROM item WHERE v = '[3,4,-1243]';
SELECT id FROM item WHERE v = '[3,4,-1243]';
SELECT id FROM item WHERE v = '[-0]' ORDER BY id;
RESET enable_seqscan;
RESET enable_bitmapscan;
SELECT count(*) FROM item WHERE v < '[0,0,-1900]';

SET enable_nestloop = off;
SET enable_mergejoin = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM item AS a JOIN item AS b USING (v);
SELECT count(*) FROM item AS a JOIN item AS b USING (v);
SET enable_mergejoin = on;
SET enable_hashjoin = off;
SELECT count(*) FROM item AS a JOIN item AS b USING (v);
RESET enable_nestloop;
RESET enable_hashjoin;
SET enable_hashagg = off;
SELECT count(*) FROM (SELECT v FROM item GROUP BY v) AS groups;
SET enable_hashagg = on;
SET enable_sort = off;
SELECT count(*) FROM (SELECT v FROM item GROUP BY v) AS groups;
RESET enable_hashagg;
RESET enable_sort;

-- Unique, with a value too long for an index row.
CREATE TABLE only_once (v embedding UNIQUE);
INSERT INTO only_once VALUES ('[0,1]'), ('[0,2]');
\set VERBOSITY terse
INSERT INTO only_once VALUES ('[-0,1]');
\set VERBOSITY sqlstate
INSERT INTO only_once SELECT array_agg(random())::embedding FROM generate_series(1, 1000);
\set VERBOSITY default

CREATE TABLE parted (id int, v embedding) PARTITION BY HASH (v);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO parted SELECT id, v FROM item WHERE v IS NOT NULL;
SELECT count(*) = 2002 AS all_here, count(*) FILTER (WHERE tableoid = 'parted_0'::regclass) BETWEEN 800 AND 1200 AS spread,
       count(DISTINCT tableoid) FILTER (WHERE v = '[0]') AS partitions_of_zero
  FROM parted;
