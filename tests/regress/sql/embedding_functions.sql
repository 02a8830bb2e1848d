-- Distances, properties, parts and arithmetic of embedding.
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

-- Distances; the second row overflows float4, the third has no direction.
SELECT a, b, a <-> b AS l2, l2_distance(a, b), embedding_l2_squared_distance(a, b) AS l2_squared,
       a <#> b AS negative_ip, inner_product(a, b), embedding_negative_inner_product(a, b) AS negative_ip_function,
       a <=> b AS cosine, cosine_distance(a, b), a <+> b AS l1, l1_distance(a, b)
  FROM (VALUES (1, '[1,2,2]'::embedding, '[1,2,5]'::embedding), (2, '[3e38]', '[-3e38]'), (3, '[0,0]', '[3,4]'), (4, '[1,1]', '[-1,-1]'),
               (5, '[1,2]', '[2,4]'), (6, '[1,0]', '[0,7]')) AS pair (number, a, b)
 ORDER BY number;
SELECT operator, outcome(format('SELECT %L::embedding %s %L', '[1,2,3]', operator, '[1,2]'))
  FROM unnest(ARRAY['<->', '<#>', '<=>', '<+>', '+', '-', '*', '||', '=', '<']) WITH ORDINALITY AS given (operator, number)
 ORDER BY number;

-- Long vectors: every length around the width of the registers, sums that are exact in float4.
SELECT bool_and(v <-> w = sqrt(n * 4) AND v <+> w = n * 2 AND v <#> w = -n * 3 AND abs((v <=> v)) < 1e-6) AS exact
  FROM generate_series(1, 200) AS n,
       LATERAL (SELECT array_fill(1, ARRAY[n])::embedding AS v, array_fill(3, ARRAY[n])::embedding AS w) AS vectors;
SELECT l2_norm(v), v <-> v AS self, v <#> v AS negative_ip
  FROM (SELECT array_fill(0.5, ARRAY[16000])::embedding) AS given (v);

-- Properties.
SELECT vector_dims('[1,2,3]'::embedding), l2_norm('[3,4]'::embedding), l2_norm('[0]'::embedding),
       l2_norm('[3e38,4e37]'::embedding) > 3e38 AS no_overflow;
SELECT l2_normalize('[3,4]'::embedding), l2_normalize('[0,0]'::embedding), l2_normalize('[3e38]'::embedding),
       l2_normalize('[-5]'::embedding);

-- Parts: counted from 1 and cut to what is there, as substring does.
SELECT start, count, outcome(format('SELECT subvector(%L::embedding, %s, %s)', '[1,2,3,4,5]', start, count))
  FROM (VALUES (1, 1, 3), (2, 3, 2), (3, 4, 100), (4, -1, 4), (5, 0, 2), (6, 6, 1), (7, 3, 0), (8, 3, -1), (9, -5, 3),
               (10, 2147483647, 2147483647), (11, 2, 2147483647), (12, -2147483648, 2147483647),
               (13, -2147483648, -2147483648), (14, 1, -2147483648)) AS part (number, start, count)
 ORDER BY number;

-- Arithmetic.
SELECT '[1,2,3]'::embedding + '[4,5,6]' AS sum, '[1,2,3]'::embedding - '[4,5,7]' AS difference,
       '[1,2,3]'::embedding * '[4,5,6]' AS product, '[1,2]'::embedding || '[3]' AS joined;
SELECT outcome($$SELECT '[3e38]'::embedding + '[3e38]'$$), outcome($$SELECT '[-3e38]'::embedding - '[3e38]'$$),
       outcome($$SELECT '[1e37]'::embedding * '[1e37]'$$), outcome($$SELECT '[1e-37]'::embedding * '[1e-37]'$$),
       outcome($$SELECT '[0]'::embedding * '[1e-37]'$$);
SELECT outcome($$SELECT array_fill(1, ARRAY[16000])::embedding || '[1]'$$),
       vector_dims(array_fill(1, ARRAY[15999])::embedding || '[1]');

-- The planner and the rest of the system know the operators by these properties.
SELECT o.oprname, c.oprname AS commutator, n.oprname AS negator, o.oprrest, o.oprjoin, o.oprcanmerge AS merges, o.oprcanhash AS hashes
  FROM pg_operator AS o
  LEFT JOIN pg_operator AS c ON c.oid = o.oprcom
  LEFT JOIN pg_operator AS n ON n.oid = o.oprnegate
 WHERE o.oprleft = 'embedding'::regtype AND o.oprright = 'embedding'::regtype
 ORDER BY o.oprname COLLATE "C";
SELECT count(*) > 40 AS found, bool_and(p.provolatile = 'i') AS immutable, bool_and(p.proisstrict) AS strict,
       bool_and(p.proparallel = 's') AS parallel_safe
  FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
 WHERE p.prokind = 'f' AND p.pronamespace <> 'sutra'::regnamespace
   AND p.proname ~ '^(embedding|vector|array_to_embedding|subvector|l1|l2|cosine|inner)';
