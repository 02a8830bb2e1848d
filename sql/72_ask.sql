-- Asking: questions in plain language. Not STRICT: a null question is an error. They read only, and what they may load
-- is the model, for open questions.
CREATE FUNCTION sutra_ask(question text, max_results integer DEFAULT 10, filter jsonb DEFAULT NULL, min_confidence real DEFAULT NULL)
    RETURNS TABLE (rank integer, kind text, answer text, value jsonb, confidence real,
        concept_id @extschema@.concept_id, evidence @extschema@.concept_id[], path jsonb, explanation text)
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 100000 ROWS 10
    AS 'MODULE_PATHNAME', 'sutra_ask_wrapper';
COMMENT ON FUNCTION sutra_ask(text, integer, jsonb, real) IS 'answers a question from what was learned: row 1 is the answer (computed, statement or path) or an abstention that says what is missing, at most 1000 rows; the filter is an object that the metadata of what is used must contain; answers below min_confidence (null: the setting sutra.min_confidence) are not returned';
REVOKE ALL ON FUNCTION sutra_ask(text, integer, jsonb, real) FROM PUBLIC;

CREATE FUNCTION sutra_explain(question text) RETURNS jsonb
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 100000
    AS 'MODULE_PATHNAME', 'sutra_explain_wrapper';
COMMENT ON FUNCTION sutra_explain(text) IS 'what sutra_ask makes of a question: the plan with everything that was and was not understood, the answer in short with what its confidence was computed from, and the statements that were run';
REVOKE ALL ON FUNCTION sutra_explain(text) FROM PUBLIC;
