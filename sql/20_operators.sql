-- Functions, operators, casts and operator classes of the types.

-- embedding: distances. Each reads some hundreds of float4 values, hence the cost of ten ordinary functions.

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

CREATE FUNCTION vector_dims(embedding) RETURNS integer
	AS 'MODULE_PATHNAME', 'embedding_dims_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION vector_dims(embedding) IS 'number of dimensions';

CREATE FUNCTION vector_norm(embedding) RETURNS double precision
	AS 'MODULE_PATHNAME', 'embedding_norm_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10;
COMMENT ON FUNCTION vector_norm(embedding) IS 'Euclidean norm';

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

-- concept_id: comparison, as unsigned numbers.

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
COMMENT ON FUNCTION concept_id_cmp(concept_id, concept_id) IS 'less-equal-greater comparison: -1, 0 or 1';

CREATE OPERATOR < (
	LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_lt,
	COMMUTATOR = >,
	NEGATOR = >=,
	RESTRICT = scalarltsel,
	JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR < (concept_id, concept_id) IS 'less than';

CREATE OPERATOR <= (
	LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_le,
	COMMUTATOR = >=,
	NEGATOR = >,
	RESTRICT = scalarlesel,
	JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR <= (concept_id, concept_id) IS 'less than or equal';

CREATE OPERATOR = (
	LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_eq,
	COMMUTATOR = =,
	NEGATOR = <>,
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES,
	MERGES
);
COMMENT ON OPERATOR = (concept_id, concept_id) IS 'equal';

CREATE OPERATOR <> (
	LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_ne,
	COMMUTATOR = <>,
	NEGATOR = =,
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);
COMMENT ON OPERATOR <> (concept_id, concept_id) IS 'not equal';

CREATE OPERATOR >= (
	LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_ge,
	COMMUTATOR = <=,
	NEGATOR = <,
	RESTRICT = scalargesel,
	JOIN = scalargejoinsel
);
COMMENT ON OPERATOR >= (concept_id, concept_id) IS 'greater than or equal';

CREATE OPERATOR > (
	LEFTARG = concept_id, RIGHTARG = concept_id, FUNCTION = concept_id_gt,
	COMMUTATOR = <,
	NEGATOR = <=,
	RESTRICT = scalargtsel,
	JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR > (concept_id, concept_id) IS 'greater than';

CREATE OPERATOR CLASS concept_id_ops DEFAULT FOR TYPE concept_id USING btree AS
	OPERATOR 1 <,
	OPERATOR 2 <=,
	OPERATOR 3 =,
	OPERATOR 4 >=,
	OPERATOR 5 >,
	FUNCTION 1 concept_id_cmp(concept_id, concept_id),
	FUNCTION 4 btequalimage(oid);
COMMENT ON OPERATOR CLASS concept_id_ops USING btree IS 'unsigned order of concept_id';

CREATE FUNCTION concept_id_hash(concept_id) RETURNS integer
	AS 'MODULE_PATHNAME', 'concept_id_hash_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_hash(concept_id) IS 'hash';

CREATE FUNCTION concept_id_hash_extended(concept_id, bigint) RETURNS bigint
	AS 'MODULE_PATHNAME', 'concept_id_hash_extended_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION concept_id_hash_extended(concept_id, bigint) IS 'hash with a seed';

CREATE OPERATOR CLASS concept_id_ops DEFAULT FOR TYPE concept_id USING hash AS
	OPERATOR 1 =,
	FUNCTION 1 concept_id_hash(concept_id),
	FUNCTION 2 concept_id_hash_extended(concept_id, bigint);
COMMENT ON OPERATOR CLASS concept_id_ops USING hash IS 'hash of concept_id';

-- embedding: the type modifier.
CREATE FUNCTION embedding(embedding, integer, boolean) RETURNS embedding
	AS 'MODULE_PATHNAME', 'embedding_enforce_typmod_wrapper' LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION embedding(embedding, integer, boolean) IS 'enforces the number of dimensions of embedding(n)';

CREATE CAST (embedding AS embedding) WITH FUNCTION embedding(embedding, integer, boolean) AS IMPLICIT;
COMMENT ON CAST (embedding AS embedding) IS 'enforces the number of dimensions of embedding(n)';
