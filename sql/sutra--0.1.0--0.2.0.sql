-- Brings a database from version 0.1.0 to 0.2.0.
\echo Use "ALTER EXTENSION sutra UPDATE TO '0.2.0'" to load this file. \quit

-- Renamed, not made anew, so that views and indexes that use it stay: a second vector_norm made a call of pgvector's ambiguous.
ALTER FUNCTION vector_norm(embedding) RENAME TO l2_norm;

CREATE FUNCTION sutra_scan_counts()
	RETURNS TABLE (name text, value bigint)
	AS 'MODULE_PATHNAME', 'sutra_scan_counts_wrapper' LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED ROWS 5;
COMMENT ON FUNCTION sutra_scan_counts() IS 'what the sutra_hnsw scans of this session did so far: scans, rows compared, passes over all codes, rows found late';
