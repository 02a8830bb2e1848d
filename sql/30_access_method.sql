-- The access method sutra_hnsw and its operator classes. docs/ACCESS_METHOD.md describes the index.

CREATE FUNCTION sutra_hnsw_handler(internal) RETURNS index_am_handler
	AS 'MODULE_PATHNAME', 'sutra_hnsw_handler_wrapper' LANGUAGE c;
COMMENT ON FUNCTION sutra_hnsw_handler(internal) IS 'handler of the access method sutra_hnsw';

CREATE ACCESS METHOD sutra_hnsw TYPE INDEX HANDLER sutra_hnsw_handler;
COMMENT ON ACCESS METHOD sutra_hnsw IS 'HNSW graph over quantised vectors, re-ranked exactly: rows in order of distance';

-- Support function 1 of an operator class: the number of the distance that it orders by.

CREATE FUNCTION sutra_hnsw_l2(internal) RETURNS integer
	AS 'MODULE_PATHNAME', 'sutra_hnsw_l2_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION sutra_hnsw_l2(internal) IS 'support function of sutra_hnsw: order by Euclidean distance';

CREATE FUNCTION sutra_hnsw_inner_product(internal) RETURNS integer
	AS 'MODULE_PATHNAME', 'sutra_hnsw_inner_product_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION sutra_hnsw_inner_product(internal) IS 'support function of sutra_hnsw: order by negative inner product';

CREATE FUNCTION sutra_hnsw_cosine(internal) RETURNS integer
	AS 'MODULE_PATHNAME', 'sutra_hnsw_cosine_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION sutra_hnsw_cosine(internal) IS 'support function of sutra_hnsw: order by cosine distance';

CREATE FUNCTION sutra_hnsw_l1(internal) RETURNS integer
	AS 'MODULE_PATHNAME', 'sutra_hnsw_l1_wrapper' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION sutra_hnsw_l1(internal) IS 'support function of sutra_hnsw: order by taxicab distance';

CREATE OPERATOR CLASS embedding_l2_ops
	DEFAULT FOR TYPE embedding USING sutra_hnsw AS
	OPERATOR 1 <-> (embedding, embedding) FOR ORDER BY float_ops,
	FUNCTION 1 sutra_hnsw_l2(internal);
COMMENT ON OPERATOR CLASS embedding_l2_ops USING sutra_hnsw IS 'order by Euclidean distance, operator <->';

CREATE OPERATOR CLASS embedding_ip_ops
	FOR TYPE embedding USING sutra_hnsw AS
	OPERATOR 1 <#> (embedding, embedding) FOR ORDER BY float_ops,
	FUNCTION 1 sutra_hnsw_inner_product(internal);
COMMENT ON OPERATOR CLASS embedding_ip_ops USING sutra_hnsw IS 'order by negative inner product, operator <#>';

CREATE OPERATOR CLASS embedding_cosine_ops
	FOR TYPE embedding USING sutra_hnsw AS
	OPERATOR 1 <=> (embedding, embedding) FOR ORDER BY float_ops,
	FUNCTION 1 sutra_hnsw_cosine(internal);
COMMENT ON OPERATOR CLASS embedding_cosine_ops USING sutra_hnsw IS 'order by cosine distance, operator <=>';

CREATE OPERATOR CLASS embedding_l1_ops
	FOR TYPE embedding USING sutra_hnsw AS
	OPERATOR 1 <+> (embedding, embedding) FOR ORDER BY float_ops,
	FUNCTION 1 sutra_hnsw_l1(internal);
COMMENT ON OPERATOR CLASS embedding_l1_ops USING sutra_hnsw IS 'order by taxicab distance, operator <+>';

COMMENT ON OPERATOR FAMILY embedding_l2_ops USING sutra_hnsw IS 'order by Euclidean distance';
COMMENT ON OPERATOR FAMILY embedding_ip_ops USING sutra_hnsw IS 'order by negative inner product';
COMMENT ON OPERATOR FAMILY embedding_cosine_ops USING sutra_hnsw IS 'order by cosine distance';
COMMENT ON OPERATOR FAMILY embedding_l1_ops USING sutra_hnsw IS 'order by taxicab distance';

-- Looking inside an index. Each reads all of it, hence the cost.

CREATE FUNCTION sutra_index_stats(index regclass)
	RETURNS TABLE (name text, value bigint)
	AS 'MODULE_PATHNAME', 'sutra_index_stats_wrapper' LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 100000 ROWS 20;
COMMENT ON FUNCTION sutra_index_stats(regclass) IS 'levels, nodes, rows, dead and unreachable nodes, and bytes per part of a sutra_hnsw index';

CREATE FUNCTION sutra_index_check(index regclass)
	RETURNS TABLE (part text, identifier bigint, fault text)
	AS 'MODULE_PATHNAME', 'sutra_index_check_wrapper' LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 100000 ROWS 1;
COMMENT ON FUNCTION sutra_index_check(regclass) IS 'every fault of a sutra_hnsw index: links that do not fit, nodes that cannot be reached; no row where there is none';

CREATE FUNCTION sutra_scan_counts()
	RETURNS TABLE (name text, value bigint)
	AS 'MODULE_PATHNAME', 'sutra_scan_counts_wrapper' LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED ROWS 5;
COMMENT ON FUNCTION sutra_scan_counts() IS 'what the sutra_hnsw scans of this session did so far: scans, rows compared, passes over all codes, rows found late';

CREATE FUNCTION sutra_index_recall(index regclass, k integer DEFAULT 10, samples integer DEFAULT 100)
	RETURNS double precision
	AS 'MODULE_PATHNAME', 'sutra_index_recall_wrapper' LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION sutra_index_recall(regclass, integer, integer) IS 'share of the k nearest other vectors that a search with the present sutra.ef_search finds, for sampled vectors of a sutra_hnsw index; reads every row of its table';
