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

CREATE FUNCTION l2_norm(embedding) RETURNS double precision
    AS 'MODULE_PATHNAME', 'embedding_norm_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION l2_norm(embedding) IS 'Euclidean norm';

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

-- Leakproof: they compare two numbers and can neither fail nor tell. Without it row-level security would keep the planner
-- from looking up a concept by its id.
CREATE FUNCTION concept_id_lt(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_lt_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_lt(concept_id, concept_id) IS 'implementation of operator <';

CREATE FUNCTION concept_id_le(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_le_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_le(concept_id, concept_id) IS 'implementation of operator <=';

CREATE FUNCTION concept_id_eq(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_eq_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_eq(concept_id, concept_id) IS 'implementation of operator =';

CREATE FUNCTION concept_id_ne(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_ne_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_ne(concept_id, concept_id) IS 'implementation of operator <>';

CREATE FUNCTION concept_id_ge(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_ge_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_ge(concept_id, concept_id) IS 'implementation of operator >=';

CREATE FUNCTION concept_id_gt(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_gt_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_gt(concept_id, concept_id) IS 'implementation of operator >';

CREATE FUNCTION concept_id_cmp(concept_id, concept_id) RETURNS integer
    AS 'MODULE_PATHNAME', 'concept_id_cmp_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
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
