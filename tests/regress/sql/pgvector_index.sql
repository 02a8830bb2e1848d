-- Needs the extension vector. sutra_hnsw on a column of pgvector's type: its operators, its queries, no change to them.
SET client_min_messages = warning;
CREATE EXTENSION sutra_vector CASCADE;
SELECT extname, extversion = (SELECT extversion FROM pg_extension WHERE extname = 'sutra') AS same_version
  FROM pg_extension WHERE extname IN ('sutra', 'sutra_vector') ORDER BY 1;
SELECT pg_describe_object(classid, objid, objsubid) AS without_comment FROM pg_depend
 WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'sutra_vector') AND deptype = 'e' AND obj_description(objid, classid::regclass::name) IS NULL;
SELECT opcname, opcdefault, amvalidate(opclass.oid) FROM pg_opclass AS opclass JOIN pg_am ON pg_am.oid = opcmethod
 WHERE amname = 'sutra_hnsw' AND opcintype = 'vector'::regtype ORDER BY 1;

CREATE FUNCTION vector_of(seed int) RETURNS real[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg((hashint8extended(i, seed) % 1000000)::real / 1000000 ORDER BY i) FROM generate_series(1, 16) AS i
$$;
CREATE TABLE item (id int PRIMARY KEY, v vector(16));
INSERT INTO item SELECT i, vector_of(i)::vector(16) FROM generate_series(1, 3000) AS i;
CREATE INDEX item_l2 ON item USING sutra_hnsw (v vector_l2_ops);
CREATE INDEX item_ip ON item USING sutra_hnsw (v vector_ip_ops);
CREATE INDEX item_cosine ON item USING sutra_hnsw (v vector_cosine_ops) WITH (m = 12, ef_construction = 80);
CREATE INDEX item_l1 ON item USING sutra_hnsw (v vector_l1_ops);
INSERT INTO item SELECT i, vector_of(i)::vector(16) FROM generate_series(3001, 4000) AS i;
DELETE FROM item WHERE id % 10 = 0;
VACUUM ANALYZE item;
EXPLAIN (COSTS OFF) SELECT id FROM item ORDER BY v <=> '[1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8]' LIMIT 10;
CREATE FUNCTION measure(operator text) RETURNS TABLE (recall numeric, in_order boolean, uses_index boolean) LANGUAGE plpgsql AS $$
DECLARE
    query text := format('SELECT array_agg(id ORDER BY n), array_agg(d ORDER BY n) FROM (
        SELECT id, d, row_number() OVER () AS n FROM (SELECT id, v %1$s $1 AS d FROM item ORDER BY v %1$s $1 LIMIT 10) AS nearest) AS numbered', operator);
    plan text; wanted int[]; found int[]; distances float8[]; hits int := 0;
BEGIN
    in_order := true;
    FOR i IN 1..40 LOOP
        SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = on;
        EXECUTE query INTO wanted, distances USING vector_of(-i)::vector;
        SET LOCAL enable_indexscan = on; SET LOCAL enable_seqscan = off;
        EXECUTE query INTO found, distances USING vector_of(-i)::vector;
        hits := hits + (SELECT count(*) FROM unnest(found) AS f WHERE f = ANY (wanted));
        -- pgvector sums in float4: neighbours that are as near to six digits may change places.
        in_order := in_order AND (SELECT bool_and(d >= before - 1e-6) FROM (SELECT d, lag(d, 1, d) OVER (ORDER BY n) AS before FROM unnest(distances) WITH ORDINALITY AS u (d, n)) AS pairs);
    END LOOP;
    EXECUTE format('EXPLAIN (FORMAT json) SELECT id FROM item ORDER BY v %s %L LIMIT 10', operator, vector_of(0)::vector) INTO plan;
    uses_index := plan LIKE '%Index Scan%';
    recall := hits / 400.0;
    RETURN NEXT;
END $$;
SELECT operator, recall > 0.9 AS recalls, in_order, uses_index FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>']) AS operator, measure(operator);
SELECT i, (SELECT count(*) FROM sutra_index_check(i)) AS faults, (SELECT value FROM sutra_index_stats(i) WHERE name = 'rows') AS rows, sutra_index_recall(i, 10, 50) > 0.9 AS recalls
  FROM unnest(ARRAY['item_l2', 'item_ip', 'item_cosine', 'item_l1']::regclass[]) AS i;
-- A column without dimensions, and a type that can be cast.
CREATE TABLE loose (v vector, h halfvec(3));
INSERT INTO loose SELECT ARRAY[i, 1, 0]::vector, ARRAY[i, 1, 0]::vector::halfvec(3) FROM generate_series(1, 100) AS i;
CREATE INDEX ON loose USING sutra_hnsw (v vector_l2_ops);
CREATE INDEX loose_v ON loose USING sutra_hnsw ((v::vector(3)) vector_l2_ops);
CREATE INDEX loose_h ON loose USING sutra_hnsw ((h::vector(3)) vector_cosine_ops);
SET enable_seqscan = off;
SELECT v FROM loose ORDER BY v::vector(3) <-> '[40,1,0]' LIMIT 1;
SELECT h FROM loose ORDER BY h::vector(3) <=> '[40,1,0]' LIMIT 1;
RESET enable_seqscan;

-- The types take each other's values on assignment, and nowhere else.
CREATE TABLE other (e embedding(16), v vector(16));
INSERT INTO other (e) SELECT v FROM item WHERE id = 1;
UPDATE other SET v = e;
SELECT v = (SELECT v FROM item WHERE id = 1) AS same, e::vector = v AS same_by_cast, v::embedding = e AS and_back FROM other;
\set VERBOSITY terse
INSERT INTO other (e) SELECT '[1,2]'::vector;
SELECT e <-> v FROM other;
SELECT l2_distance(e, v) FROM other;
CREATE INDEX ON item USING sutra_hnsw (v);
CREATE INDEX ON item USING sutra_hnsw (v embedding_l2_ops);
CREATE INDEX ON other USING sutra_hnsw (e vector_l2_ops);
DROP EXTENSION sutra_vector;
DROP EXTENSION vector;
\set VERBOSITY default

-- Elsewhere: the extensions in schemas of their own, with objects of the same names in front.
DROP TABLE item, loose, other;
DROP EXTENSION sutra_vector;
DROP EXTENSION vector;
CREATE SCHEMA vectors; CREATE SCHEMA classes; CREATE SCHEMA trap;
CREATE EXTENSION vector SCHEMA vectors;
CREATE FUNCTION trap.sutra_hnsw_l2(internal) RETURNS int LANGUAGE c IMMUTABLE STRICT AS '$libdir/sutra', 'sutra_hnsw_l1_wrapper';
CREATE DOMAIN trap.embedding AS text;
CREATE DOMAIN trap.vector AS text;
SET search_path = trap, public;
CREATE EXTENSION sutra_vector SCHEMA classes;
CREATE TABLE public.item (v vectors.vector(3));
INSERT INTO public.item VALUES ('[1,2,3]'), ('[4,4,4]');
CREATE INDEX ON public.item USING sutra_hnsw (v classes.vector_l2_ops);
SELECT amproc::regproc FROM pg_amproc JOIN pg_opfamily AS f ON f.oid = amprocfamily WHERE opfname = 'vector_l2_ops' AND opfmethod = (SELECT oid FROM pg_am WHERE amname = 'sutra_hnsw');
SELECT v FROM public.item ORDER BY v OPERATOR(vectors.<->) '[4,4,3]' LIMIT 1;
ALTER EXTENSION sutra_vector SET SCHEMA vectors;
CREATE INDEX ON public.item USING sutra_hnsw (v vectors.vector_l1_ops);
DROP TABLE public.item;
