-- Search: the best statements for a query, by their words and by their meaning. Not STRICT: a null query is an error.
CREATE FUNCTION sutra_search(query text, k integer DEFAULT 10, filter jsonb DEFAULT NULL)
    RETURNS TABLE (concept_id @extschema@.concept_id, content text, metadata jsonb, score real, vector_score real, text_score real)
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 100000 ROWS 10
    AS 'MODULE_PATHNAME', 'sutra_search_wrapper';
COMMENT ON FUNCTION sutra_search(text, integer, jsonb) IS 'the k best statements for a query, by words (BM25) and by meaning; the filter is an object that the metadata must contain';
REVOKE ALL ON FUNCTION sutra_search(text, integer, jsonb) FROM PUBLIC;
