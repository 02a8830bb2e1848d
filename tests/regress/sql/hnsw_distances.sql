-- Distances at the edge of what a code can tell: large components beside small differences, overflow, and two distances to order by.
SET client_min_messages = warning;
SET enable_seqscan = off;

-- One component outweighs all others, so the rounding of the norms is larger than what tells the rows apart.
CREATE TABLE offset_row (id int PRIMARY KEY, v embedding(2));
INSERT INTO offset_row VALUES (1, '[913.5,0.0032315620]'), (2, '[913.5,0.0401721299]');
CREATE INDEX offset_row_v ON offset_row USING sutra_hnsw (v embedding_l2_ops);
SELECT id FROM offset_row ORDER BY v <-> '[913.5,0.0032315620]' LIMIT 1;
SELECT id FROM offset_row ORDER BY v <-> '[913.5,0.0032315620]' LIMIT 2;
SELECT id FROM offset_row ORDER BY v <-> '[913.5,0.0401721299]' LIMIT 2;
INSERT INTO offset_row SELECT i, ARRAY[2000, sin(i * 7) / 20]::real[]::embedding(2) FROM generate_series(3, 1002) AS i;
SELECT count(*) FROM offset_row AS one, LATERAL (SELECT v FROM offset_row AS near ORDER BY near.v <-> one.v LIMIT 1) AS nearest WHERE nearest.v <> one.v;
SET sutra.iterative_scan = strict_order;
SELECT count(*) FROM offset_row AS one, LATERAL (SELECT v FROM offset_row AS near ORDER BY near.v <-> one.v LIMIT 1) AS nearest WHERE nearest.v <> one.v;
RESET sutra.iterative_scan;

-- A distance that overflows to NaN comes last, as without the index.
CREATE TABLE huge (id int PRIMARY KEY, v embedding(2));
INSERT INTO huge VALUES (1, '[1e20,1e20]'), (2, '[1,0]'), (3, '[0,1]');
CREATE INDEX huge_v ON huge USING sutra_hnsw (v embedding_cosine_ops);
SELECT id, v <=> '[1e20,1e20]' FROM huge ORDER BY v <=> '[1e20,1e20]', id;
SELECT id FROM (SELECT id FROM huge ORDER BY v <=> '[1e20,1e20]' LIMIT 3) AS nearest OFFSET 2;

-- The index orders by one distance: by two, the rows are sorted.
SELECT id FROM offset_row WHERE id < 3 ORDER BY v <-> '[913.5,0]', v <-> '[0,0]' LIMIT 1;
CREATE FUNCTION uses_index(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE plan text; BEGIN EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan; RETURN plan LIKE '%offset_row_v%'; END $$;
SELECT uses_index($$SELECT id FROM offset_row ORDER BY v <-> '[1,0]' LIMIT 5$$) AS one,
       uses_index($$SELECT id FROM offset_row ORDER BY v <-> '[1,0]', v <-> '[0,1]' LIMIT 5$$) AS two;
DROP FUNCTION uses_index;
DROP TABLE offset_row, huge;
