-- Embedding models: text to vectors, the table of a model's vectors, the list of models.

CREATE FUNCTION sutra_embed(content text) RETURNS embedding
    AS 'MODULE_PATHNAME', 'sutra_embed_wrapper'
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100000;
COMMENT ON FUNCTION sutra_embed(text) IS 'the vector of a text by the model in sutra.model';

CREATE FUNCTION sutra_embed(contents text[]) RETURNS embedding[]
    AS 'MODULE_PATHNAME', 'sutra_embed_array_wrapper'
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 1000000;
COMMENT ON FUNCTION sutra_embed(text[]) IS 'the vectors of several texts, in their order: faster than one call for each';

CREATE FUNCTION sutra_embed(content text, model text) RETURNS embedding
    AS 'MODULE_PATHNAME', 'sutra_embed_with_model_wrapper'
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100000;
COMMENT ON FUNCTION sutra_embed(text, text) IS 'the vector of a text by the installed model of that name';

-- Whoever embeds must be able to see that a model has changed, without a privilege on sutra.model.
CREATE FUNCTION sutra.registered_model_sha256(model text) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER COST 10
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT encode(m.sha256, 'hex') FROM sutra.model AS m WHERE m.name = model;
END;
COMMENT ON FUNCTION sutra.registered_model_sha256(text) IS 'SHA-256 of the ONNX file that the vectors of a model were made with; null for a model that has none yet';

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

REVOKE ALL ON FUNCTION sutra_embed(text), sutra_embed(text[]), sutra_embed(text, text), sutra.registered_model_sha256(text),
    sutra.make_vector_table(text), sutra.installed_models() FROM PUBLIC;
