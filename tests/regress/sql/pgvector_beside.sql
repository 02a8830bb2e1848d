-- Needs the extension vector. SQL of pgvector means the same with sutra, and with sutra_vector, in the same schema.
SET client_min_messages = warning;
DROP EXTENSION sutra;
CREATE EXTENSION vector;
CREATE FUNCTION meaning(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
    EXECUTE format('SELECT pg_typeof(%1$s) || '' '' || coalesce((%1$s)::text, ''null'') FROM stored', expression) INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE TABLE stored (vector vector(3), halfvec halfvec(3), sparsevec sparsevec(3));
INSERT INTO stored VALUES ('[1,2,3]', '[1,2,3]', '{1:1,2:2}/3');

-- Every function and operator of pgvector, with each of its arguments a column, a typed literal or a literal of unknown type.
CREATE TABLE expression (text text PRIMARY KEY, alone text, beside text, joined text);
CREATE FUNCTION argument(type text, form text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN form = 'column' AND type IN ('vector', 'halfvec', 'sparsevec') THEN 'stored.' || type
                WHEN form = 'unknown' THEN literal ELSE format('%s::%s', literal, type) END
      FROM (SELECT quote_literal(CASE
          WHEN type IN ('vector', 'halfvec') THEN '[3,4,0]' WHEN type = 'sparsevec' THEN '{1:3,3:4}/3' WHEN type LIKE '%[]' THEN '{3,4,0}'
          WHEN type = 'boolean' THEN 'true' WHEN type LIKE 'bit%' THEN '101' ELSE '1' END)) AS chosen (literal)
$$;
CREATE VIEW pgvector_object AS
    SELECT proname AS name, NULL AS operator, ARRAY(SELECT format_type(t, NULL) FROM unnest(proargtypes) WITH ORDINALITY AS a (t, n) ORDER BY n) AS types
      FROM pg_proc JOIN pg_depend ON objid = pg_proc.oid AND classid = 'pg_proc'::regclass AND deptype = 'e'
     WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vector')
       AND NOT proargtypes::oid[] && ARRAY['internal'::regtype, 'cstring'::regtype, 'cstring[]'::regtype]::oid[]
    UNION ALL
    SELECT oprname, oprname, ARRAY[format_type(oprleft, NULL), format_type(oprright, NULL)]
      FROM pg_operator JOIN pg_depend ON objid = pg_operator.oid AND classid = 'pg_operator'::regclass AND deptype = 'e'
     WHERE refobjid = (SELECT oid FROM pg_extension WHERE extname = 'vector');
INSERT INTO expression (text)
    SELECT DISTINCT CASE WHEN operator IS NULL THEN format('%I(%s)', name, array_to_string(arguments, ', ')) ELSE array_to_string(arguments, ' ' || operator || ' ') END
      FROM pgvector_object, unnest(ARRAY['column', 'unknown', 'typed']) AS first, unnest(ARRAY['column', 'unknown', 'typed']) AS rest,
           LATERAL (SELECT ARRAY(SELECT argument(t, CASE WHEN n = 1 THEN first ELSE rest END) FROM unnest(types) WITH ORDINALITY AS a (t, n) ORDER BY n)) AS made (arguments)
     WHERE types <> '{}';
INSERT INTO expression (text) VALUES
    ('''[1,2,3]''::vector::real[]'), ('ARRAY[1,2,3]::vector'), ('vector(''[1,2,3]'')'), ('stored.vector = ''[1,2,3]'''), ('stored.vector <-> ARRAY[1,2,3]'),
    ('stored.vector <-> ARRAY[1,2,3]::real[]'), ('stored.vector || ''[1]'''), ('''[1]'' || ''[2]'''), ('stored.vector::halfvec(3)'), ('greatest(stored.vector, ''[4,1,1]'')'),
    ('ARRAY[stored.vector, ''[1,1,1]'']'), ('coalesce(stored.vector, ''[1,1,1]'')'), ('CASE WHEN true THEN stored.vector ELSE ''[1,1,1]'' END');
UPDATE expression SET alone = meaning(text);
-- They are many, and most of them mean something.
SELECT count(*) > 300 AS many, count(*) FILTER (WHERE alone !~ '^[0-9A-Z]{5} ') > 250 AS mean_something FROM expression;
CREATE EXTENSION sutra;
UPDATE expression SET beside = meaning(text);
SELECT text, alone, beside FROM expression WHERE alone IS DISTINCT FROM beside ORDER BY text;
CREATE EXTENSION sutra_vector;
UPDATE expression SET joined = meaning(text);
SELECT text, alone, joined FROM expression WHERE alone IS DISTINCT FROM joined ORDER BY text;
-- And what the untyped ones are.
SELECT meaning('vector_norm(''[3,4]'')') AS norm, meaning('stored.vector <-> ''[1,2,4]''') AS distance, meaning('l2_distance(stored.vector, ''[1,2,4]'')') AS l2;
DROP EXTENSION sutra CASCADE;
