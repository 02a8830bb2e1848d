-- Text to vectors with the real model, the table of a model's vectors, and what is refused.
-- Not shown are the vectors themselves: their last digits depend on the processor.

-- What a statement raises, in full; "nothing" where it raises no error.
CREATE FUNCTION complaint(statement text) RETURNS TABLE (code text, message text, detail text, hint text)
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    message := 'nothing';
    RETURN NEXT;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
        detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN NEXT;
END $$;
\pset expanded on

-- One text, several texts, a model by name: the same vectors, in order, of length 1.
SELECT vector_dims(e) AS dimensions, round(l2_norm(e)::numeric, 5) AS norm
FROM sutra_embed('Apple Inc (AAPL) closed at 180.99 on 2025-11-06.') AS e;
SELECT bool_and(cosine_distance(e, sutra_embed(t)) < 1e-6) AS same_one_by_one,
    bool_and(cosine_distance(e, sutra_embed(t, 'all-MiniLM-L6-v2')) < 1e-6) AS same_by_name,
    bool_and(abs(l2_norm(e) - 1) < 1e-5) AS length_one, count(*)
FROM (SELECT array_agg(left(repeat('The market of day ' || n || ' rose. ', n), 2000) ORDER BY n) AS texts
      FROM generate_series(1, 20) AS n) AS input,
    unnest(texts, sutra_embed(texts)) AS pair (t, e);
SELECT sutra_embed('{}'::text[]) AS empty_array, sutra_embed(NULL::text) AS null_text, sutra_embed('a', NULL) AS null_model;

-- What means the same is nearer.
SELECT t AS nearest
FROM unnest(ARRAY['a recipe for bread', 'AAPL shares gained three percent', 'the weather in Norway']) AS t
ORDER BY sutra_embed(t) <=> sutra_embed('How did the price of Apple''s stock develop?') LIMIT 1;

-- Quotes, emoji, scripts; a text of 1 MB counts as far as the model reads.
SELECT vector_dims(sutra_embed(t)) AS dimensions, count(*)
FROM unnest(ARRAY['O''Brien said "no" \ yes', '😀', '日本の株価', E'tab\tand\nline']) AS t GROUP BY 1;
SELECT cosine_distance(sutra_embed(repeat('market news ', 100000)), sutra_embed(repeat('market news ', 200))) < 1e-6 AS reads_the_beginning;

-- The cache changes no vector, whatever its size.
SET sutra.embedding_cache = 0;
SELECT sutra_embed('cached or not')::text AS uncached \gset
RESET sutra.embedding_cache;
SELECT sutra_embed('cached or not')::text = :'uncached' AS first, sutra_embed('cached or not')::text = :'uncached' AS again;

-- More threads: the same vector.
SET sutra.embedding_threads = 2;
SELECT cosine_distance(sutra_embed('cached or not'), :'uncached') < 1e-6 AS same;
RESET sutra.embedding_threads;

SELECT * FROM complaint($$SELECT sutra_embed('')$$);
SELECT * FROM complaint($$SELECT sutra_embed(E' \t\n')$$);
SELECT * FROM complaint($$SELECT sutra_embed(ARRAY['one', '   '])$$);
SELECT * FROM complaint($$SELECT sutra_embed(ARRAY['one', NULL])$$);
SELECT * FROM complaint($$SELECT sutra_embed('a', '../../../etc')$$);
SELECT * FROM complaint($$SELECT sutra_embed('a', '')$$);
SELECT * FROM complaint($$SELECT sutra_embed('a', repeat('m', 64))$$);
SELECT code, message, hint FROM complaint($$SELECT sutra_embed('a', 'no-such-model')$$);
SELECT * FROM complaint($$SELECT sutra.make_vector_table('x"; DROP TABLE sutra.model')$$);

SET sutra.model = 'a/b';
SELECT * FROM complaint($$SELECT sutra_embed('a')$$);
RESET sutra.model;
SET sutra.model_folder = '/nonexistent';
SELECT * FROM complaint($$SELECT sutra_embed('a')$$);
SELECT count(*) AS models FROM sutra.models;
RESET sutra.model_folder;
SET sutra.runtime_library = '/nonexistent/libonnxruntime.so';
SELECT * FROM complaint($$SELECT sutra_embed('a')$$);

-- A new session, in which no library is loaded yet.
\connect
\pset expanded on
SET sutra.runtime_library = 'libonnxruntime.so';
SELECT * FROM complaint($$SELECT sutra_embed('a')$$);
RESET sutra.runtime_library;
SELECT vector_dims(sutra_embed('an error leaves the session as it was')) AS dimensions;

