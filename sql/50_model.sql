-- Embedding models: text to vectors, the table of a model's vectors, the list of models.

CREATE FUNCTION sutra_embed(content text) RETURNS embedding
    AS 'MODULE_PATHNAME', 'sutra_embed_wrapper'
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100000;
COMMENT ON FUNCTION sutra_embed(text) IS 'the vector of a text by the model of this session: that of the database, or the one in the setting sutra.model';

CREATE FUNCTION sutra_embed(contents text[]) RETURNS embedding[]
    AS 'MODULE_PATHNAME', 'sutra_embed_array_wrapper'
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000000;
COMMENT ON FUNCTION sutra_embed(text[]) IS 'the vectors of several texts, in their order: faster than one call for each';

CREATE FUNCTION sutra_embed(content text, model text) RETURNS embedding
    AS 'MODULE_PATHNAME', 'sutra_embed_with_model_wrapper'
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100000;
COMMENT ON FUNCTION sutra_embed(text, text) IS 'the vector of a text by the installed model of that name';

-- Runs with the owner's rights, because whoever learns first makes the table; every name and type in it comes from the
-- installed model and from the extension. The settings that steer CREATE TABLE are pinned with the search_path.
CREATE FUNCTION sutra.make_vector_table(model text) RETURNS text
    AS 'MODULE_PATHNAME', 'make_vector_table_wrapper'
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER COST 1000000
    SET search_path = pg_catalog, pg_temp
    SET default_tablespace = ''
    SET default_table_access_method = 'heap';
COMMENT ON FUNCTION sutra.make_vector_table(text) IS 'makes the table of an installed model''s vectors, with policies and grants as sutra.concept has them, and returns its name; called again it copies the grants again';

CREATE FUNCTION sutra.installed_models(
        OUT name text, OUT dimension integer, OUT maximum_tokens integer,
        OUT sha256 text, OUT vector_table text, OUT active boolean)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'installed_models_wrapper'
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 1000 ROWS 5;
COMMENT ON FUNCTION sutra.installed_models() IS 'the models in the model folder, read from their manifests';

CREATE VIEW sutra.models AS
    SELECT i.name, i.dimension, i.maximum_tokens, i.active,
        pg_catalog.to_regclass('sutra.' OPERATOR(pg_catalog.||) i.vector_table) AS vector_table
    FROM sutra.installed_models() AS i;
COMMENT ON VIEW sutra.models IS 'the embedding models that are installed';
COMMENT ON COLUMN sutra.models.name IS 'name of the model, for sutra.model and sutra_embed';
COMMENT ON COLUMN sutra.models.dimension IS 'dimensions of its vectors';
COMMENT ON COLUMN sutra.models.maximum_tokens IS 'tokens of a text that it reads; the rest of a longer text is not embedded';
COMMENT ON COLUMN sutra.models.active IS 'whether this session uses it';
COMMENT ON COLUMN sutra.models.vector_table IS 'the table of its vectors; null before it is first used';

CREATE FUNCTION sutra.embedding_statistics(
        OUT scope text, OUT requests bigint, OUT texts bigint, OUT tokens bigint, OUT batches bigint, OUT seconds double precision,
        OUT cached bigint, OUT queue_depth bigint, OUT workers integer, OUT restarts bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'embedding_statistics_wrapper'
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 10 ROWS 2;
COMMENT ON FUNCTION sutra.embedding_statistics() IS 'counters of embedding: of the pool since the server started or recovered, and of this session';

CREATE VIEW sutra.embedding_stats AS
    SELECT s.scope, s.requests, s.texts, s.tokens, s.batches,
        s.texts::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(s.batches, 0) AS mean_batch_size,
        s.seconds, s.cached, s.queue_depth, s.workers, s.restarts
    FROM sutra.embedding_statistics() AS s;
COMMENT ON VIEW sutra.embedding_stats IS 'counters of embedding: one row for the pool, where the server has one, since it started or recovered, and one for what this session embedded by itself';
COMMENT ON COLUMN sutra.embedding_stats.scope IS 'pool, or session';
COMMENT ON COLUMN sutra.embedding_stats.requests IS 'requests answered; the pool cuts a call with many texts into several';
COMMENT ON COLUMN sutra.embedding_stats.texts IS 'texts that became vectors';
COMMENT ON COLUMN sutra.embedding_stats.tokens IS 'their tokens as the model read them, without padding';
COMMENT ON COLUMN sutra.embedding_stats.batches IS 'runs of the model';
COMMENT ON COLUMN sutra.embedding_stats.mean_batch_size IS 'texts in one run of the model on average; null before the first';
COMMENT ON COLUMN sutra.embedding_stats.seconds IS 'seconds of tokenising and running, by the clock, of all workers together';
COMMENT ON COLUMN sutra.embedding_stats.cached IS 'vectors that this session took from its cache';
COMMENT ON COLUMN sutra.embedding_stats.queue_depth IS 'requests that wait for room or for a worker now; null for the session';
COMMENT ON COLUMN sutra.embedding_stats.workers IS 'workers of the pool that have a helper or are starting one; null for the session';
COMMENT ON COLUMN sutra.embedding_stats.restarts IS 'helpers that died or were ended, and were replaced';

REVOKE ALL ON FUNCTION sutra_embed(text), sutra_embed(text[]), sutra_embed(text, text), sutra.make_vector_table(text),
    sutra.installed_models(), sutra.embedding_statistics() FROM PUBLIC;
-- Counters say how much is embedded, not what: who watches the server may see them.
GRANT EXECUTE ON FUNCTION sutra.embedding_statistics() TO pg_monitor;
GRANT SELECT ON sutra.embedding_stats TO pg_monitor;
