-- The install script of Sutra, joined from the files of this folder in the order of their numbers.
\echo Use "CREATE EXTENSION sutra" to load this file. \quit

-- Types and functions go to the schema chosen at CREATE EXTENSION, tables to the schema sutra, so the two must differ.
DO $preamble$
BEGIN
    IF '@extschema@' OPERATOR(pg_catalog.=) 'sutra' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_schema_name',
            MESSAGE = 'extension "sutra" cannot be created in schema "sutra"',
            DETAIL = 'The schema "sutra" is made by the extension for its tables.',
            HINT = 'Use CREATE EXTENSION sutra, or CREATE EXTENSION sutra SCHEMA with another schema.';
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) 'sutra') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_schema',
            MESSAGE = 'schema "sutra" already exists',
            DETAIL = 'The extension makes this schema for its tables and will not take over one that it did not make.',
            HINT = 'Rename or drop the schema, then create the extension.';
    END IF;
END
$preamble$;

CREATE SCHEMA sutra;
COMMENT ON SCHEMA sutra IS 'tables of the extension sutra: what was learned, and what steers learning and asking';
GRANT USAGE ON SCHEMA sutra TO PUBLIC;
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
-- Functions, operators, casts, operator classes and aggregates of embedding and concept_id.

-- embedding: distances. COST: one distance of some hundred dimensions takes about as long as 10 integer comparisons.

CREATE FUNCTION l2_distance(embedding, embedding) RETURNS double precision
    AS 'MODULE_PATHNAME', 'embedding_l2_distance_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION l2_distance(embedding, embedding) IS 'Euclidean distance';

CREATE FUNCTION inner_product(embedding, embedding) RETURNS double precision
    AS 'MODULE_PATHNAME', 'embedding_inner_product_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION inner_product(embedding, embedding) IS 'inner product';

CREATE FUNCTION cosine_distance(embedding, embedding) RETURNS double precision
    AS 'MODULE_PATHNAME', 'embedding_cosine_distance_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION cosine_distance(embedding, embedding) IS 'cosine distance: 0 to 2, NaN where a vector is zero';

CREATE FUNCTION l1_distance(embedding, embedding) RETURNS double precision
    AS 'MODULE_PATHNAME', 'embedding_l1_distance_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION l1_distance(embedding, embedding) IS 'taxicab distance';

CREATE FUNCTION embedding_l2_squared_distance(embedding, embedding) RETURNS double precision
    AS 'MODULE_PATHNAME', 'embedding_l2_squared_distance_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION embedding_l2_squared_distance(embedding, embedding) IS 'squared Euclidean distance: the order of l2_distance without the square root';

CREATE FUNCTION embedding_negative_inner_product(embedding, embedding) RETURNS double precision
    AS 'MODULE_PATHNAME', 'embedding_negative_inner_product_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION embedding_negative_inner_product(embedding, embedding) IS 'negative inner product: the most similar first in ascending order';

CREATE OPERATOR <-> (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = l2_distance,
    COMMUTATOR = <->
);
COMMENT ON OPERATOR <-> (embedding, embedding) IS 'Euclidean distance';

CREATE OPERATOR <#> (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_negative_inner_product,
    COMMUTATOR = <#>
);
COMMENT ON OPERATOR <#> (embedding, embedding) IS 'negative inner product';

CREATE OPERATOR <=> (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = cosine_distance,
    COMMUTATOR = <=>
);
COMMENT ON OPERATOR <=> (embedding, embedding) IS 'cosine distance';

CREATE OPERATOR <+> (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = l1_distance,
    COMMUTATOR = <+>
);
COMMENT ON OPERATOR <+> (embedding, embedding) IS 'taxicab distance';

-- embedding: properties, parts and arithmetic.

CREATE FUNCTION vector_dims(embedding) RETURNS integer
    AS 'MODULE_PATHNAME', 'embedding_dims_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(embedding) IS 'number of dimensions';

CREATE FUNCTION vector_norm(embedding) RETURNS double precision
    AS 'MODULE_PATHNAME', 'embedding_norm_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_norm(embedding) IS 'Euclidean norm';

CREATE FUNCTION l2_normalize(embedding) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_l2_normalize_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION l2_normalize(embedding) IS 'the same direction with Euclidean norm 1; zero stays zero';

CREATE FUNCTION subvector(embedding, integer, integer) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_subvector_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION subvector(embedding, integer, integer) IS 'the dimensions from the second argument on, counted from 1, as many as the third says';

CREATE FUNCTION embedding_add(embedding, embedding) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_add_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_add(embedding, embedding) IS 'implementation of operator +';

CREATE FUNCTION embedding_sub(embedding, embedding) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_sub_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_sub(embedding, embedding) IS 'implementation of operator -';

CREATE FUNCTION embedding_mul(embedding, embedding) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_mul_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_mul(embedding, embedding) IS 'implementation of operator *';

CREATE FUNCTION embedding_concat(embedding, embedding) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_concat_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_concat(embedding, embedding) IS 'implementation of operator ||';

CREATE OPERATOR + (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_add,
    COMMUTATOR = +
);
COMMENT ON OPERATOR + (embedding, embedding) IS 'sum of each dimension';

CREATE OPERATOR - (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_sub
);
COMMENT ON OPERATOR - (embedding, embedding) IS 'difference of each dimension';

CREATE OPERATOR * (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_mul,
    COMMUTATOR = *
);
COMMENT ON OPERATOR * (embedding, embedding) IS 'product of each dimension';

CREATE OPERATOR || (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_concat
);
COMMENT ON OPERATOR || (embedding, embedding) IS 'the dimensions of the first, then those of the second';

-- embedding: comparison. Dimension by dimension, a prefix first, as for arrays. No equalimage support in the btree
-- class: 0 and -0 are equal but not the same bytes.

CREATE FUNCTION embedding_lt(embedding, embedding) RETURNS boolean
    AS 'MODULE_PATHNAME', 'embedding_lt_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_lt(embedding, embedding) IS 'implementation of operator <';

CREATE FUNCTION embedding_le(embedding, embedding) RETURNS boolean
    AS 'MODULE_PATHNAME', 'embedding_le_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_le(embedding, embedding) IS 'implementation of operator <=';

CREATE FUNCTION embedding_eq(embedding, embedding) RETURNS boolean
    AS 'MODULE_PATHNAME', 'embedding_eq_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_eq(embedding, embedding) IS 'implementation of operator =';

CREATE FUNCTION embedding_ne(embedding, embedding) RETURNS boolean
    AS 'MODULE_PATHNAME', 'embedding_ne_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_ne(embedding, embedding) IS 'implementation of operator <>';

CREATE FUNCTION embedding_ge(embedding, embedding) RETURNS boolean
    AS 'MODULE_PATHNAME', 'embedding_ge_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_ge(embedding, embedding) IS 'implementation of operator >=';

CREATE FUNCTION embedding_gt(embedding, embedding) RETURNS boolean
    AS 'MODULE_PATHNAME', 'embedding_gt_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_gt(embedding, embedding) IS 'implementation of operator >';

CREATE FUNCTION embedding_cmp(embedding, embedding) RETURNS integer
    AS 'MODULE_PATHNAME', 'embedding_cmp_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_cmp(embedding, embedding) IS 'comparison: -1, 0 or 1';

CREATE FUNCTION embedding_hash(embedding) RETURNS integer
    AS 'MODULE_PATHNAME', 'embedding_hash_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_hash(embedding) IS 'hash';