-- The list of models, and the table of a model's vectors: made by an ordinary role that may read and learn.
SELECT * FROM sutra.models;
CREATE ROLE embed_learner;
CREATE ROLE embed_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON sutra.concept TO embed_learner;
GRANT SELECT ON sutra.concept TO embed_reader;
CREATE SCHEMA trap;
CREATE FUNCTION trap.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$SELECT 'DROP TABLE sutra.model'::text$$;
CREATE DOMAIN trap.text AS pg_catalog.text CHECK (false);
GRANT USAGE ON SCHEMA trap TO embed_learner;
GRANT EXECUTE ON FUNCTION sutra.make_vector_table(text) TO embed_learner;
SET ROLE embed_learner;
SET search_path = trap, pg_catalog, public;
SELECT * FROM public.complaint($$SET sutra.runtime_library = '/tmp/own.so'$$);
SELECT sutra.make_vector_table('all-MiniLM-L6-v2');
SELECT sutra.make_vector_table('all-MiniLM-L6-v2') AS once_more;
RESET search_path;
RESET ROLE;
\pset expanded off
SELECT * FROM sutra.models;
SELECT name, folder, encode(sha256, 'hex') AS sha256, dimension, pooling, query_prefix, passage_prefix, vector_table, active
FROM sutra.model;
SELECT relrowsecurity, relowner = (SELECT extowner FROM pg_extension WHERE extname = 'sutra') AS owned_by_extension_owner,
    EXISTS (SELECT FROM pg_depend WHERE objid = c.oid AND deptype = 'e') AS member
FROM pg_class AS c WHERE oid = 'sutra.vector_all_minilm_l6_v2'::regclass;
SELECT attname, format_type(atttypid, atttypmod) AS type, attnotnull, col_description(attrelid, attnum) AS comment
FROM pg_attribute WHERE attrelid = 'sutra.vector_all_minilm_l6_v2'::regclass AND attnum > 0 ORDER BY attnum;
SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
WHERE conrelid = 'sutra.vector_all_minilm_l6_v2'::regclass AND contype <> 'n' ORDER BY conname;
SELECT indexdef FROM pg_indexes WHERE tablename = 'vector_all_minilm_l6_v2' ORDER BY indexname;
SELECT count(*) AS policies_that_differ
FROM (SELECT policyname, permissive, roles, cmd, qual, with_check FROM pg_policies WHERE tablename = 'concept') AS concept
    FULL JOIN (SELECT policyname, permissive, roles, cmd, qual, with_check FROM pg_policies
               WHERE tablename = 'vector_all_minilm_l6_v2') AS vector
    USING (policyname, permissive, roles, cmd)
WHERE (concept.qual, concept.with_check) IS DISTINCT FROM (vector.qual, vector.with_check);
SELECT grantee, string_agg(privilege_type, ', ' ORDER BY privilege_type) AS privileges
FROM information_schema.role_table_grants
WHERE table_name = 'vector_all_minilm_l6_v2' AND grantee LIKE 'embed%' GROUP BY grantee ORDER BY grantee;

-- A vector is seen by whom its concept is, and goes with it.
INSERT INTO sutra.concept (id, space, content, digest) VALUES
    ('00000000000000aa', 'default', 'open', sha256('open')), ('00000000000000bb', 'closed', 'closed', sha256('closed'));
INSERT INTO sutra.vector_all_minilm_l6_v2 (space, concept, embedding) SELECT space, id, sutra_embed(content) FROM sutra.concept;
SET ROLE embed_reader;
SELECT space, concept FROM sutra.vector_all_minilm_l6_v2;
RESET ROLE;
DELETE FROM sutra.concept WHERE space = 'closed';
SELECT space, concept, chunk, vector_dims(embedding) AS dimensions FROM sutra.vector_all_minilm_l6_v2;
INSERT INTO sutra.vector_all_minilm_l6_v2 (space, concept, chunk, embedding) VALUES ('default', '00000000000000aa', 1, '[1,2,3]');

-- A model whose file is not the one that the vectors were made with is refused.
\connect
UPDATE sutra.model SET sha256 = sha256('another file');
\pset expanded on
SELECT code, message, detail, hint FROM complaint($$SELECT sutra_embed('a')$$);

DROP TABLE sutra.vector_all_minilm_l6_v2;
DELETE FROM sutra.model;
REVOKE ALL ON sutra.concept FROM embed_learner, embed_reader;
REVOKE ALL ON FUNCTION sutra.make_vector_table(text) FROM embed_learner;
DROP FUNCTION trap.format;
DROP DOMAIN trap.text;
DROP SCHEMA trap;
DROP ROLE embed_learner, embed_reader;
