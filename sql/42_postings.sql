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
-- The table is derived from sutra.concept.terms and therefore not dumped: loading the concepts fills it. Where concepts
-- come without their triggers (pg_restore --disable-triggers), sutra.rebuild_postings() fills it; a subscriber of logical
-- replication, which fires row triggers that are enabled for replicas and no statement triggers, has its own.
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
-- With the entries, so that the small blocks of a term are found without a look at the large ones.
CREATE INDEX posting_space_term_entries_idx ON sutra.posting (space, term, entries);
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
-- The statements whose id ends in eight zero bits, one in 256, have the blocks of their terms merged: a term is merged the
-- more often, the more often it is learned, and nothing needs to be counted or remembered. Most terms looked at have too few
-- blocks to merge, and to find that out each block is visited: at one in 64 that was half of what merging cost.
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
    WHERE pg_catalog.get_byte(@extschema@.concept_id_send(s.id), 7) OPERATOR(pg_catalog.=) 0;
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
-- DISTINCT FROM is printed without its operator, and pg_upgrade makes the trigger anew with an empty search path: not for concept_id.
CREATE TRIGGER posting_update AFTER UPDATE ON sutra.concept FOR EACH ROW
    WHEN (OLD.terms IS DISTINCT FROM NEW.terms OR OLD.space OPERATOR(pg_catalog.<>) NEW.space OR OLD.id OPERATOR(@extschema@.<>) NEW.id)
    EXECUTE FUNCTION sutra.concept_terms_changed();
CREATE TRIGGER posting_truncate AFTER TRUNCATE ON sutra.concept FOR EACH STATEMENT EXECUTE FUNCTION sutra.concepts_truncated();
COMMENT ON TRIGGER posting_insert ON sutra.concept IS 'appends what was learned to sutra.posting';
COMMENT ON TRIGGER posting_delete ON sutra.concept IS 'takes what was forgotten out of sutra.posting';
COMMENT ON TRIGGER posting_update ON sutra.concept IS 'replaces the entries of a statement in sutra.posting';
COMMENT ON TRIGGER posting_truncate ON sutra.concept IS 'empties sutra.posting';

-- Rows that come with session_replication_role = replica, as from a publisher. Nothing of the above fires then.
CREATE FUNCTION sutra.concept_replicated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') AND OLD.terms IS NOT NULL THEN
        PERFORM sutra.add_postings(OLD.space, ARRAY[OLD.id], ARRAY[OLD.terms], -1);
    END IF;
    IF TG_OP IN ('UPDATE', 'INSERT') AND NEW.terms IS NOT NULL THEN
        PERFORM sutra.add_postings(NEW.space, ARRAY[NEW.id], ARRAY[NEW.terms], 1);
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION sutra.concept_replicated() IS 'trigger of a replica: brings sutra.posting up to date with a row that came by logical replication';
CREATE TRIGGER posting_replicated AFTER INSERT OR DELETE ON sutra.concept FOR EACH ROW EXECUTE FUNCTION sutra.concept_replicated();
CREATE TRIGGER posting_replicated_update AFTER UPDATE ON sutra.concept FOR EACH ROW
    WHEN (OLD.terms IS DISTINCT FROM NEW.terms OR OLD.space OPERATOR(pg_catalog.<>) NEW.space OR OLD.id OPERATOR(@extschema@.<>) NEW.id)
    EXECUTE FUNCTION sutra.concept_replicated();
ALTER TABLE sutra.concept ENABLE REPLICA TRIGGER posting_replicated;
ALTER TABLE sutra.concept ENABLE REPLICA TRIGGER posting_replicated_update;
ALTER TABLE sutra.concept ENABLE ALWAYS TRIGGER posting_truncate;
COMMENT ON TRIGGER posting_replicated ON sutra.concept IS 'on a replica: keeps sutra.posting with what was learned and forgotten on the publisher';
COMMENT ON TRIGGER posting_replicated_update ON sutra.concept IS 'on a replica: replaces the entries of a statement in sutra.posting';

-- Nobody learns or forgets while it runs, so what it writes is what there is.
CREATE FUNCTION sutra.rebuild_postings(in_space text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000000
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    statements pg_catalog.int8;
BEGIN
    LOCK TABLE sutra.concept IN SHARE MODE;
    LOCK TABLE sutra.posting IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM sutra.posting AS p WHERE in_space IS NULL OR p.space OPERATOR(pg_catalog.=) in_space;
    INSERT INTO sutra.posting (space, term, concepts, frequencies, lengths, entries, documents, words)
    SELECT n.space, n.term, pg_catalog.array_agg(n.id ORDER BY n.id), pg_catalog.array_agg(n.frequency ORDER BY n.id),
        pg_catalog.array_agg(n.length ORDER BY n.id), pg_catalog.count(*), pg_catalog.count(*), pg_catalog.sum(n.length)
    FROM (
        SELECT d.space, d.id, d.length, l.term, l.frequency::pg_catalog.int2 AS frequency,
            (pg_catalog.row_number() OVER (PARTITION BY d.space, l.term ORDER BY d.id) OPERATOR(pg_catalog.-) 1)
                OPERATOR(pg_catalog./) 512 AS part
        FROM (
            SELECT c.space, c.id, c.terms,
                (SELECT coalesce(pg_catalog.sum(coalesce(pg_catalog.cardinality(w.positions), 1)), 0)
                 FROM pg_catalog.unnest(c.terms) AS w)::pg_catalog.int4 AS length
            FROM sutra.concept AS c
            WHERE c.terms IS NOT NULL AND (in_space IS NULL OR c.space OPERATOR(pg_catalog.=) in_space)
            OFFSET 0
        ) AS d
        CROSS JOIN LATERAL (
            SELECT w.lexeme, coalesce(pg_catalog.cardinality(w.positions), 1) FROM pg_catalog.unnest(d.terms) AS w
            UNION ALL
            SELECT '', 1
        ) AS l (term, frequency)
    ) AS n
    GROUP BY n.space, n.term, n.part;
    SELECT coalesce(pg_catalog.sum(p.documents), 0) INTO statements FROM sutra.posting AS p
    WHERE p.term OPERATOR(pg_catalog.=) '' AND (in_space IS NULL OR p.space OPERATOR(pg_catalog.=) in_space);
    RETURN statements;
END
$function$;
COMMENT ON FUNCTION sutra.rebuild_postings(text) IS 'makes sutra.posting anew from the statements of a space (null: of all) and returns their number; for the owner, after concepts were loaded with triggers off';
REVOKE ALL ON FUNCTION sutra.rebuild_postings(text), sutra.concept_replicated() FROM PUBLIC;

REVOKE ALL ON FUNCTION sutra.merge_postings(text, text[]), sutra.add_postings(text, @extschema@.concept_id[], tsvector[], integer),
    sutra.concepts_changed(), sutra.concept_terms_changed(), sutra.concepts_truncated() FROM PUBLIC;
