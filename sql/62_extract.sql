-- What a text states, as learning reads it. It depends on the text alone and reads no table, so everybody may call it.
CREATE FUNCTION sutra_extract(text text)
    RETURNS TABLE (relation text, source text, target text, kind text, confidence real, span int4range)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 5
    AS 'MODULE_PATHNAME', 'sutra_extract_wrapper';
COMMENT ON FUNCTION sutra_extract(text) IS 'the relations that a text states: causes, contributes to, is a, acquires, owns, part of, supplies, competes with; span is where it states them, in characters from 1. The first 64 kB of the text are read; null gives no row';
