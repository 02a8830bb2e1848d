-- Casts between embedding and arrays.
CREATE FUNCTION outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || left(SQLERRM, 60);
END
$$;

SELECT s.typname AS source, t.typname AS target, c.castcontext AS context, c.castmethod AS method
  FROM pg_cast AS c JOIN pg_type AS s ON s.oid = c.castsource JOIN pg_type AS t ON t.oid = c.casttarget
 WHERE 'embedding'::regtype IN (c.castsource, c.casttarget) AND 'vector' NOT IN (s.typname, t.typname)
 ORDER BY s.typname COLLATE "C", t.typname COLLATE "C";

-- From arrays.
SELECT given, outcome(format('SELECT (%s)::embedding', given)), outcome(format('SELECT (%s)::embedding(2)', given)) AS with_two_dimensions
  FROM (VALUES (1, 'ARRAY[1,2]'), (2, 'ARRAY[1,2,3]::real[]'), (3, 'ARRAY[1.5,-2]::double precision[]'), (4, 'ARRAY[1.25,2]'),
               (5, 'ARRAY[16777217,-2147483648]'), (6, '''[5:6]={1,2}''::int[]'), (7, '''{}''::real[]'), (8, 'ARRAY[[1,2]]'),
               (9, 'ARRAY[[1],[2]]::numeric[]'), (10, 'ARRAY[1,NULL]'), (11, 'ARRAY[NULL]::numeric[]'), (12, 'ARRAY[NULL,1]::real[]'),
               (13, 'ARRAY[1,''NaN'']::real[]'), (14, 'ARRAY[''NaN'']::double precision[]'), (15, 'ARRAY[''NaN'']::numeric[]'),
               (16, 'ARRAY[''-Infinity'']::real[]'), (17, 'ARRAY[''Infinity'']::numeric[]'), (18, 'ARRAY[1e300]::double precision[]'),
               (19, 'ARRAY[1e300]'), (20, 'ARRAY[1e-300]::double precision[]'), (21, 'NULL::real[]'), (22, 'array_fill(1, ARRAY[16001])'),
               (23, 'ARRAY[1,2]::smallint[]'), (24, 'ARRAY[''1'']'), (25, '(ARRAY[1,NULL,3])[1:1]')) AS source (number, given)
 ORDER BY number;
SELECT vector_dims(array_fill(1, ARRAY[16000])::embedding), vector_dims(array_fill(1.5, ARRAY[16000])::embedding);

-- To arrays.
SELECT v::real[], v::double precision[], v::numeric[], v::integer[] FROM (VALUES ('[1,2.5,-3.5,0.1,-0]'::embedding)) AS given (v);
SELECT outcome($$SELECT '[2147483520,-2147483648]'::embedding::integer[]$$), outcome($$SELECT '[2147483648]'::embedding::integer[]$$),
       outcome($$SELECT '[-3e38]'::embedding::integer[]$$);
SELECT array_ndims(a), array_lower(a, 1), array_upper(a, 1), a[2], a || 3::real FROM (SELECT '[1,2]'::embedding::real[]) AS given (a);
SELECT '{1,2}'::real[]::embedding::real[] = '{1,2}' AS real_round_trip,
       (SELECT array_agg(n::double precision / 7) FROM generate_series(1, 500) AS n)::embedding::real[]
       = (SELECT array_agg((n::double precision / 7)::real) FROM generate_series(1, 500) AS n) AS rounds_once;

-- On assignment every array is taken; elsewhere an array must be cast, and an embedding becomes real[] by itself.
CREATE TABLE item (v embedding(2), r real[], d double precision[], n numeric[], i integer[]);
INSERT INTO item (v) VALUES (ARRAY[1,2]), (ARRAY[1.5,2]), (ARRAY[1,2]::real[]), (ARRAY[1,2]::double precision[]);
SELECT outcome('INSERT INTO item (v) VALUES (ARRAY[1,2,3])');
UPDATE item SET r = v, d = v, n = v, i = v;
TABLE item;
SELECT outcome('SELECT cardinality(v) FROM item LIMIT 1') AS anyarray_takes_no_embedding;
SELECT outcome('SELECT v <-> ARRAY[1,2] FROM item LIMIT 1'), outcome('SELECT v <-> ARRAY[1,2]::embedding FROM item LIMIT 1');
CREATE FUNCTION first_of(real[]) RETURNS real LANGUAGE sql RETURN $1[1];
SELECT first_of(v) FROM item LIMIT 1;

-- Arrays that had to be detoasted.
CREATE TABLE stored AS SELECT array_agg(n)::real[] AS r, array_agg(n)::numeric[] AS n FROM generate_series(1, 15000) AS n;
SELECT r::embedding = n::embedding AS equal, l2_norm(r::embedding) AS norm, r::embedding::real[] = r AS round_trip FROM stored;
