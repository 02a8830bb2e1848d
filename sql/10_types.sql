-- The types embedding and concept_id: input, output, binary form, type modifier.

CREATE TYPE embedding;

CREATE FUNCTION embedding_in(cstring, oid, integer) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_in_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_in(cstring, oid, integer) IS 'input';

CREATE FUNCTION embedding_out(embedding) RETURNS cstring
    AS 'MODULE_PATHNAME', 'embedding_out_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_out(embedding) IS 'output';

CREATE FUNCTION embedding_recv(internal, oid, integer) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_recv_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_recv(internal, oid, integer) IS 'binary input';

CREATE FUNCTION embedding_send(embedding) RETURNS bytea
    AS 'MODULE_PATHNAME', 'embedding_send_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_send(embedding) IS 'binary output';

CREATE FUNCTION embedding_typmod_in(cstring[]) RETURNS integer
    AS 'MODULE_PATHNAME', 'embedding_typmod_in_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_typmod_in(cstring[]) IS 'type modifier input: the number of dimensions';

-- Storage external: compression finds nothing in float4, and would have to be undone at every distance.
-- The category is "user", not preferred: a literal of unknown type must not be drawn to this type rather than another.
CREATE TYPE embedding (
    INPUT = embedding_in,
    OUTPUT = embedding_out,
    RECEIVE = embedding_recv,
    SEND = embedding_send,
    TYPMOD_IN = embedding_typmod_in,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = external,
    CATEGORY = 'U'
);
COMMENT ON TYPE embedding IS 'vector of 1 to 16000 float4 values; embedding(n) has exactly n dimensions';

CREATE TYPE concept_id;

CREATE FUNCTION concept_id_in(cstring) RETURNS concept_id
    AS 'MODULE_PATHNAME', 'concept_id_in_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_in(cstring) IS 'input';

CREATE FUNCTION concept_id_out(concept_id) RETURNS cstring
    AS 'MODULE_PATHNAME', 'concept_id_out_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_out(concept_id) IS 'output';

CREATE FUNCTION concept_id_recv(internal) RETURNS concept_id
    AS 'MODULE_PATHNAME', 'concept_id_recv_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_recv(internal) IS 'binary input';

CREATE FUNCTION concept_id_send(concept_id) RETURNS bytea
    AS 'MODULE_PATHNAME', 'concept_id_send_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_send(concept_id) IS 'binary output';

CREATE TYPE concept_id (
    INPUT = concept_id_in,
    OUTPUT = concept_id_out,
    RECEIVE = concept_id_recv,
    SEND = concept_id_send,
    INTERNALLENGTH = 8,
    PASSEDBYVALUE,
    ALIGNMENT = double,
    STORAGE = plain,
    CATEGORY = 'U'
);
COMMENT ON TYPE concept_id IS 'identity of what was learned: 8 bytes, shown as 16 hexadecimal digits';