CREATE FUNCTION embedding_hash_extended(embedding, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'embedding_hash_extended_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_hash_extended(embedding, bigint) IS 'hash with a seed';

CREATE OPERATOR < (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_lt,
    COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (embedding, embedding) IS 'less than';

CREATE OPERATOR <= (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_le,
    COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (embedding, embedding) IS 'less than or equal';

CREATE OPERATOR = (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_eq,
    COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR = (embedding, embedding) IS 'equal';

CREATE OPERATOR <> (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_ne,
    COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (embedding, embedding) IS 'not equal';

CREATE OPERATOR >= (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_ge,
    COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (embedding, embedding) IS 'greater than or equal';

CREATE OPERATOR > (
    LEFTARG = embedding, RIGHTARG = embedding, FUNCTION = embedding_gt,
    COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (embedding, embedding) IS 'greater than';

CREATE OPERATOR CLASS embedding_ops DEFAULT FOR TYPE embedding USING btree AS
    OPERATOR 1 <,
    OPERATOR 2 <=,
    OPERATOR 3 =,
    OPERATOR 4 >=,
    OPERATOR 5 >,
    FUNCTION 1 embedding_cmp(embedding, embedding);
COMMENT ON OPERATOR FAMILY embedding_ops USING btree IS 'order of embedding: dimension by dimension, a prefix first';
COMMENT ON OPERATOR CLASS embedding_ops USING btree IS 'order of embedding: dimension by dimension, a prefix first';

CREATE OPERATOR CLASS embedding_ops DEFAULT FOR TYPE embedding USING hash AS
    OPERATOR 1 =,
    FUNCTION 1 embedding_hash(embedding),
    FUNCTION 2 embedding_hash_extended(embedding, bigint);
COMMENT ON OPERATOR FAMILY embedding_ops USING hash IS 'hash of embedding';
COMMENT ON OPERATOR CLASS embedding_ops USING hash IS 'hash of embedding';

-- embedding: casts. To real[] is implicit, as in pgvector, because nothing is lost; nothing else is, so that no call
-- becomes ambiguous.

CREATE FUNCTION embedding(embedding, integer, boolean) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_enforce_typmod_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding(embedding, integer, boolean) IS 'enforces the number of dimensions of embedding(n)';

CREATE CAST (embedding AS embedding) WITH FUNCTION embedding(embedding, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (embedding AS embedding) IS 'enforces the number of dimensions of embedding(n)';

CREATE FUNCTION array_to_embedding(real[], integer, boolean) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_from_array_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_embedding(real[], integer, boolean) IS 'converts real[] to embedding';

CREATE FUNCTION array_to_embedding(double precision[], integer, boolean) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_from_array_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_embedding(double precision[], integer, boolean) IS 'converts double precision[] to embedding';

CREATE FUNCTION array_to_embedding(integer[], integer, boolean) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_from_array_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_embedding(integer[], integer, boolean) IS 'converts integer[] to embedding';

CREATE FUNCTION array_to_embedding(numeric[], integer, boolean) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_from_array_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION array_to_embedding(numeric[], integer, boolean) IS 'converts numeric[] to embedding';

CREATE FUNCTION embedding_to_float4(embedding, integer, boolean) RETURNS real[]
    AS 'MODULE_PATHNAME', 'embedding_to_float4_array_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_to_float4(embedding, integer, boolean) IS 'converts embedding to real[]';

CREATE FUNCTION embedding_to_float8(embedding, integer, boolean) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'embedding_to_float8_array_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_to_float8(embedding, integer, boolean) IS 'converts embedding to double precision[]';

CREATE FUNCTION embedding_to_int4(embedding, integer, boolean) RETURNS integer[]
    AS 'MODULE_PATHNAME', 'embedding_to_int4_array_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_to_int4(embedding, integer, boolean) IS 'converts embedding to integer[], rounding each dimension';

CREATE FUNCTION embedding_to_numeric(embedding, integer, boolean) RETURNS numeric[]
    AS 'MODULE_PATHNAME', 'embedding_to_numeric_array_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_to_numeric(embedding, integer, boolean) IS 'converts embedding to numeric[]';

CREATE CAST (real[] AS embedding) WITH FUNCTION array_to_embedding(real[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (real[] AS embedding) IS 'converts real[] to embedding';

CREATE CAST (double precision[] AS embedding) WITH FUNCTION array_to_embedding(double precision[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (double precision[] AS embedding) IS 'converts double precision[] to embedding';

CREATE CAST (integer[] AS embedding) WITH FUNCTION array_to_embedding(integer[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (integer[] AS embedding) IS 'converts integer[] to embedding';

CREATE CAST (numeric[] AS embedding) WITH FUNCTION array_to_embedding(numeric[], integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (numeric[] AS embedding) IS 'converts numeric[] to embedding';

CREATE CAST (embedding AS real[]) WITH FUNCTION embedding_to_float4(embedding, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (embedding AS real[]) IS 'converts embedding to real[]';

CREATE CAST (embedding AS double precision[]) WITH FUNCTION embedding_to_float8(embedding, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (embedding AS double precision[]) IS 'converts embedding to double precision[]';

CREATE CAST (embedding AS integer[]) WITH FUNCTION embedding_to_int4(embedding, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (embedding AS integer[]) IS 'converts embedding to integer[], rounding each dimension';

CREATE CAST (embedding AS numeric[]) WITH FUNCTION embedding_to_numeric(embedding, integer, boolean) AS ASSIGNMENT;
COMMENT ON CAST (embedding AS numeric[]) IS 'converts embedding to numeric[]';

-- embedding: aggregates. The state is the count followed by the sum of each dimension.

CREATE FUNCTION embedding_accum(double precision[], embedding) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'embedding_accum_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_accum(double precision[], embedding) IS 'transition function of avg and sum';

CREATE FUNCTION embedding_combine(double precision[], double precision[]) RETURNS double precision[]
    AS 'MODULE_PATHNAME', 'embedding_combine_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_combine(double precision[], double precision[]) IS 'combine function of avg and sum';

CREATE FUNCTION embedding_avg(double precision[]) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_avg_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_avg(double precision[]) IS 'final function of avg';

CREATE FUNCTION embedding_sum(double precision[]) RETURNS embedding
    AS 'MODULE_PATHNAME', 'embedding_sum_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding_sum(double precision[]) IS 'final function of sum';

CREATE AGGREGATE avg(embedding) (
    SFUNC = embedding_accum, STYPE = double precision[], INITCOND = '{0}',
    COMBINEFUNC = embedding_combine, FINALFUNC = embedding_avg, PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg(embedding) IS 'mean of each dimension, summed in double precision';

CREATE AGGREGATE sum(embedding) (
    SFUNC = embedding_accum, STYPE = double precision[], INITCOND = '{0}',
    COMBINEFUNC = embedding_combine, FINALFUNC = embedding_sum, PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum(embedding) IS 'sum of each dimension, summed in double precision';

-- concept_id: comparison, as unsigned numbers, which is the order of the digits. Equal values are the same bytes, so a
-- btree may keep duplicates once.

CREATE FUNCTION concept_id_sortsupport(internal) RETURNS void
    AS 'MODULE_PATHNAME', 'concept_id_sortsupport_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_sortsupport(internal) IS 'sort support';

CREATE FUNCTION concept_id_lt(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_lt_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_lt(concept_id, concept_id) IS 'implementation of operator <';

CREATE FUNCTION concept_id_le(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_le_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_le(concept_id, concept_id) IS 'implementation of operator <=';

CREATE FUNCTION concept_id_eq(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_eq_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_eq(concept_id, concept_id) IS 'implementation of operator =';

CREATE FUNCTION concept_id_ne(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_ne_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_ne(concept_id, concept_id) IS 'implementation of operator <>';

CREATE FUNCTION concept_id_ge(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_ge_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_ge(concept_id, concept_id) IS 'implementation of operator >=';

CREATE FUNCTION concept_id_gt(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_gt_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_gt(concept_id, concept_id) IS 'implementation of operator >';

CREATE FUNCTION concept_id_cmp(concept_id, concept_id) RETURNS integer
    AS 'MODULE_PATHNAME', 'concept_id_cmp_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_cmp(concept_id, concept_id) IS 'comparison: -1, 0 or 1';

CREATE FUNCTION concept_id_hash(concept_id) RETURNS integer
    AS 'MODULE_PATHNAME', 'concept_id_hash_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_hash(concept_id) IS 'hash';

CREATE FUNCTION concept_id_hash_extended(concept_id, bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'concept_id_hash_extended_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_hash_extended(concept_id, bigint) IS 'hash with a seed';

CREATE OPERATOR < (
    LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_lt,
    COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (concept_id, concept_id) IS 'less than';

CREATE OPERATOR <= (
    LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_le,
    COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (concept_id, concept_id) IS 'less than or equal';

CREATE OPERATOR = (
    LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_eq,
    COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR = (concept_id, concept_id) IS 'equal';

CREATE OPERATOR <> (
    LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_ne,
    COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (concept_id, concept_id) IS 'not equal';

CREATE OPERATOR >= (
    LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_ge,
    COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (concept_id, concept_id) IS 'greater than or equal';

CREATE OPERATOR > (
    LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_gt,
    COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (concept_id, concept_id) IS 'greater than';

CREATE OPERATOR CLASS concept_id_ops DEFAULT FOR TYPE concept_id USING btree AS
    OPERATOR 1 <,
    OPERATOR 2 <=,
    OPERATOR 3 =,
    OPERATOR 4 >=,
    OPERATOR 5 >,
    FUNCTION 1 concept_id_cmp(concept_id, concept_id),
    FUNCTION 2 concept_id_sortsupport(internal),
    FUNCTION 4 pg_catalog.btequalimage(oid);
COMMENT ON OPERATOR FAMILY concept_id_ops USING btree IS 'order of concept_id: by its digits';
COMMENT ON OPERATOR CLASS concept_id_ops USING btree IS 'order of concept_id: by its digits';

CREATE OPERATOR CLASS concept_id_ops DEFAULT FOR TYPE concept_id USING hash AS
    OPERATOR 1 =,
    FUNCTION 1 concept_id_hash(concept_id),
    FUNCTION 2 concept_id_hash_extended(concept_id, bigint);
COMMENT ON OPERATOR FAMILY concept_id_ops USING hash IS 'hash of concept_id';
COMMENT ON OPERATOR CLASS concept_id_ops USING hash IS 'hash of concept_id';

CREATE FUNCTION concept_id_larger(concept_id, concept_id) RETURNS concept_id
    AS 'MODULE_PATHNAME', 'concept_id_larger_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_larger(concept_id, concept_id) IS 'transition function of max';

CREATE AGGREGATE max(concept_id) (
    SFUNC = concept_id_larger, STYPE = concept_id, COMBINEFUNC = concept_id_larger, SORTOP = >, PARALLEL = SAFE
);
COMMENT ON AGGREGATE max(concept_id) IS 'largest concept_id';

CREATE FUNCTION concept_id_smaller(concept_id, concept_id) RETURNS concept_id
    AS 'MODULE_PATHNAME', 'concept_id_smaller_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_smaller(concept_id, concept_id) IS 'transition function of min';

CREATE AGGREGATE min(concept_id) (
    SFUNC = concept_id_smaller, STYPE = concept_id, COMBINEFUNC = concept_id_smaller, SORTOP = <, PARALLEL = SAFE
);
COMMENT ON AGGREGATE min(concept_id) IS 'smallest concept_id';

-- concept_id: casts. The same eight bytes as a signed number, for clients that have no better type; only on request,
-- because the order of the two differs.

CREATE CAST (concept_id AS bigint) WITHOUT FUNCTION;
COMMENT ON CAST (concept_id AS bigint) IS 'the same 8 bytes as a signed number';

CREATE CAST (bigint AS concept_id) WITHOUT FUNCTION;
COMMENT ON CAST (bigint AS concept_id) IS 'the same 8 bytes as an unsigned number';
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

CREATE FUNCTION sutra_index_recall(index regclass, k integer DEFAULT 10, samples integer DEFAULT 100)
	RETURNS double precision
	AS 'MODULE_PATHNAME', 'sutra_index_recall_wrapper' LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 1000000;
COMMENT ON FUNCTION sutra_index_recall(regclass, integer, integer) IS 'share of the k nearest other vectors that a search with the present sutra.ef_search finds, for sampled vectors of a sutra_hnsw index; reads every row of its table';
-- Tables: what was learned, the words by which text is understood, bulk ingestion, models.
--
-- Every table has a space (a tenant or a knowledge base); identity, uniqueness and visibility are per space. Rows that
-- the extension ships are marked builtin, stand in the space '*' (every space) and are left out of dumps; a user's
-- row for the same thing overrides the shipped one. pg_dump emits data and grants of these tables but neither
-- policies nor added indexes: nothing at run time may ALTER them.
--
-- An index that serves a foreign key or a uniqueness leads with what it is for and not with the space: a session that
-- planned a look-up while the tables were empty would otherwise find it as cheap as the primary key, and walk a whole
-- space by it (measured: 10 ms instead of 0.2 ms a statement learned).

-- ---------------------------------------------------------------------------------------------------------------
-- Who may see which space
-- ---------------------------------------------------------------------------------------------------------------
CREATE TABLE sutra.space_role (
    space text NOT NULL CHECK (space <> ''),
    role_name text NOT NULL,
    may_read boolean NOT NULL DEFAULT true,
    may_learn boolean NOT NULL DEFAULT false,
    builtin boolean NOT NULL DEFAULT false,
    PRIMARY KEY (space, role_name, builtin)
);
COMMENT ON TABLE sutra.space_role IS 'which role may read and learn in a space, on top of the privileges granted on the tables; the row-level security policies read it';
COMMENT ON COLUMN sutra.space_role.space IS 'the space';
COMMENT ON COLUMN sutra.space_role.role_name IS 'a role, its members included; public stands for every role';
COMMENT ON COLUMN sutra.space_role.may_read IS 'whether the role sees what was learned in the space';
COMMENT ON COLUMN sutra.space_role.may_learn IS 'whether the role may learn, change and forget in the space';
COMMENT ON COLUMN sutra.space_role.builtin IS 'true for the row shipped with the extension; a user''s row for the same space and role overrides it';

INSERT INTO sutra.space_role (space, role_name, may_read, may_learn, builtin) VALUES ('default', 'public', true, true, true);

-- The policies call this with current_user of the querying role; it runs with the owner's rights because an ordinary
-- role has no business reading the whole map of spaces and roles.
CREATE FUNCTION sutra.visible_spaces(role name, learning boolean) RETURNS SETOF text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE SECURITY DEFINER COST 100 ROWS 10
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT s.space
    FROM sutra.space_role AS s
    WHERE CASE WHEN learning THEN s.may_learn ELSE s.may_read END
        AND NOT (s.builtin AND EXISTS (
            SELECT FROM sutra.space_role AS o
            WHERE o.space = s.space AND o.role_name = s.role_name AND NOT o.builtin))
        AND (s.role_name = 'public'
            OR EXISTS (SELECT FROM pg_catalog.pg_roles AS r
                       WHERE r.rolname = s.role_name AND pg_catalog.pg_has_role(role, r.oid, 'member')));
END;
COMMENT ON FUNCTION sutra.visible_spaces(name, boolean) IS 'the spaces that a role may read (or learn in), by sutra.space_role';

-- ---------------------------------------------------------------------------------------------------------------
-- What was learned
-- ---------------------------------------------------------------------------------------------------------------
CREATE TYPE sutra.association_kind AS ENUM ('semantic', 'causal', 'temporal', 'hierarchical', 'compositional');
COMMENT ON TYPE sutra.association_kind IS 'what an association between two concepts means';

CREATE TABLE sutra.concept (
    id @extschema@.concept_id NOT NULL,
    space text NOT NULL DEFAULT 'default' CHECK (space <> '' AND space <> '*'),
    kind text NOT NULL DEFAULT 'statement' CHECK (kind IN ('statement', 'entity', 'chunk')),
    content text NOT NULL CHECK (content <> ''),
    digest bytea NOT NULL CHECK (pg_catalog.octet_length(digest) = 32),
    metadata jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(metadata) = 'object'),
    replaced jsonb NOT NULL DEFAULT '[]' CHECK (pg_catalog.jsonb_typeof(replaced) = 'array'),
    observed tstzrange,
    confidence real NOT NULL DEFAULT 1 CHECK (confidence BETWEEN 0 AND 1),
    strength real NOT NULL DEFAULT 1 CHECK (strength >= 0),
    times_learned integer NOT NULL DEFAULT 1 CHECK (times_learned > 0),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    terms tsvector,
    PRIMARY KEY (space, id),
    -- Deferrable, so that of two sessions which learn the same at once the one that waits does not fail here before
    -- its ON CONFLICT (space, id) can see the other's row.
    UNIQUE (digest, space) DEFERRABLE
);
CREATE INDEX concept_metadata_idx ON sutra.concept USING gin (metadata jsonb_path_ops);
CREATE INDEX concept_terms_idx ON sutra.concept USING gin (terms);
CREATE INDEX concept_observed_idx ON sutra.concept USING gist (observed);
COMMENT ON TABLE sutra.concept IS 'everything learned: statements, the entities they speak of, chunks of long texts';
COMMENT ON COLUMN sutra.concept.id IS 'first 8 bytes of the digest';
COMMENT ON COLUMN sutra.concept.space IS 'tenant or knowledge base';
COMMENT ON COLUMN sutra.concept.kind IS 'statement (learned as it stands), entity (spoken of by statements) or chunk (part of a long statement)';
COMMENT ON COLUMN sutra.concept.content IS 'the text as it was learned first; for an entity its canonical name';
COMMENT ON COLUMN sutra.concept.digest IS 'SHA-256 over space, kind and the content after NFC, trimmed, with runs of white space as one blank';
COMMENT ON COLUMN sutra.concept.metadata IS 'the metadata, whole; learning again merges, the new value wins';
COMMENT ON COLUMN sutra.concept.replaced IS 'metadata values that learning again replaced: [{"key", "value", "until"}]';
COMMENT ON COLUMN sutra.concept.observed IS 'the time that the content speaks of, not the time of learning';
COMMENT ON COLUMN sutra.concept.confidence IS 'how far the content is believed, 0 to 1';
COMMENT ON COLUMN sutra.concept.strength IS 'grows when the content is learned again';
COMMENT ON COLUMN sutra.concept.times_learned IS 'how often the content was learned';
COMMENT ON COLUMN sutra.concept.created_at IS 'when it was learned first';
COMMENT ON COLUMN sutra.concept.updated_at IS 'when it was learned last';
COMMENT ON COLUMN sutra.concept.terms IS 'the words of the content for full text search; null for entities';

CREATE TABLE sutra.association (
    space text NOT NULL DEFAULT 'default',
    source @extschema@.concept_id NOT NULL,
    target @extschema@.concept_id NOT NULL,
    kind sutra.association_kind NOT NULL,
    relation text NOT NULL CHECK (relation <> ''),
    confidence real NOT NULL DEFAULT 1 CHECK (confidence BETWEEN 0 AND 1),
    evidence @extschema@.concept_id,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (space, source, kind, relation, target),
    FOREIGN KEY (space, source) REFERENCES sutra.concept (space, id) ON DELETE CASCADE,
    FOREIGN KEY (space, target) REFERENCES sutra.concept (space, id) ON DELETE CASCADE,
    FOREIGN KEY (space, evidence) REFERENCES sutra.concept (space, id) ON DELETE CASCADE
);
CREATE INDEX association_target_idx ON sutra.association (target, space);
CREATE INDEX association_evidence_idx ON sutra.association (evidence, space);
COMMENT ON TABLE sutra.association IS 'typed, directed edges between concepts';
COMMENT ON COLUMN sutra.association.space IS 'tenant or knowledge base';
COMMENT ON COLUMN sutra.association.source IS 'the concept that the edge leaves';
COMMENT ON COLUMN sutra.association.target IS 'the concept that the edge enters';
COMMENT ON COLUMN sutra.association.kind IS 'what sort of relation it is';
COMMENT ON COLUMN sutra.association.relation IS 'the relation itself, such as mentions, sector, next, causes';
COMMENT ON COLUMN sutra.association.confidence IS 'how far the edge is believed, 0 to 1';
COMMENT ON COLUMN sutra.association.evidence IS 'the statement that the edge was read from; null when it was given by hand';
COMMENT ON COLUMN sutra.association.created_at IS 'when the edge was learned first';

CREATE TABLE sutra.observation (
    space text NOT NULL DEFAULT 'default',
    concept @extschema@.concept_id NOT NULL,
    entity @extschema@.concept_id NOT NULL,
    metric text NOT NULL CHECK (metric <> ''),
    at timestamptz NOT NULL,
    value float8 NOT NULL CHECK (value > '-Infinity' AND value < 'Infinity'),
    unit text,
    PRIMARY KEY (space, entity, metric, at, concept),
    FOREIGN KEY (space, concept) REFERENCES sutra.concept (space, id) ON DELETE CASCADE,
    FOREIGN KEY (space, entity) REFERENCES sutra.concept (space, id) ON DELETE CASCADE
);
CREATE INDEX observation_concept_idx ON sutra.observation (concept, space);
CREATE INDEX observation_at_idx ON sutra.observation (space, metric, at);
COMMENT ON TABLE sutra.observation IS 'one number about one entity at one time, read from one statement';
COMMENT ON COLUMN sutra.observation.space IS 'tenant or knowledge base';
COMMENT ON COLUMN sutra.observation.concept IS 'the statement that says so';
COMMENT ON COLUMN sutra.observation.entity IS 'what the number is about';
COMMENT ON COLUMN sutra.observation.metric IS 'what was measured, such as close or volume; see sutra.metric';
COMMENT ON COLUMN sutra.observation.at IS 'when it was measured; a day is its midnight in UTC';
COMMENT ON COLUMN sutra.observation.value IS 'the number, finite';
COMMENT ON COLUMN sutra.observation.unit IS 'its unit, such as USD; null when none is known';

-- ---------------------------------------------------------------------------------------------------------------
-- The words by which text is understood
-- ---------------------------------------------------------------------------------------------------------------
CREATE TABLE sutra.alias (
    space text NOT NULL DEFAULT 'default',
    key text NOT NULL CHECK (key <> ''),
    entity @extschema@.concept_id NOT NULL,
    kind text NOT NULL CHECK (kind IN ('ticker', 'name', 'short', 'user')),
    alias text NOT NULL,
    builtin boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (space, key, entity, kind),
    FOREIGN KEY (space, entity) REFERENCES sutra.concept (space, id) ON DELETE CASCADE
);
CREATE INDEX alias_entity_idx ON sutra.alias (entity, space);
COMMENT ON TABLE sutra.alias IS 'how text names an entity';
COMMENT ON COLUMN sutra.alias.space IS 'tenant or knowledge base';
COMMENT ON COLUMN sutra.alias.key IS 'the alias as it is looked up: case folded, punctuation dropped, blanks single';
COMMENT ON COLUMN sutra.alias.entity IS 'the entity named';
COMMENT ON COLUMN sutra.alias.kind IS 'ticker, name (as given), short (the name without its legal form) or user (added by hand)';
COMMENT ON COLUMN sutra.alias.alias IS 'the alias as it was written';
COMMENT ON COLUMN sutra.alias.builtin IS 'true for a row shipped with the extension';
COMMENT ON COLUMN sutra.alias.created_at IS 'when it was learned';

CREATE TABLE sutra.metric (
    space text NOT NULL DEFAULT '*' CHECK (space <> ''),
    name text NOT NULL CHECK (name <> ''),
    words text[] NOT NULL DEFAULT '{}',
    label text NOT NULL CHECK (label <> ''),
    unit text,
    aggregate text NOT NULL DEFAULT 'mean' CHECK (aggregate IN ('mean', 'sum', 'last')),
    builtin boolean NOT NULL DEFAULT false,
    PRIMARY KEY (space, name, builtin)
);
COMMENT ON TABLE sutra.metric IS 'what can be measured: the words for it, its unit, how a period is aggregated';
COMMENT ON COLUMN sutra.metric.space IS 'the space it holds in; * for every space';
COMMENT ON COLUMN sutra.metric.name IS 'name of the metric, as in sutra.observation.metric';
COMMENT ON COLUMN sutra.metric.words IS 'words and phrases that mean it in a question, lower case';
COMMENT ON COLUMN sutra.metric.label IS 'how an answer calls it, such as closing price';
COMMENT ON COLUMN sutra.metric.unit IS 'unit of values that come without one; null when there is none';
COMMENT ON COLUMN sutra.metric.aggregate IS 'what one number for a period is by default: mean, sum or last';
COMMENT ON COLUMN sutra.metric.builtin IS 'true for a row shipped with the extension; a user''s row of the same name overrides it';

INSERT INTO sutra.metric (name, words, label, unit, aggregate, builtin) VALUES
    ('open', '{open,opens,opened,opening,opening price,open price,opening value}', 'opening price', 'USD', 'mean', true),
    ('high', '{high,highs,intraday high,day high,daily high,high price,session high}', 'high', 'USD', 'mean', true),
    ('low', '{low,lows,intraday low,day low,daily low,low price,session low}', 'low', 'USD', 'mean', true),
    ('close', '{close,closes,closed,closing,closing price,close price,price,prices,share price,stock price,stock,shares,quote,worth,cost,costs,valued,finish,finished,settle,settled}', 'closing price', 'USD', 'mean', true),
    ('adjusted_close', '{adjusted close,adj close,adjusted closing price}', 'adjusted closing price', 'USD', 'mean', true),
    ('volume', '{volume,volumes,trading volume,traded volume,shares traded,number of shares traded,turnover}', 'trading volume', 'shares', 'sum', true);

CREATE TABLE sutra.metadata_role (
    space text NOT NULL DEFAULT '*' CHECK (space <> ''),
    key text NOT NULL CHECK (key <> ''),
    role text NOT NULL CHECK (role IN ('company', 'ticker', 'name', 'date', 'period', 'metric', 'fact', 'ignore')),
    metric text,
    relation text,
    kind sutra.association_kind,
    builtin boolean NOT NULL DEFAULT false,
    PRIMARY KEY (space, key, builtin),
    CHECK ((role = 'fact') = (relation IS NOT NULL AND kind IS NOT NULL))
);
COMMENT ON TABLE sutra.metadata_role IS 'what a metadata key means';
COMMENT ON COLUMN sutra.metadata_role.space IS 'the space it holds in; * for every space';
COMMENT ON COLUMN sutra.metadata_role.key IS 'the metadata key, lower case';
COMMENT ON COLUMN sutra.metadata_role.role IS 'company, ticker and name say what the statement is about; date and period when; metric is a number; fact is an edge to what the value names; ignore is none of these';
COMMENT ON COLUMN sutra.metadata_role.metric IS 'for role metric: the metric; null means the key itself';
COMMENT ON COLUMN sutra.metadata_role.relation IS 'for role fact: the relation of the edge';
COMMENT ON COLUMN sutra.metadata_role.kind IS 'for role fact: the kind of the edge';
COMMENT ON COLUMN sutra.metadata_role.builtin IS 'true for a row shipped with the extension; a user''s row of the same key overrides it';

INSERT INTO sutra.metadata_role (key, role, metric, relation, kind, builtin) VALUES
    ('company', 'company', NULL, NULL, NULL, true),
    ('entity', 'company', NULL, NULL, NULL, true),
    ('ticker', 'ticker', NULL, NULL, NULL, true),
    ('symbol', 'ticker', NULL, NULL, NULL, true),
    ('name', 'name', NULL, NULL, NULL, true),
    ('company_name', 'name', NULL, NULL, NULL, true),
    ('date', 'date', NULL, NULL, NULL, true),
    ('day', 'date', NULL, NULL, NULL, true),
    ('timestamp', 'date', NULL, NULL, NULL, true),
    ('period', 'period', NULL, NULL, NULL, true),
    ('price_open', 'metric', 'open', NULL, NULL, true),
    ('price_high', 'metric', 'high', NULL, NULL, true),
    ('price_low', 'metric', 'low', NULL, NULL, true),
    ('price_close', 'metric', 'close', NULL, NULL, true),
    ('price_adjusted_close', 'metric', 'adjusted_close', NULL, NULL, true),
    ('price_volume', 'metric', 'volume', NULL, NULL, true),
    ('sector', 'fact', NULL, 'sector', 'hierarchical', true),
    ('industry', 'fact', NULL, 'industry', 'hierarchical', true),
    ('headquarters', 'fact', NULL, 'headquarters', 'hierarchical', true),
    ('country', 'fact', NULL, 'country', 'hierarchical', true),
    ('exchange', 'fact', NULL, 'exchange', 'hierarchical', true),
    ('part_of', 'fact', NULL, 'part of', 'compositional', true),
    ('founded', 'fact', NULL, 'founded', 'hierarchical', true),
    ('source', 'ignore', NULL, NULL, NULL, true),
    ('data_type', 'ignore', NULL, NULL, NULL, true);

-- ---------------------------------------------------------------------------------------------------------------
-- Bulk ingestion
-- ---------------------------------------------------------------------------------------------------------------
CREATE TABLE sutra.job (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    space text NOT NULL DEFAULT 'default' CHECK (space <> '' AND space <> '*'),
    owner name NOT NULL DEFAULT current_user,
    source text,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'paused', 'cancelled', 'done')),
    total bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    started_at timestamptz,
    finished_at timestamptz
);
COMMENT ON SEQUENCE sutra.job_id_seq IS 'numbers of sutra.job';
COMMENT ON TABLE sutra.job IS 'bulk ingestion: one row a job';
COMMENT ON COLUMN sutra.job.id IS 'number of the job';
COMMENT ON COLUMN sutra.job.space IS 'the space it learns in';
COMMENT ON COLUMN sutra.job.owner IS 'the role it works for';
COMMENT ON COLUMN sutra.job.source IS 'the query or table that its rows came from; null for rows put into the inbox directly';
COMMENT ON COLUMN sutra.job.state IS 'waiting, running, paused, cancelled or done';
COMMENT ON COLUMN sutra.job.total IS 'rows taken in';
COMMENT ON COLUMN sutra.job.done IS 'rows learned';
COMMENT ON COLUMN sutra.job.failed IS 'rows parked in sutra.job_error';
COMMENT ON COLUMN sutra.job.created_at IS 'when it was made';
COMMENT ON COLUMN sutra.job.started_at IS 'when its first batch began';
COMMENT ON COLUMN sutra.job.finished_at IS 'when it ended';

CREATE TABLE sutra.inbox (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    job bigint,
    space text NOT NULL DEFAULT 'default',
    content text,
    metadata jsonb NOT NULL DEFAULT '{}',
    inserted_by name NOT NULL DEFAULT current_user,
    inserted_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    FOREIGN KEY (job) REFERENCES sutra.job (id) ON DELETE CASCADE
);
CREATE INDEX inbox_job_idx ON sutra.inbox (job, next_attempt_at);
COMMENT ON SEQUENCE sutra.inbox_id_seq IS 'numbers of sutra.inbox';
COMMENT ON TABLE sutra.inbox IS 'rows waiting to be learned; COPY into (content, metadata, space)';
COMMENT ON COLUMN sutra.inbox.id IS 'number of the row';
COMMENT ON COLUMN sutra.inbox.job IS 'the job that will learn it; null until one takes it';
COMMENT ON COLUMN sutra.inbox.space IS 'the space it goes to';
COMMENT ON COLUMN sutra.inbox.content IS 'the text';
COMMENT ON COLUMN sutra.inbox.metadata IS 'its metadata, an object';
COMMENT ON COLUMN sutra.inbox.inserted_by IS 'the role that put it in and as which it is learned; set by the server, roles have no INSERT on it';
COMMENT ON COLUMN sutra.inbox.inserted_at IS 'when it was put in';
COMMENT ON COLUMN sutra.inbox.attempts IS 'how often learning it failed';
COMMENT ON COLUMN sutra.inbox.next_attempt_at IS 'not tried again before';

CREATE TABLE sutra.job_error (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    job bigint NOT NULL REFERENCES sutra.job (id) ON DELETE CASCADE,
    space text NOT NULL DEFAULT 'default',
    content text,
    metadata jsonb,
    sqlstate text NOT NULL,
    message text NOT NULL,
    attempts integer NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
CREATE INDEX job_error_job_idx ON sutra.job_error (job);
COMMENT ON SEQUENCE sutra.job_error_id_seq IS 'numbers of sutra.job_error';
COMMENT ON TABLE sutra.job_error IS 'rows that could not be learned, with the reason';
COMMENT ON COLUMN sutra.job_error.id IS 'number of the row';
COMMENT ON COLUMN sutra.job_error.job IS 'the job';
COMMENT ON COLUMN sutra.job_error.space IS 'the space it was meant for';
COMMENT ON COLUMN sutra.job_error.content IS 'the text';
COMMENT ON COLUMN sutra.job_error.metadata IS 'its metadata';
COMMENT ON COLUMN sutra.job_error.sqlstate IS 'SQLSTATE of the last error';
COMMENT ON COLUMN sutra.job_error.message IS 'message of the last error';
COMMENT ON COLUMN sutra.job_error.attempts IS 'how often it was tried';
COMMENT ON COLUMN sutra.job_error.failed_at IS 'when it was given up';

-- ---------------------------------------------------------------------------------------------------------------
-- Models
-- ---------------------------------------------------------------------------------------------------------------
CREATE TABLE sutra.model (
    name text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
    folder text NOT NULL,
    sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(sha256) = 32),
    dimension integer NOT NULL CHECK (dimension BETWEEN 1 AND 16000),
    pooling text NOT NULL,
    query_prefix text NOT NULL DEFAULT '',
    passage_prefix text NOT NULL DEFAULT '',
    vector_table name NOT NULL UNIQUE,
    active boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE sutra.model IS 'embedding models that vectors were made with; the vectors of a model are in its own table';
COMMENT ON COLUMN sutra.model.name IS 'name of the model';
COMMENT ON COLUMN sutra.model.folder IS 'its folder under the model folder';
COMMENT ON COLUMN sutra.model.sha256 IS 'SHA-256 of its ONNX file; a changed file is refused';
COMMENT ON COLUMN sutra.model.dimension IS 'dimensions of its vectors';
COMMENT ON COLUMN sutra.model.pooling IS 'how token vectors become one: mean, cls or none';
COMMENT ON COLUMN sutra.model.query_prefix IS 'put before a question';
COMMENT ON COLUMN sutra.model.passage_prefix IS 'put before a text that is learned';
COMMENT ON COLUMN sutra.model.vector_table IS 'the table in schema sutra that holds its vectors';
COMMENT ON COLUMN sutra.model.active IS 'whether learning and asking use it in this database';

-- ---------------------------------------------------------------------------------------------------------------
-- Row-level security by space
-- ---------------------------------------------------------------------------------------------------------------
-- The sub-select is an InitPlan: the spaces of the caller are taken once for each query, and "space = ANY" may drive
-- an index. One policy for each command, because PostgreSQL joins several for one command by OR, which no index serves.
-- No policy on inbox, because COPY FROM refuses tables with row-level security; roles get INSERT (content, metadata,
-- space) on it and no SELECT.
DO $policies$
DECLARE
    tab pg_catalog.text;
    readable pg_catalog.text;
    learnable CONSTANT pg_catalog.text := 'space = ANY (ARRAY(SELECT sutra.visible_spaces(current_user, true)))';
BEGIN
    FOREACH tab IN ARRAY '{concept,association,observation,alias,metric,metadata_role,job,job_error}'::pg_catalog.text[] LOOP
        readable := 'space = ANY (ARRAY(SELECT sutra.visible_spaces(current_user, false)))';
        IF tab OPERATOR(pg_catalog.=) ANY ('{metric,metadata_role}'::pg_catalog.text[]) THEN
            readable := 'space = ''*'' OR ' OPERATOR(pg_catalog.||) readable;
        END IF;
        EXECUTE pg_catalog.format('ALTER TABLE sutra.%I ENABLE ROW LEVEL SECURITY', tab);
        EXECUTE pg_catalog.format('CREATE POLICY read_space ON sutra.%I FOR SELECT USING (%s)', tab, readable);
        EXECUTE pg_catalog.format('CREATE POLICY insert_space ON sutra.%I FOR INSERT WITH CHECK (%s)', tab, learnable);
        EXECUTE pg_catalog.format('CREATE POLICY update_space ON sutra.%I FOR UPDATE USING (%s)', tab, learnable);
        EXECUTE pg_catalog.format('CREATE POLICY delete_space ON sutra.%I FOR DELETE USING (%s)', tab, learnable);
    END LOOP;
END
$policies$;

-- ---------------------------------------------------------------------------------------------------------------
-- What pg_dump takes along
-- ---------------------------------------------------------------------------------------------------------------
SELECT pg_catalog.pg_extension_config_dump('sutra.space_role', 'WHERE NOT builtin');
SELECT pg_catalog.pg_extension_config_dump('sutra.concept', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.association', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.observation', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.alias', 'WHERE NOT builtin');
SELECT pg_catalog.pg_extension_config_dump('sutra.metric', 'WHERE NOT builtin');
SELECT pg_catalog.pg_extension_config_dump('sutra.metadata_role', 'WHERE NOT builtin');
SELECT pg_catalog.pg_extension_config_dump('sutra.job', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.job_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.inbox', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.inbox_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.job_error', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.job_error_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.model', '');
-- The inverted index of full text search: for each term the statements that hold it, how often, and how long they are.
--
-- A GIN index knows neither the frequency of a term in a row nor the length of the row, and it can tell how many rows
-- hold a term only by visiting them all; BM25 needs the three for every term of a query. Here they are rows of an
-- ordinary table, so they are right in every snapshot: after a rollback, on a standby, and for each role, because the
-- policy is the one of sutra.concept.
--
-- Nothing is ever updated in place and nobody waits: learning appends blocks with positive frequencies, forgetting
-- appends blocks with negative ones, and a reader adds both. Small blocks of one term are merged into larger ones as
-- learning goes on, by sizes (under 64, under 256, at most 512 entries), so an entry is rewritten twice in its life.
-- A merge takes only the blocks that no other transaction is merging.
--
-- The table is derived from sutra.concept.terms and therefore not dumped: loading the concepts fills it.
CREATE TABLE sutra.posting (
    space text NOT NULL,
    term text NOT NULL,
    concepts @extschema@.concept_id[] NOT NULL,
    frequencies smallint[] NOT NULL,
    lengths integer[] NOT NULL,
    entries integer NOT NULL,
    documents integer NOT NULL,
    words bigint NOT NULL
) WITH (toast_tuple_target = 8160);
CREATE INDEX posting_space_term_idx ON sutra.posting (space, term);
COMMENT ON TABLE sutra.posting IS 'inverted index over sutra.concept.terms, kept by triggers; a block holds statements of one term';
COMMENT ON COLUMN sutra.posting.space IS 'tenant or knowledge base';
COMMENT ON COLUMN sutra.posting.term IS 'a lexeme; the empty one is held by every statement once and gives their number and mean length';
COMMENT ON COLUMN sutra.posting.concepts IS 'the statements that hold the term';
COMMENT ON COLUMN sutra.posting.frequencies IS 'how often each holds it; negative takes an earlier entry of the statement back';
COMMENT ON COLUMN sutra.posting.lengths IS 'the length of each statement in words, repeated words and all, stop words not counted';
COMMENT ON COLUMN sutra.posting.entries IS 'number of entries in the three arrays';
COMMENT ON COLUMN sutra.posting.documents IS 'entries added less entries taken back';
COMMENT ON COLUMN sutra.posting.words IS 'lengths of the former less lengths of the latter';

ALTER TABLE sutra.posting ENABLE ROW LEVEL SECURITY;
CREATE POLICY read_space ON sutra.posting FOR SELECT USING (space = ANY (ARRAY(SELECT sutra.visible_spaces(current_user, false))));

-- Merges the small blocks of some terms. Under REPEATABLE READ a block that another transaction merged meanwhile
-- would be a serialization failure of a learner who asked for nothing of the kind, so only READ COMMITTED merges.
CREATE FUNCTION sutra.merge_postings(in_space text, in_terms text[]) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 1000
AS $function$
BEGIN
    IF pg_catalog.current_setting('transaction_isolation') OPERATOR(pg_catalog.<>) 'read committed' THEN
        RETURN;
    END IF;
    WITH crowded AS MATERIALIZED (
        SELECT p.term, p.entries OPERATOR(pg_catalog.<) 64 AS tiny
        FROM sutra.posting AS p
        WHERE p.space OPERATOR(pg_catalog.=) in_space AND p.term OPERATOR(pg_catalog.=) ANY (in_terms)
            AND p.entries OPERATOR(pg_catalog.<) 256
        GROUP BY p.term, p.entries OPERATOR(pg_catalog.<) 64
        HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>=) CASE WHEN p.entries OPERATOR(pg_catalog.<) 64 THEN 64 ELSE 16 END
    ), taken AS (
        DELETE FROM sutra.posting AS d
        WHERE d.ctid OPERATOR(pg_catalog.=) ANY (ARRAY(
            SELECT p.ctid
            FROM sutra.posting AS p
            JOIN crowded AS c ON c.term OPERATOR(pg_catalog.=) p.term
                AND c.tiny OPERATOR(pg_catalog.=) (p.entries OPERATOR(pg_catalog.<) 64)
            WHERE p.space OPERATOR(pg_catalog.=) in_space AND p.term OPERATOR(pg_catalog.=) ANY (in_terms)
                AND p.entries OPERATOR(pg_catalog.<) 256
            FOR UPDATE OF p SKIP LOCKED))
        RETURNING d.term, d.entries OPERATOR(pg_catalog.<) 64 AS tiny, d.concepts, d.frequencies, d.lengths
    ), entry AS (
        -- An entry and the one that takes it back vanish together; their statement, frequency and length are the same.
        SELECT t.term, t.tiny, u.concept, u.length, pg_catalog.abs(u.frequency) AS frequency,
            pg_catalog.sum(pg_catalog.sign(u.frequency::pg_catalog.float8))::pg_catalog.int4 AS net
        FROM taken AS t
        CROSS JOIN LATERAL ROWS FROM (
            pg_catalog.unnest(t.concepts), pg_catalog.unnest(t.frequencies), pg_catalog.unnest(t.lengths)
        ) AS u (concept, frequency, length)
        GROUP BY 1, 2, 3, 4, 5
        HAVING pg_catalog.sum(pg_catalog.sign(u.frequency::pg_catalog.float8)) OPERATOR(pg_catalog.<>) 0
    ), numbered AS (
        SELECT e.*, pg_catalog.sign(e.net::pg_catalog.float8)::pg_catalog.int4 AS sign,
            pg_catalog.row_number() OVER (PARTITION BY e.term, e.tiny ORDER BY e.concept) AS number
        FROM entry AS e
        CROSS JOIN LATERAL pg_catalog.generate_series(1, pg_catalog.abs(e.net))
    )
    INSERT INTO sutra.posting (space, term, concepts, frequencies, lengths, entries, documents, words)
    SELECT in_space, n.term, pg_catalog.array_agg(n.concept),
        pg_catalog.array_agg((n.sign OPERATOR(pg_catalog.*) n.frequency)::pg_catalog.int2),
        pg_catalog.array_agg(n.length), pg_catalog.count(*), pg_catalog.sum(n.sign),
        pg_catalog.sum(n.sign OPERATOR(pg_catalog.*) n.length)
    FROM numbered AS n
    GROUP BY n.term, n.tiny, (n.number OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog./) 512;
END
$function$;
COMMENT ON FUNCTION sutra.merge_postings(text, text[]) IS 'merges the small blocks of some terms in sutra.posting';

-- Appends entries for statements of one space, with sign 1, or takes them back, with sign -1; at most 512 at a time.
-- The statements whose id ends in six zero bits, one in 64, have the blocks of their terms merged: a term is merged the
-- more often, the more often it is learned, and nothing needs to be counted or remembered.
CREATE FUNCTION sutra.add_postings(in_space text, in_ids @extschema@.concept_id[], in_terms tsvector[], in_sign integer) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 1000
AS $function$
DECLARE
    crowded pg_catalog.text[];
BEGIN
    INSERT INTO sutra.posting (space, term, concepts, frequencies, lengths, entries, documents, words)
    SELECT in_space, l.term, pg_catalog.array_agg(d.id),
        pg_catalog.array_agg((in_sign OPERATOR(pg_catalog.*) l.frequency)::pg_catalog.int2),
        pg_catalog.array_agg(d.length), pg_catalog.count(*), in_sign OPERATOR(pg_catalog.*) pg_catalog.count(*),
        in_sign OPERATOR(pg_catalog.*) pg_catalog.sum(d.length)
    FROM (
        SELECT s.id, s.terms,
            (SELECT coalesce(pg_catalog.sum(coalesce(pg_catalog.cardinality(w.positions), 1)), 0)
             FROM pg_catalog.unnest(s.terms) AS w)::pg_catalog.int4 AS length
        FROM ROWS FROM (pg_catalog.unnest(in_ids), pg_catalog.unnest(in_terms)) AS s (id, terms)
        OFFSET 0
    ) AS d
    CROSS JOIN LATERAL (
        SELECT w.lexeme, coalesce(pg_catalog.cardinality(w.positions), 1) FROM pg_catalog.unnest(d.terms) AS w
        UNION ALL
        SELECT '', 1
    ) AS l (term, frequency)
    GROUP BY l.term;

    SELECT pg_catalog.array_agg(DISTINCT l.term) INTO crowded
    FROM ROWS FROM (pg_catalog.unnest(in_ids), pg_catalog.unnest(in_terms)) AS s (id, terms)
    CROSS JOIN LATERAL (SELECT w.lexeme FROM pg_catalog.unnest(s.terms) AS w UNION ALL SELECT '') AS l (term)
    WHERE pg_catalog.get_byte(@extschema@.concept_id_send(s.id), 7) OPERATOR(pg_catalog.%) 64 OPERATOR(pg_catalog.=) 0;
    IF crowded IS NOT NULL THEN
        PERFORM sutra.merge_postings(in_space, crowded);
    END IF;
END
$function$;
COMMENT ON FUNCTION sutra.add_postings(text, @extschema@.concept_id[], tsvector[], integer) IS 'appends statements to sutra.posting (1) or takes them back (-1)';

-- With the owner's rights, because a role that learns or forgets has no business writing here; the rows of `changed`
-- are those that its own rights and policies let it change.
CREATE FUNCTION sutra.concepts_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    batch pg_catalog.record;
BEGIN
    FOR batch IN
        SELECT n.space, pg_catalog.array_agg(n.id) AS ids, pg_catalog.array_agg(n.terms) AS terms
        FROM (SELECT c.space, c.id, c.terms, pg_catalog.row_number() OVER () / 512 AS part
              FROM changed AS c WHERE c.terms IS NOT NULL) AS n
        GROUP BY n.space, n.part
    LOOP
        PERFORM sutra.add_postings(batch.space, batch.ids, batch.terms, CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END);
    END LOOP;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION sutra.concepts_changed() IS 'trigger: brings sutra.posting up to date with statements learned or forgotten';

CREATE FUNCTION sutra.concept_terms_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF OLD.terms IS NOT NULL THEN
        PERFORM sutra.add_postings(OLD.space, ARRAY[OLD.id], ARRAY[OLD.terms], -1);
    END IF;
    IF NEW.terms IS NOT NULL THEN
        PERFORM sutra.add_postings(NEW.space, ARRAY[NEW.id], ARRAY[NEW.terms], 1);
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION sutra.concept_terms_changed() IS 'trigger: brings sutra.posting up to date with a statement whose terms, space or id were changed';

CREATE FUNCTION sutra.concepts_truncated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    TRUNCATE sutra.posting;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION sutra.concepts_truncated() IS 'trigger: empties sutra.posting';

CREATE TRIGGER posting_insert AFTER INSERT ON sutra.concept
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sutra.concepts_changed();
CREATE TRIGGER posting_delete AFTER DELETE ON sutra.concept
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION sutra.concepts_changed();
CREATE TRIGGER posting_update AFTER UPDATE ON sutra.concept FOR EACH ROW
    WHEN (OLD.terms IS DISTINCT FROM NEW.terms OR OLD.space IS DISTINCT FROM NEW.space OR OLD.id IS DISTINCT FROM NEW.id)
    EXECUTE FUNCTION sutra.concept_terms_changed();
CREATE TRIGGER posting_truncate AFTER TRUNCATE ON sutra.concept FOR EACH STATEMENT EXECUTE FUNCTION sutra.concepts_truncated();
COMMENT ON TRIGGER posting_insert ON sutra.concept IS 'appends what was learned to sutra.posting';
COMMENT ON TRIGGER posting_delete ON sutra.concept IS 'takes what was forgotten out of sutra.posting';
COMMENT ON TRIGGER posting_update ON sutra.concept IS 'replaces the entries of a statement in sutra.posting';
COMMENT ON TRIGGER posting_truncate ON sutra.concept IS 'empties sutra.posting';

REVOKE ALL ON FUNCTION sutra.merge_postings(text, text[]), sutra.add_postings(text, @extschema@.concept_id[], tsvector[], integer),
    sutra.concepts_changed(), sutra.concept_terms_changed(), sutra.concepts_truncated() FROM PUBLIC;
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
GRANT SELECT ON sutra.models TO PUBLIC;
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
-- The concept graph: what a concept is associated with.

CREATE FUNCTION sutra_neighbors(
        id concept_id, kinds sutra.association_kind[] DEFAULT NULL, direction text DEFAULT 'both', max_neighbors integer DEFAULT 100,
        OUT neighbor concept_id, OUT outgoing boolean, OUT kind sutra.association_kind, OUT relation text, OUT confidence real,
        OUT evidence concept_id, OUT content text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000 ROWS 100
AS $function$
#variable_conflict use_column
DECLARE
    in_space CONSTANT pg_catalog.text := pg_catalog.current_setting('sutra.space');
BEGIN
    IF sutra_neighbors.id IS NULL OR max_neighbors IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = CASE WHEN sutra_neighbors.id IS NULL THEN 'id must not be null' ELSE 'max_neighbors must not be null' END,
            HINT = 'Leave an argument out for its default.';
    END IF;
    IF direction IS NULL OR direction OPERATOR(pg_catalog.<>) ALL (ARRAY['both', 'in', 'out']) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('direction %L is unknown', direction),
            HINT = 'It is out for the edges that leave the concept, in for those that enter it, or both.';
    END IF;
    IF max_neighbors OPERATOR(pg_catalog.<) 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('max_neighbors is %s', max_neighbors),
            HINT = 'It must be at least 1.';
    END IF;
    RETURN QUERY
        SELECT e.neighbor, e.outgoing, e.kind, e.relation, e.confidence, e.evidence, c.content
        FROM (
            SELECT a.target, true, a.kind, a.relation, a.confidence, a.evidence
            FROM sutra.association AS a
            WHERE direction OPERATOR(pg_catalog.<>) 'in'
                AND a.space OPERATOR(pg_catalog.=) in_space AND a.source OPERATOR(@extschema@.=) sutra_neighbors.id
                AND (kinds IS NULL OR a.kind OPERATOR(pg_catalog.=) ANY (kinds))
            UNION ALL
            SELECT a.source, false, a.kind, a.relation, a.confidence, a.evidence
            FROM sutra.association AS a
            WHERE direction OPERATOR(pg_catalog.<>) 'out'
                AND a.space OPERATOR(pg_catalog.=) in_space AND a.target OPERATOR(@extschema@.=) sutra_neighbors.id
                AND (kinds IS NULL OR a.kind OPERATOR(pg_catalog.=) ANY (kinds))
            ORDER BY 5 DESC, 1, 2, 3, 4
            LIMIT max_neighbors
        ) AS e (neighbor, outgoing, kind, relation, confidence, evidence)
        JOIN sutra.concept AS c ON c.space OPERATOR(pg_catalog.=) in_space AND c.id OPERATOR(@extschema@.=) e.neighbor
        ORDER BY e.confidence DESC, e.neighbor, e.outgoing, e.kind, e.relation;
END
$function$;
COMMENT ON FUNCTION sutra_neighbors(concept_id, sutra.association_kind[], text, integer) IS 'the concepts at the other end of a concept''s edges, the surest first, then by concept_id; kinds and direction (in, out, both) select edges';
REVOKE EXECUTE ON FUNCTION sutra_neighbors(concept_id, sutra.association_kind[], text, integer) FROM PUBLIC;
-- Search: the best statements for a query, by their words and by their meaning. Not STRICT: a null query is an error.
CREATE FUNCTION sutra_search(query text, k integer DEFAULT 10, filter jsonb DEFAULT NULL)
    RETURNS TABLE (concept_id @extschema@.concept_id, content text, metadata jsonb, score real, vector_score real, text_score real)
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 100000 ROWS 10
    AS 'MODULE_PATHNAME', 'sutra_search_wrapper';
COMMENT ON FUNCTION sutra_search(text, integer, jsonb) IS 'the k best statements for a query, by words (BM25) and by meaning; the filter is an object that the metadata must contain';
REVOKE ALL ON FUNCTION sutra_search(text, integer, jsonb) FROM PUBLIC;
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
-- Views for charts and notebooks. They show each role what it may see in the tables, by its own privileges.

CREATE VIEW sutra.ohlcv WITH (security_invoker = true) AS
    SELECT o.space, t.alias AS ticker,
        CASE WHEN e.metadata OPERATOR(pg_catalog.?) 'name' THEN e.metadata OPERATOR(pg_catalog.->>) 'name' ELSE e.content END AS name,
        (o.at AT TIME ZONE 'UTC')::date AS day,
        (pg_catalog.array_agg(o.value ORDER BY c.updated_at DESC, o.concept) FILTER (WHERE o.metric OPERATOR(pg_catalog.=) 'open'))[1] AS open,
        (pg_catalog.array_agg(o.value ORDER BY c.updated_at DESC, o.concept) FILTER (WHERE o.metric OPERATOR(pg_catalog.=) 'high'))[1] AS high,
        (pg_catalog.array_agg(o.value ORDER BY c.updated_at DESC, o.concept) FILTER (WHERE o.metric OPERATOR(pg_catalog.=) 'low'))[1] AS low,
        (pg_catalog.array_agg(o.value ORDER BY c.updated_at DESC, o.concept) FILTER (WHERE o.metric OPERATOR(pg_catalog.=) 'close'))[1] AS close,
        (pg_catalog.array_agg(o.value ORDER BY c.updated_at DESC, o.concept) FILTER (WHERE o.metric OPERATOR(pg_catalog.=) 'volume'))[1] AS volume,
        o.entity,
        pg_catalog.array_agg(DISTINCT o.concept) AS concepts
    FROM sutra.observation AS o
    JOIN sutra.concept AS c ON c.space OPERATOR(pg_catalog.=) o.space AND c.id OPERATOR(@extschema@.=) o.concept
    JOIN sutra.concept AS e ON e.space OPERATOR(pg_catalog.=) o.space AND e.id OPERATOR(@extschema@.=) o.entity
    LEFT JOIN sutra.alias AS t ON t.space OPERATOR(pg_catalog.=) o.space AND t.entity OPERATOR(@extschema@.=) o.entity
        AND t.kind OPERATOR(pg_catalog.=) 'ticker' AND t.alias OPERATOR(pg_catalog.=) e.content
    WHERE o.metric OPERATOR(pg_catalog.=) ANY (ARRAY['open', 'high', 'low', 'close', 'volume'])
    GROUP BY o.space, o.entity, t.alias, e.metadata, e.content, (o.at AT TIME ZONE 'UTC')::date;
COMMENT ON VIEW sutra.ohlcv IS 'daily price bars, one row a space, entity and day; where statements disagree the one learned last wins, then the lower concept_id';
COMMENT ON COLUMN sutra.ohlcv.space IS 'the space';
COMMENT ON COLUMN sutra.ohlcv.ticker IS 'ticker of the entity; null when none is known';
COMMENT ON COLUMN sutra.ohlcv.name IS 'its name, or what it is called where none is known';
COMMENT ON COLUMN sutra.ohlcv.day IS 'the day, in UTC';
COMMENT ON COLUMN sutra.ohlcv.open IS 'first price; null when it was not learned, as with the other numbers';
COMMENT ON COLUMN sutra.ohlcv.high IS 'highest price';
COMMENT ON COLUMN sutra.ohlcv.low IS 'lowest price';
COMMENT ON COLUMN sutra.ohlcv.close IS 'last price';
COMMENT ON COLUMN sutra.ohlcv.volume IS 'shares traded';
COMMENT ON COLUMN sutra.ohlcv.entity IS 'concept_id of the entity';
COMMENT ON COLUMN sutra.ohlcv.concepts IS 'the statements that the numbers come from';

CREATE VIEW sutra.graph_nodes WITH (security_invoker = true) AS
    SELECT c.space, c.id, c.kind, pg_catalog.left(c.content, 200) AS label, c.metadata, c.observed, c.confidence, c.strength,
        c.times_learned, c.created_at
    FROM sutra.concept AS c;
COMMENT ON VIEW sutra.graph_nodes IS 'the concepts as nodes of a graph';
COMMENT ON COLUMN sutra.graph_nodes.space IS 'the space';
COMMENT ON COLUMN sutra.graph_nodes.id IS 'concept_id of the node';
COMMENT ON COLUMN sutra.graph_nodes.kind IS 'statement, entity or chunk';
COMMENT ON COLUMN sutra.graph_nodes.label IS 'the first 200 characters of its content';
COMMENT ON COLUMN sutra.graph_nodes.metadata IS 'its metadata';
COMMENT ON COLUMN sutra.graph_nodes.observed IS 'the time that it speaks of';
COMMENT ON COLUMN sutra.graph_nodes.confidence IS 'how far it is believed, 0 to 1';
COMMENT ON COLUMN sutra.graph_nodes.strength IS 'grows when it is learned again';
COMMENT ON COLUMN sutra.graph_nodes.times_learned IS 'how often it was learned';
COMMENT ON COLUMN sutra.graph_nodes.created_at IS 'when it was learned first';

CREATE VIEW sutra.graph_edges WITH (security_invoker = true) AS
    SELECT a.space, a.source, pg_catalog.left(s.content, 200) AS source_label, a.kind, a.relation,
        a.target, pg_catalog.left(t.content, 200) AS target_label, a.confidence, a.evidence, a.created_at
    FROM sutra.association AS a
    JOIN sutra.concept AS s ON s.space OPERATOR(pg_catalog.=) a.space AND s.id OPERATOR(@extschema@.=) a.source
    JOIN sutra.concept AS t ON t.space OPERATOR(pg_catalog.=) a.space AND t.id OPERATOR(@extschema@.=) a.target;
COMMENT ON VIEW sutra.graph_edges IS 'the associations as edges of a graph, with what their ends say';
COMMENT ON COLUMN sutra.graph_edges.space IS 'the space';
COMMENT ON COLUMN sutra.graph_edges.source IS 'concept_id of the node that the edge leaves';
COMMENT ON COLUMN sutra.graph_edges.source_label IS 'the first 200 characters of its content';
COMMENT ON COLUMN sutra.graph_edges.kind IS 'what sort of relation it is';
COMMENT ON COLUMN sutra.graph_edges.relation IS 'the relation itself';
COMMENT ON COLUMN sutra.graph_edges.target IS 'concept_id of the node that the edge enters';
COMMENT ON COLUMN sutra.graph_edges.target_label IS 'the first 200 characters of its content';
COMMENT ON COLUMN sutra.graph_edges.confidence IS 'how far it is believed, 0 to 1';
COMMENT ON COLUMN sutra.graph_edges.evidence IS 'the statement that it was read from; null when it was given by hand';
COMMENT ON COLUMN sutra.graph_edges.created_at IS 'when it was learned first';
