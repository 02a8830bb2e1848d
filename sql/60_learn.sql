-- Learning and forgetting.
--
-- All run with the rights of the caller, whom row-level security holds to the spaces that sutra.space_role gives. They
-- write many tables, so they are granted role by role. A statement of theirs always goes by an index: tables that were
-- empty when the session planned it may be large by the time it runs again.

CREATE FUNCTION sutra_learn(content text, metadata jsonb DEFAULT '{}') RETURNS concept_id
    AS 'MODULE_PATHNAME', 'sutra_learn_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 100000
    SET enable_seqscan = off;
COMMENT ON FUNCTION sutra_learn(text, jsonb) IS 'learns a statement and returns its id; learning the same content again keeps the id and merges the metadata';
REVOKE EXECUTE ON FUNCTION sutra_learn(text, jsonb) FROM PUBLIC;

CREATE FUNCTION sutra_learn_batch(contents text[], metadata jsonb[] DEFAULT NULL, embeddings embedding[] DEFAULT NULL)
    RETURNS SETOF concept_id
    AS 'MODULE_PATHNAME', 'sutra_learn_batch_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000000 ROWS 1000
    SET enable_seqscan = off;
COMMENT ON FUNCTION sutra_learn_batch(text[], jsonb[], embedding[]) IS 'learns statements, with one call of the model or with the vectors given, and returns their ids in the order of the contents';
REVOKE EXECUTE ON FUNCTION sutra_learn_batch(text[], jsonb[], embedding[]) FROM PUBLIC;

CREATE FUNCTION sutra_learn_ohlcv(
        company text, ticker text, day date,
        open double precision, high double precision, low double precision, close double precision,
        volume double precision)
    RETURNS concept_id
    AS 'MODULE_PATHNAME', 'sutra_learn_ohlcv_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 100000
    SET enable_seqscan = off;
COMMENT ON FUNCTION sutra_learn_ohlcv(text, text, date, double precision, double precision, double precision, double precision, double precision) IS 'learns a daily price bar, told as a sentence';
REVOKE EXECUTE ON FUNCTION sutra_learn_ohlcv(text, text, date, double precision, double precision, double precision, double precision, double precision) FROM PUBLIC;

CREATE FUNCTION sutra_learn_ohlcv(
        company text[], ticker text[], day date[],
        open double precision[], high double precision[], low double precision[], close double precision[],
        volume double precision[])
    RETURNS SETOF concept_id
    AS 'MODULE_PATHNAME', 'sutra_learn_ohlcv_batch_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000000 ROWS 1000
    SET enable_seqscan = off;
COMMENT ON FUNCTION sutra_learn_ohlcv(text[], text[], date[], double precision[], double precision[], double precision[], double precision[], double precision[]) IS 'learns daily price bars with one call of the model and returns their ids in order; the n-th elements are one bar';
REVOKE EXECUTE ON FUNCTION sutra_learn_ohlcv(text[], text[], date[], double precision[], double precision[], double precision[], double precision[], double precision[]) FROM PUBLIC;

CREATE FUNCTION sutra_associate(
        source concept_id, target concept_id, kind text DEFAULT 'semantic', relation text DEFAULT 'related to',
        confidence real DEFAULT 1, evidence concept_id DEFAULT NULL)
    RETURNS boolean
    AS 'MODULE_PATHNAME', 'sutra_associate_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    SET enable_seqscan = off;
COMMENT ON FUNCTION sutra_associate(concept_id, concept_id, text, text, real, concept_id) IS 'adds an edge between two concepts, true when it is new; an edge that is there takes the confidence and evidence given. The kind is one of sutra.association_kind';
REVOKE EXECUTE ON FUNCTION sutra_associate(concept_id, concept_id, text, text, real, concept_id) FROM PUBLIC;

CREATE FUNCTION sutra_forget(id concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'sutra_forget_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000
    SET enable_seqscan = off;
COMMENT ON FUNCTION sutra_forget(concept_id) IS 'deletes a concept with everything that hangs on it, and entities that nothing refers to any more; false when there is no such concept';
REVOKE EXECUTE ON FUNCTION sutra_forget(concept_id) FROM PUBLIC;

-- Not an overload of sutra_forget: a quoted id without a cast would then be ambiguous.
CREATE FUNCTION sutra_forget_where(filter jsonb) RETURNS bigint
    AS 'MODULE_PATHNAME', 'sutra_forget_where_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 100000
    SET enable_seqscan = off;
COMMENT ON FUNCTION sutra_forget_where(jsonb) IS 'deletes the statements whose metadata contain the filter, as sutra_forget does, and returns their number';
REVOKE EXECUTE ON FUNCTION sutra_forget_where(jsonb) FROM PUBLIC;
