-- The type concept_id.
CREATE FUNCTION outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    hint text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' / ', SQLSTATE || ' ' || SQLERRM, nullif(hint, ''));
END
$$;

SELECT literal, outcome(format('SELECT %L::concept_id', literal))
  FROM (VALUES (1, '0123456789abcdef'), (2, '0123456789ABCDEF'), (3, 'ffffffffffffffff'), (4, '0000000000000000'), (5, ''),
               (6, '0123456789abcde'), (7, '0123456789abcdef0'), (8, '0123456789abcdeg'), (9, ' 123456789abcdef'),
               (10, '+123456789abcdef'), (11, '0x23456789abcdef'), (12, '-000000000000001'), (13, 'é123456789abcde')) AS given (number, literal)
 ORDER BY number;
SELECT length(outcome(format('SELECT %L::concept_id', repeat('f', 100000)))) < 1200 AS a_long_literal_is_shortened;
SELECT typlen, typbyval, typalign, typstorage, typcategory, typispreferred FROM pg_type WHERE typname = 'concept_id';
SELECT concept_id_send('0123456789abcdef');

-- Order is that of the digits, also where a signed number would be negative.
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, concept_id_cmp(a, b) AS cmp
  FROM (VALUES (1, '7fffffffffffffff'::concept_id, '8000000000000000'::concept_id), (2, '0000000000000001', '0000000000000001'),
               (3, 'ffffffffffffffff', '0000000000000000')) AS pair (number, a, b)
 ORDER BY number;

-- Casts: text as for any type, bigint by request only.
SELECT 'ffffffffffffffff'::concept_id::bigint, (-2)::bigint::concept_id, 'FF00000000000000'::text::concept_id::text, 255::bigint::concept_id;
SELECT outcome($$SELECT '0000000000000001'::concept_id = 1::bigint$$), outcome('SELECT 1::concept_id');
CREATE TABLE numbers (n bigint, id concept_id);
SELECT outcome($$INSERT INTO numbers (n) VALUES ('0000000000000001'::concept_id)$$), outcome('INSERT INTO numbers (id) VALUES (1::bigint)');
SELECT s.typname AS source, t.typname AS target, c.castcontext AS context, c.castmethod AS method
  FROM pg_cast AS c JOIN pg_type AS s ON s.oid = c.castsource JOIN pg_type AS t ON t.oid = c.casttarget
 WHERE 'concept_id'::regtype IN (c.castsource, c.casttarget) ORDER BY s.typname COLLATE "C";

SELECT opcname, amname, amvalidate(c.oid), opcdefault
  FROM pg_opclass AS c JOIN pg_am AS a ON a.oid = c.opcmethod
 WHERE opcintype = 'concept_id'::regtype ORDER BY amname;
SELECT o.oprname, c.oprname AS commutator, n.oprname AS negator, o.oprrest, o.oprjoin, o.oprcanmerge AS merges, o.oprcanhash AS hashes
  FROM pg_operator AS o JOIN pg_operator AS c ON c.oid = o.oprcom JOIN pg_operator AS n ON n.oid = o.oprnegate
 WHERE o.oprleft = 'concept_id'::regtype ORDER BY o.oprname COLLATE "C";
SELECT count(*) > 10 AS found, bool_and(p.provolatile = 'i') AS immutable, bool_and(p.proisstrict) AS strict,
       bool_and(p.proparallel = 's') AS parallel_safe
  FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
 WHERE p.prokind = 'f' AND p.proname ~ '^concept_id';

-- In tables: sorted, indexed, joined, counted.
CREATE TABLE item AS
    SELECT n, ('x' || md5(n::text))::bit(64)::bigint::concept_id AS id FROM generate_series(1, 5000) AS n;
INSERT INTO item VALUES (0, NULL);
SELECT n FROM item WHERE id IS NOT NULL ORDER BY id LIMIT 5;
SELECT bool_and(id::text = substr(md5(n::text), 1, 16)) AS printed_as_digits,
       (SELECT array_agg(n ORDER BY id) FROM item) = (SELECT array_agg(n ORDER BY id::text COLLATE "C") FROM item) AS same_order_as_digits
  FROM item;
SELECT min(id), max(id), min(id) FILTER (WHERE n = 1), max(id) FILTER (WHERE n < 0) FROM item;
CREATE UNIQUE INDEX item_btree ON item (id);
ANALYZE item;
SELECT min(id), max(id) FROM item;
EXPLAIN (COSTS OFF) SELECT n FROM item WHERE id = 'c4ca4238a0b92382';
SELECT n FROM item WHERE id = 'c4ca4238a0b92382';
SELECT count(*) FROM item WHERE id < '8000000000000000';
\set VERBOSITY terse
INSERT INTO item VALUES (1, 'c4ca4238a0b92382');
\set VERBOSITY default
DROP INDEX item_btree;
SELECT count(*) FROM item WHERE id < '8000000000000000';
CREATE INDEX item_hash ON item USING hash (id);
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS OFF) SELECT n FROM item WHERE id = 'c4ca4238a0b92382';
SELECT n FROM item WHERE id = 'c4ca4238a0b92382';
RESET enable_seqscan;
RESET enable_bitmapscan;
EXPLAIN (COSTS OFF) SELECT count(*) FROM item AS a JOIN item AS b USING (id);
SELECT count(*) FROM item AS a JOIN item AS b USING (id);
SELECT count(DISTINCT concept_id_hash(id)) > 4990 AS hash_spreads, count(DISTINCT concept_id_hash_extended(id, 0)) = 5000 AS extended_spreads,
       bool_or(concept_id_hash_extended(id, 0) <> concept_id_hash_extended(id, 1)) AS seed_matters
  FROM item WHERE id IS NOT NULL;

-- Equal values are kept once in a btree.
CREATE TABLE repeated AS SELECT ('00000000000000' || to_char(n % 10, 'FM00'))::concept_id AS id FROM generate_series(1, 20000) AS n;
CREATE INDEX ON repeated (id);
SELECT pg_relation_size('repeated_id_idx') < pg_relation_size('repeated') / 2 AS deduplicated;
SELECT id, count(*) FROM repeated GROUP BY id ORDER BY id LIMIT 2;

SELECT NULL::concept_id, ARRAY['0000000000000001', NULL]::concept_id[], ROW('0000000000000001'::concept_id), NULL::concept_id < '0000000000000001' AS lt;
