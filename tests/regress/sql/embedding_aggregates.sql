-- avg and sum of embedding.
CREATE FUNCTION outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

CREATE TABLE item (id int, kind int, v embedding);
INSERT INTO item SELECT n, n % 3, ARRAY[n, n % 5, -n]::embedding FROM generate_series(1, 9999) AS n;
SELECT avg(v), sum(v), count(v) FROM item;
SELECT kind, avg(v), sum(v) FROM item GROUP BY kind ORDER BY kind;
SELECT avg(v), sum(v) FROM item WHERE false;
SELECT avg(v), sum(v) FROM (VALUES ('[1,2]'::embedding), (NULL), ('[3,5]')) AS given (v);
SELECT avg(v), sum(v) FROM (VALUES (NULL::embedding)) AS given (v);
SELECT avg(v), sum(v) FROM (VALUES ('[-0]'::embedding)) AS given (v);
SELECT avg(DISTINCT v), sum(v) FILTER (WHERE id < 3) FROM item WHERE id IN (1, 2, 9);
SELECT id, avg(v) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),
       sum(v) OVER (ORDER BY id)
  FROM item WHERE id <= 3 ORDER BY id;

-- The sums are kept in double precision: their average is in range even where their sum is not, and small values count.
SELECT avg(v) FROM (VALUES ('[3e38]'::embedding), ('[3e38]'), ('[3e38]')) AS given (v);
SELECT outcome($$SELECT sum(v) FROM (VALUES ('[3e38]'::embedding), ('[3e38]')) AS given (v)$$);
SELECT outcome($$SELECT sum(v) FROM (VALUES ('[3e38]'::embedding), ('[3e38]'), ('[-3e38]')) AS given (v)$$);
SELECT sum(v) FROM (VALUES ('[16777216]'::embedding), ('[1]'), ('[1]'), ('[-16777216]')) AS given (v);
SELECT outcome($$SELECT avg(v) FROM (VALUES ('[1,2]'::embedding), ('[1]')) AS given (v)$$);
SELECT outcome($$SELECT sum(v) FROM (VALUES ('[1,2]'::embedding), ('[1,2,3]')) AS given (v)$$);
SELECT vector_dims(avg(v)), l2_norm(sum(v)) FROM (SELECT array_fill(n, ARRAY[16000])::embedding FROM generate_series(3, 5) AS n) AS given (v);

-- In parallel, each process a part.
CREATE TABLE many AS SELECT n AS id, ARRAY[n, 1]::embedding AS v FROM generate_series(1, 20000) AS n;
ALTER TABLE many SET (parallel_workers = 2);
ANALYZE many;
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
EXPLAIN (COSTS OFF) SELECT avg(v), sum(v) FROM many;
SELECT avg(v), sum(v) FROM many;
SELECT id % 2 AS rest, avg(v) FROM many GROUP BY 1 ORDER BY 1;
SELECT avg(v), sum(v) FROM many WHERE id < 0;

-- The support functions may be called by anyone with anything.
SELECT embedding_accum('{0}', '[1,2]'), embedding_accum('{1,1,2}', '[1,2]'), embedding_combine('{0}', '{0}'),
       embedding_combine('{0}', '{2,3,4}'), embedding_combine('{2,3,4}', '{0}'), embedding_combine('{1,3,4}', '{2,3,4}');
SELECT state, outcome(format('SELECT embedding_accum(%L, %L)', state, '[1,2]')), outcome(format('SELECT embedding_avg(%L)', state)),
       outcome(format('SELECT embedding_combine(%L, %L)', '{2,3,4}', state))
  FROM (VALUES (1, '{}'), (2, '{NULL}'), (3, '{1,NULL,1}'), (4, '{{1,2,3}}'), (5, '{1}'), (6, '{1,2}'), (7, '{1,NaN,1}'),
               (8, '{1,Infinity,1}'), (9, '{1,1e308,1}'), (10, '{0,1,1}'), (11, '{NaN,1,1}')) AS given (number, state)
 ORDER BY number;
WITH state (constant) AS (VALUES ('{1,1,2}'::double precision[]))
SELECT embedding_accum(constant, '[1,2]'), embedding_accum(constant, '[1,2]') AS argument_unchanged FROM state;
