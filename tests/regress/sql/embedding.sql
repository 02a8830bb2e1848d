-- The type embedding: text and binary form, type modifier, storage.
CREATE FUNCTION outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
    detail text;
    hint text;
BEGIN
    EXECUTE statement INTO result;
    RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' / ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END
$$;

-- Text that is read, and how it is written back.
SELECT literal, outcome(format('SELECT %L::embedding', literal))
  FROM (VALUES (1, '[1,2,3]'), (2, '[1]'), (3, E' [ 1 ,\t2\n,\x0b-3.5\f]\r'), (4, '[+1,-0,.5,5.]'), (5, '[1e3,1E-3,1.5e+2]'),
               (6, '[3.4028235e38,-3.4028235e38]'), (7, '[1.17549435e-38,1e-45,1e-50]'), (8, '[0.1,0.2,0.30000001]'),
               (9, '[100000,1000000,1e7,0.0001,0.00001]'), (10, '[0x10,0x1p-1]')) AS given (number, literal)
 ORDER BY number;

-- Text that is refused.
SELECT literal, outcome(format('SELECT %L::embedding', literal))
  FROM (VALUES (1, ''), (2, '['), (3, '[]'), (4, '[ ]'), (5, '[1'), (6, '[1,'), (7, '[1,]'), (8, '[,1]'), (9, '[1,,2]'),
               (10, '1,2'), (11, '{1,2}'), (12, '[1,2]3'), (13, '[1,2]]'), (14, '[[1,2]]'), (15, '[a]'), (16, '[1 2]'),
               (17, '[1;2]'), (18, '[--1]'), (19, '[1e]'), (20, '[.]'), (21, '[null]'), (22, '["1"]'), (23, '[１]'),
               (24, '[NaN]'), (25, '[1,nan]'), (26, '[Infinity]'), (27, '[1,-inf]'), (28, '[1e39]'), (29, '[1,-4e38]'),
               (30, '[1e1000000000000]'), (31, '[0x1p999]')) AS given (number, literal)
 ORDER BY number;
SELECT outcome(format('SELECT %L::embedding', '[' || repeat('x', 2000) || ']')) = '22P02 invalid input syntax for type embedding: "['
       || repeat('x', 999) || '..."' AS a_long_literal_is_shortened;

-- The number of dimensions.
SELECT vector_dims(('[' || repeat('1,', 15999) || '1]')::embedding);
SELECT outcome($$SELECT ('[' || repeat('1,', 16000) || '1]')::embedding$$);
SELECT outcome($$SELECT ('[' || repeat('1,', 5000000) || '1]')::embedding$$);

-- The type modifier.
SELECT given, outcome(format('SELECT %L::embedding(%s)', '[1,2,3]', given))
  FROM (VALUES (1, '3'), (2, '2'), (3, '16000'), (4, '16001'), (5, '0'), (6, '-1'), (7, '1,2'), (8, '''x'''), (9, '99999999999'))
       AS modifier (number, given)
 ORDER BY number;
CREATE TABLE item (id int PRIMARY KEY, v embedding(3), free embedding);
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attname IN ('v', 'free')
 ORDER BY attnum;
INSERT INTO item VALUES (1, '[1,2,3]', '[1]'), (2, NULL, NULL), (3, '[0,0,0]', '[1,2,3,4]');
SELECT outcome($$INSERT INTO item VALUES (4, '[1,2]', NULL)$$);
SELECT outcome($$INSERT INTO item SELECT 4, free, NULL FROM item WHERE id = 3$$);
SELECT outcome($$UPDATE item SET v = v || '[4]' WHERE id = 1$$);
UPDATE item SET free = v;
SELECT * FROM item ORDER BY id;
ALTER TABLE item ALTER COLUMN free TYPE embedding(3);
SELECT outcome($$ALTER TABLE item ALTER COLUMN v TYPE embedding(4)$$);
ALTER TABLE item ALTER COLUMN v TYPE embedding;
INSERT INTO item VALUES (4, '[1]', NULL);

-- The binary form is pgvector's: int16 dimensions, int16 zero, float4 values, big-endian.
SELECT embedding_send('[1,-2,0.5]');
SELECT octet_length(embedding_send(('[' || repeat('1,', 15999) || '1]')::embedding));

