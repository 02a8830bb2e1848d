-- What a text states, as learning reads it. It depends on the text alone and reads no table, so everybody may call it.
CREATE FUNCTION sutra_extract(text text)
    RETURNS TABLE (relation text, source text, target text, kind text, confidence real, span int4range)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 5
    AS 'MODULE_PATHNAME', 'sutra_extract_wrapper';
COMMENT ON FUNCTION sutra_extract(text) IS 'the relations that a text states: causes, contributes to, is a, acquires, owns, part of, supplies, competes with; span is where it states them, in characters from 1. The first 64 kB of the text are read; null gives no row';

CREATE FUNCTION sutra_times(text text, document date DEFAULT NULL)
    RETURNS TABLE (expression text, period daterange, relative boolean, as_of boolean)
    LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000 ROWS 5
    AS 'MODULE_PATHNAME', 'sutra_times_wrapper';
COMMENT ON FUNCTION sutra_times(text, date) IS 'the times that a text states, as ranges of days: written out, and told by the day of the document where it is given; what leaves the time open is not read. The first 64 kB are read; null gives no row';