-- COPY as text, with a row that ends it.
COPY item (id, v) FROM stdin;
10	[1,2]
11	\N
\.
\set VERBOSITY terse
COPY item (id, v) FROM stdin;
12	[1,2]
13	[1,2,nan]
\.
\set VERBOSITY default
COPY (SELECT id, v FROM item WHERE id >= 10 ORDER BY id) TO stdout;

-- Layout: a header of 8 bytes, then the values; kept out of line where long, and never compressed unless asked.
SELECT typlen, typbyval, typalign, typstorage, typcategory, typispreferred, typdelim FROM pg_type WHERE typname = 'embedding';
SELECT pg_column_size('[1]'::embedding), pg_column_size('[1,2,3]'::embedding);
CREATE TABLE stored (id serial PRIMARY KEY, way text, v embedding);
ALTER TABLE stored ALTER COLUMN v SET STORAGE external;
INSERT INTO stored (way, v) SELECT 'short header', '[1,2,3]';
INSERT INTO stored (way, v) SELECT 'plain', array_fill(1, ARRAY[100])::embedding;
INSERT INTO stored (way, v) SELECT 'out of line', array_fill(1, ARRAY[16000])::embedding;
ALTER TABLE stored ALTER COLUMN v SET STORAGE main;
INSERT INTO stored (way, v) SELECT 'compressed', array_fill(1, ARRAY[4000])::embedding;
ALTER TABLE stored ALTER COLUMN v SET STORAGE extended;
INSERT INTO stored (way, v) SELECT 'compressed out of line', (array_fill(1, ARRAY[10000]) || array_agg(hashint4(n)))::embedding
  FROM generate_series(1, 5000) AS n;
SELECT way, vector_dims(v), pg_column_size(v) < 2 * vector_dims(v) AS compressed, v <-> v AS distance, v = v AS equal,
       v::text::embedding = v AS text_round_trip, subvector(v, 1, 3) AS first
  FROM stored ORDER BY id;
SELECT a.way, b.way, a.v <#> subvector(b.v, 1, vector_dims(a.v)) AS distance
  FROM stored AS a JOIN stored AS b ON a.id < b.id AND vector_dims(a.v) <= vector_dims(b.v) WHERE a.way <> 'compressed out of line'
 ORDER BY a.id, b.id;

-- As a value anywhere else: NULL, arrays, rows, variables, literals in a function.
SELECT NULL::embedding, NULL::embedding <-> '[1]' AS distance, embedding_add('[1]', NULL) AS sum;
SELECT ARRAY['[1,2]', '[3]', NULL]::embedding[] AS many, (ARRAY['[1,2]', '[3]']::embedding[])[2] AS one,
       ROW('[1,2]'::embedding, 1) AS pair;
SELECT array_agg(v ORDER BY id) FROM stored WHERE vector_dims(v) < 10;
CREATE FUNCTION through_a_variable(given embedding) RETURNS embedding LANGUAGE plpgsql AS $$
DECLARE
    held embedding := given;
BEGIN
    FOR n IN 1 .. 3 LOOP
        held := held + given;
    END LOOP;
    RETURN held;
END
$$;
SELECT through_a_variable('[1,2]'), l2_norm(through_a_variable(v)) FROM stored WHERE way = 'out of line';
SELECT to_jsonb('[1,2.5]'::embedding), jsonb_build_object('v', '[1]'::embedding);

-- An input function may be asked for an error instead of raising it; PostgreSQL 15 cannot ask, so there it raises.
CREATE FUNCTION refused(literal text, type text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    IF current_setting('server_version_num')::int < 160000 THEN
        RETURN left(outcome(format('SELECT %L::%s', literal, type)), 5);
    END IF;
    EXECUTE 'SELECT sql_error_code FROM pg_input_error_info($1, $2)' INTO result USING literal, type;
    RETURN result;
END
$$;
SELECT refused('[1', 'embedding'), refused('[1e99]', 'embedding'), refused('[nan]', 'embedding'), refused('[1,2]', 'embedding(3)'),
       refused('[]', 'embedding'), refused('0', 'concept_id');
