-- Brings a database from version 0.1.0 to 0.2.0, in the order of the install script.
\echo Use "ALTER EXTENSION sutra UPDATE TO '0.2.0'" to load this file. \quit

-- Renamed, not made anew, so that views and indexes that use it stay: a second vector_norm made a call of pgvector's ambiguous.
ALTER FUNCTION vector_norm(embedding) RENAME TO l2_norm;

-- The view calls a function that is not for everybody any more.
REVOKE SELECT ON sutra.models FROM PUBLIC;

COMMENT ON FUNCTION l2_norm(embedding) IS 'Euclidean norm';
-- Leakproof: they compare two numbers and can neither fail nor tell. Without it row-level security would keep the planner
-- from looking up a concept by its id.
CREATE OR REPLACE FUNCTION concept_id_lt(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_lt_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE OR REPLACE FUNCTION concept_id_le(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_le_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE OR REPLACE FUNCTION concept_id_eq(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_eq_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE OR REPLACE FUNCTION concept_id_ne(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_ne_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE OR REPLACE FUNCTION concept_id_ge(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_ge_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE OR REPLACE FUNCTION concept_id_gt(concept_id, concept_id) RETURNS boolean
    AS 'MODULE_PATHNAME', 'concept_id_gt_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;
CREATE OR REPLACE FUNCTION concept_id_cmp(concept_id, concept_id) RETURNS integer
    AS 'MODULE_PATHNAME', 'concept_id_cmp_wrapper' LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION sutra_scan_counts()
	RETURNS TABLE (name text, value bigint)
	AS 'MODULE_PATHNAME', 'sutra_scan_counts_wrapper' LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED ROWS 5;
COMMENT ON FUNCTION sutra_scan_counts() IS 'what the sutra_hnsw scans of this session did so far: scans, rows compared, passes over all codes, rows found late';
-- A role sees the rows about itself and about roles it is a member of, and no other tenant's. That is why everybody may
-- select from the table: the policies of all the others are evaluated with the rights of whoever queries.
ALTER TABLE sutra.space_role ENABLE ROW LEVEL SECURITY;

CREATE POLICY read_own ON sutra.space_role FOR SELECT USING (
    role_name = 'public'
    OR EXISTS (SELECT FROM pg_catalog.pg_roles AS r
               WHERE r.rolname = role_name AND pg_catalog.pg_has_role(current_user, r.oid, 'member')));
GRANT SELECT ON sutra.space_role TO PUBLIC;
-- The policies call this with current_user of the querying role. For another role it gives what both may see, because it
-- runs with the caller's rights.
CREATE OR REPLACE FUNCTION sutra.visible_spaces(role name, learning boolean) RETURNS SETOF text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 100 ROWS 10
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
ALTER TABLE sutra.job
    ADD COLUMN kind text NOT NULL DEFAULT 'ingest' CHECK (kind <> ''),
    ADD COLUMN workers integer NOT NULL DEFAULT 1 CHECK (workers BETWEEN 1 AND 64),
    ADD COLUMN rate real,
    ADD COLUMN starts integer NOT NULL DEFAULT 0,
    ADD COLUMN home text,
    ADD COLUMN problem text,
    ADD COLUMN updated_at timestamptz;
COMMENT ON TABLE sutra.job IS 'work that background workers do batch by batch: one row a job';
COMMENT ON COLUMN sutra.job.kind IS 'what it does: ingest learns rows of sutra.inbox, reembed makes the vectors of another model';
COMMENT ON COLUMN sutra.job.source IS 'the query or table that its rows came from, null for rows put into the inbox directly; the model of reembed';
COMMENT ON COLUMN sutra.job.total IS 'rows to do';
COMMENT ON COLUMN sutra.job.done IS 'rows done';
COMMENT ON COLUMN sutra.job.workers IS 'background workers that it is given';
COMMENT ON COLUMN sutra.job.rate IS 'rows a second, of late; null before the first batch';
COMMENT ON COLUMN sutra.job.starts IS 'workers begun since the last batch that was committed; many without one stop the job';
COMMENT ON COLUMN sutra.job.home IS 'the cluster and database where a preloaded server goes on with it by itself; in a restored copy it waits to be resumed';
COMMENT ON COLUMN sutra.job.problem IS 'why it was paused, when it was not by hand';
COMMENT ON COLUMN sutra.job.updated_at IS 'when its last batch ended';
ALTER TABLE sutra.inbox
    ADD COLUMN kind text NOT NULL DEFAULT 'statement' CHECK (kind IN ('statement', 'ohlcv')),
    ALTER COLUMN metadata DROP NOT NULL;
DROP INDEX sutra.posting_space_term_idx;
CREATE INDEX posting_space_term_entries_idx ON sutra.posting (space, term, entries);
DROP INDEX sutra.inbox_job_idx;

CREATE INDEX inbox_job_idx ON sutra.inbox (job, id);
COMMENT ON COLUMN sutra.inbox.kind IS 'statement (content with its metadata) or ohlcv (the metadata are a daily bar, which is told as a sentence)';
COMMENT ON COLUMN sutra.inbox.content IS 'the text; null for a bar';
COMMENT ON COLUMN sutra.inbox.metadata IS 'its metadata, an object; of a bar company, ticker, day, open, high, low, close and volume';
ALTER TABLE sutra.job_error
    ADD COLUMN kind text NOT NULL DEFAULT 'statement' CHECK (kind IN ('statement', 'ohlcv')),
    ADD COLUMN inserted_by name NOT NULL DEFAULT current_user,
    ADD COLUMN detail text;
COMMENT ON COLUMN sutra.job_error.kind IS 'statement or ohlcv, as in sutra.inbox';
COMMENT ON COLUMN sutra.job_error.inserted_by IS 'the role that put it in';
COMMENT ON COLUMN sutra.job_error.detail IS 'its DETAIL; null when it has none';

CREATE TABLE sutra.job_series (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    job bigint NOT NULL REFERENCES sutra.job (id) ON DELETE CASCADE,
    space text NOT NULL,
    entity @extschema@.concept_id NOT NULL
);
CREATE INDEX job_series_job_idx ON sutra.job_series (job, space, entity);
COMMENT ON SEQUENCE sutra.job_series_id_seq IS 'numbers of sutra.job_series';
COMMENT ON TABLE sutra.job_series IS 'entities whose series a job has added to; their edges next are made again when its rows are done, since workers do not see what others have not committed';
COMMENT ON COLUMN sutra.job_series.id IS 'number of the row; workers that add the same entity at once make a row each, so that none waits for another';
COMMENT ON COLUMN sutra.job_series.job IS 'the job';
COMMENT ON COLUMN sutra.job_series.space IS 'the space of the entity';
COMMENT ON COLUMN sutra.job_series.entity IS 'what was observed';
SELECT pg_catalog.pg_extension_config_dump('sutra.job_series', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.job_series_id_seq', '');

-- Appends entries for statements of one space, with sign 1, or takes them back, with sign -1; at most 512 at a time.
-- The statements whose id ends in eight zero bits, one in 256, have the blocks of their terms merged: a term is merged the
-- more often, the more often it is learned, and nothing needs to be counted or remembered. Most terms looked at have too few
-- blocks to merge, and to find that out each block is visited: at one in 64 that was half of what merging cost.
CREATE OR REPLACE FUNCTION sutra.add_postings(in_space text, in_ids @extschema@.concept_id[], in_terms tsvector[], in_sign integer) RETURNS void
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

-- DISTINCT FROM is printed without its operator, and pg_upgrade makes the trigger anew with an empty search path: not for concept_id.
CREATE OR REPLACE TRIGGER posting_update AFTER UPDATE ON sutra.concept FOR EACH ROW
    WHEN (OLD.terms IS DISTINCT FROM NEW.terms OR OLD.space OPERATOR(pg_catalog.<>) NEW.space OR OLD.id OPERATOR(@extschema@.<>) NEW.id)
    EXECUTE FUNCTION sutra.concept_terms_changed();

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
COMMENT ON FUNCTION sutra_embed(text) IS 'the vector of a text by the model of this session: that of the database, or the one in the setting sutra.model';

-- The extension reads sutra.model itself now.
DROP FUNCTION sutra.registered_model_sha256(text);

CREATE FUNCTION sutra.embedding_statistics(
        OUT scope text, OUT requests bigint, OUT texts bigint, OUT tokens bigint, OUT batches bigint, OUT seconds double precision,
        OUT cached bigint, OUT queue_depth bigint, OUT workers integer, OUT restarts bigint)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'embedding_statistics_wrapper'
    LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 10 ROWS 2;
COMMENT ON FUNCTION sutra.embedding_statistics() IS 'counters of embedding: of the pool since the server started or recovered, and of this session';

CREATE VIEW sutra.embedding_stats AS
    SELECT s.scope, s.requests, s.texts, s.tokens, s.batches,
        s.texts::pg_catalog.float8 OPERATOR(pg_catalog./) NULLIF(s.batches, 0) AS mean_batch_size,
        s.seconds, s.cached, s.queue_depth, s.workers, s.restarts
    FROM sutra.embedding_statistics() AS s;
COMMENT ON VIEW sutra.embedding_stats IS 'counters of embedding: one row for the pool, where the server has one, since it started or recovered, and one for what this session embedded by itself';
COMMENT ON COLUMN sutra.embedding_stats.scope IS 'pool, or session';
COMMENT ON COLUMN sutra.embedding_stats.requests IS 'requests answered; the pool cuts a call with many texts into several';
COMMENT ON COLUMN sutra.embedding_stats.texts IS 'texts that became vectors';
COMMENT ON COLUMN sutra.embedding_stats.tokens IS 'their tokens as the model read them, without padding';
COMMENT ON COLUMN sutra.embedding_stats.batches IS 'runs of the model';
COMMENT ON COLUMN sutra.embedding_stats.mean_batch_size IS 'texts in one run of the model on average; null before the first';
COMMENT ON COLUMN sutra.embedding_stats.seconds IS 'seconds of tokenising and running, by the clock, of all workers together';
COMMENT ON COLUMN sutra.embedding_stats.cached IS 'vectors that this session took from its cache';
COMMENT ON COLUMN sutra.embedding_stats.queue_depth IS 'requests that wait for room or for a worker now; null for the session';
COMMENT ON COLUMN sutra.embedding_stats.workers IS 'workers of the pool that have a helper or are starting one; null for the session';
COMMENT ON COLUMN sutra.embedding_stats.restarts IS 'helpers that died or were ended, and were replaced';
REVOKE ALL ON FUNCTION sutra_embed(text), sutra_embed(text[]), sutra_embed(text, text), sutra.make_vector_table(text),
    sutra.installed_models(), sutra.embedding_statistics() FROM PUBLIC;
-- Counters say how much is embedded, not what: who watches the server may see them.
GRANT EXECUTE ON FUNCTION sutra.embedding_statistics() TO pg_monitor;
GRANT SELECT ON sutra.embedding_stats TO pg_monitor;

-- What a text states, as learning reads it. It depends on the text alone and reads no table, so everybody may call it.
CREATE FUNCTION sutra_extract(text text)
    RETURNS TABLE (relation text, source text, target text, kind text, confidence real, span int4range)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 1000 ROWS 5
    AS 'MODULE_PATHNAME', 'sutra_extract_wrapper';
COMMENT ON FUNCTION sutra_extract(text) IS 'the relations that a text states: causes, contributes to, is a, acquires, owns, part of, supplies, competes with; span is where it states them, in characters from 1. The first 64 kB of the text are read; null gives no row';

CREATE FUNCTION sutra_times(text text, document date DEFAULT NULL)
    RETURNS TABLE (expression text, period daterange, relative boolean, as_of boolean)
    LANGUAGE c IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000 ROWS 5
    AS 'MODULE_PATHNAME', 'sutra_times_wrapper';
COMMENT ON FUNCTION sutra_times(text, date) IS 'the times that a text states, as ranges of days: written out, and told by the day of the document where it is given; what leaves the time open is not read. The first 64 kB are read; null gives no row';

-- Jobs: work that background workers do batch by batch, each batch a transaction. Bulk ingestion is the first kind.
--
-- A row of the inbox is learned with the rights of the role that put it in, and a worker is connected as the role that
-- made the job. Both names are therefore set by the server: whoever may insert cannot choose them, whatever was granted.

CREATE FUNCTION sutra.check_inbox_row() RETURNS trigger
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- The extension's own rows, and those of a dump.
    IF pg_catalog.pg_has_role(current_user, (SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) TG_RELID), 'member') THEN
        RETURN NEW;
    END IF;
    IF NEW.inserted_by OPERATOR(pg_catalog.<>) current_user OR NEW.job IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'the columns job and inserted_by of sutra.inbox are set by the server',
            DETAIL = 'A row is learned with the rights of the role that put it in.',
            HINT = 'Insert content, metadata and space only; sutra_ingest makes a job of the rows.';
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION sutra.check_inbox_row() IS 'trigger: a row of sutra.inbox bears the name of the role that put it in';

CREATE FUNCTION sutra.check_job_row() RETURNS trigger
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF NOT pg_catalog.pg_has_role(current_user, (SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid OPERATOR(pg_catalog.=) TG_RELID), 'member') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'rows of sutra.job are made by the server',
            DETAIL = 'A job works with the rights of the role that made it.',
            HINT = 'Use sutra_ingest, sutra_pause_job, sutra_resume_job and sutra_cancel_job.';
    END IF;
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION sutra.check_job_row() IS 'trigger: only the extension makes and changes jobs';
REVOKE ALL ON FUNCTION sutra.check_inbox_row(), sutra.check_job_row() FROM PUBLIC;

CREATE TRIGGER inbox_row BEFORE INSERT OR UPDATE ON sutra.inbox FOR EACH ROW
    WHEN (NEW.inserted_by OPERATOR(pg_catalog.<>) current_user OR NEW.job IS NOT NULL)
    EXECUTE FUNCTION sutra.check_inbox_row();

CREATE TRIGGER job_row BEFORE INSERT OR UPDATE ON sutra.job FOR EACH ROW
    EXECUTE FUNCTION sutra.check_job_row();
COMMENT ON TRIGGER inbox_row ON sutra.inbox IS 'refuses another name than that of the role that inserts';
COMMENT ON TRIGGER job_row ON sutra.job IS 'refuses rows that the extension did not make';

-- ---------------------------------------------------------------------------------------------------------------
-- Making and steering jobs
-- ---------------------------------------------------------------------------------------------------------------
CREATE FUNCTION sutra_ingest(source text DEFAULT NULL, space text DEFAULT NULL, workers integer DEFAULT 1) RETURNS bigint
    AS 'MODULE_PATHNAME', 'sutra_ingest_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION sutra_ingest(text, text, integer) IS 'makes a job that learns the rows of a SELECT or a table with the columns content, metadata and space, or those of daily bars; without a source the rows that wait in sutra.inbox. Returns its number; it begins when the transaction commits';
REVOKE EXECUTE ON FUNCTION sutra_ingest(text, text, integer) FROM PUBLIC;

CREATE FUNCTION sutra_use_model(name text) RETURNS bigint
    AS 'MODULE_PATHNAME', 'sutra_use_model_wrapper'
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION sutra_use_model(text) IS 'makes an installed embedding model that of the database: a job embeds what was learned, and when it is done learning and asking go over to the model. Returns the number of the job; it begins when the transaction commits';
REVOKE EXECUTE ON FUNCTION sutra_use_model(text) FROM PUBLIC;

CREATE PROCEDURE sutra_run_job(job bigint)
    AS 'MODULE_PATHNAME', 'sutra_run_job_wrapper'
    LANGUAGE c;
COMMENT ON PROCEDURE sutra_run_job(bigint) IS 'runs or resumes a job in this session, with a commit and a notice of the progress for each batch';
REVOKE EXECUTE ON PROCEDURE sutra_run_job(bigint) FROM PUBLIC;

CREATE FUNCTION sutra_pause_job(job bigint) RETURNS boolean
    AS 'MODULE_PATHNAME', 'sutra_pause_job_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION sutra_pause_job(bigint) IS 'lets a job end its batch and wait; false when it was not waiting or running';
REVOKE EXECUTE ON FUNCTION sutra_pause_job(bigint) FROM PUBLIC;

CREATE FUNCTION sutra_resume_job(job bigint) RETURNS boolean
    AS 'MODULE_PATHNAME', 'sutra_resume_job_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION sutra_resume_job(bigint) IS 'goes on with a job that is paused, or that lost its workers in a crash or never got one; false when it has all of them';
REVOKE EXECUTE ON FUNCTION sutra_resume_job(bigint) FROM PUBLIC;

CREATE FUNCTION sutra_cancel_job(job bigint) RETURNS boolean
    AS 'MODULE_PATHNAME', 'sutra_cancel_job_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION sutra_cancel_job(bigint) IS 'ends a job after its batch and drops the rows that it has not done; what it did stays. False when it had ended';
REVOKE EXECUTE ON FUNCTION sutra_cancel_job(bigint) FROM PUBLIC;

CREATE FUNCTION sutra_retry_job(job bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'sutra_retry_job_wrapper'
    LANGUAGE c VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000;
COMMENT ON FUNCTION sutra_retry_job(bigint) IS 'puts the rows of a job that are parked in sutra.job_error back, goes on with the job, and returns their number';
REVOKE EXECUTE ON FUNCTION sutra_retry_job(bigint) FROM PUBLIC;

-- ---------------------------------------------------------------------------------------------------------------
-- A CSV of daily bars: \copy into this view, then sutra_ingest()
-- ---------------------------------------------------------------------------------------------------------------
CREATE VIEW sutra.ohlcv_inbox AS
    SELECT NULL::text AS company, NULL::text AS ticker, NULL::text AS day, NULL::text AS open, NULL::text AS high,
        NULL::text AS low, NULL::text AS close, NULL::text AS volume, NULL::text AS space
    WHERE false;
COMMENT ON VIEW sutra.ohlcv_inbox IS 'takes daily bars: what is inserted goes to sutra.inbox, as text, so that a bar which cannot be read is parked and not the end of a COPY; it shows nothing';
COMMENT ON COLUMN sutra.ohlcv_inbox.company IS 'name of the company';
COMMENT ON COLUMN sutra.ohlcv_inbox.ticker IS 'its ticker';
COMMENT ON COLUMN sutra.ohlcv_inbox.day IS 'the trading day, such as 2019-01-02';
COMMENT ON COLUMN sutra.ohlcv_inbox.open IS 'first price';
COMMENT ON COLUMN sutra.ohlcv_inbox.high IS 'highest price';
COMMENT ON COLUMN sutra.ohlcv_inbox.low IS 'lowest price';
COMMENT ON COLUMN sutra.ohlcv_inbox.close IS 'last price';
COMMENT ON COLUMN sutra.ohlcv_inbox.volume IS 'shares traded';
COMMENT ON COLUMN sutra.ohlcv_inbox.space IS 'the space it goes to; null is the space of the session';

CREATE FUNCTION sutra.take_ohlcv() RETURNS trigger
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    INSERT INTO sutra.inbox (kind, metadata, space)
    VALUES ('ohlcv',
        pg_catalog.jsonb_build_object('company', NEW.company, 'ticker', NEW.ticker, 'day', NEW.day, 'open', NEW.open,
            'high', NEW.high, 'low', NEW.low, 'close', NEW.close, 'volume', NEW.volume),
        coalesce(NEW.space, pg_catalog.current_setting('sutra.space', true), 'default'));
    RETURN NEW;
END
$function$;
COMMENT ON FUNCTION sutra.take_ohlcv() IS 'trigger: puts a daily bar into sutra.inbox';
REVOKE ALL ON FUNCTION sutra.take_ohlcv() FROM PUBLIC;

CREATE TRIGGER take_ohlcv INSTEAD OF INSERT ON sutra.ohlcv_inbox FOR EACH ROW EXECUTE FUNCTION sutra.take_ohlcv();
COMMENT ON TRIGGER take_ohlcv ON sutra.ohlcv_inbox IS 'puts what is inserted into sutra.inbox';

-- ---------------------------------------------------------------------------------------------------------------
-- How far jobs are
-- ---------------------------------------------------------------------------------------------------------------
-- A worker holds a share lock on its job, which PostgreSQL lets go when the process ends, however it ends; the last
-- number of the lock is none that pg_advisory_lock can make.
CREATE VIEW sutra.jobs WITH (security_invoker = true) AS
    SELECT j.id AS job, j.kind, j.space, j.owner, j.source, j.state,
        (SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks AS l
         WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' AND l.objsubid OPERATOR(pg_catalog.=) 21332
            AND l.database OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
            AND ((l.classid::pg_catalog.int8 OPERATOR(pg_catalog.<<) 32) OPERATOR(pg_catalog.|) l.objid::pg_catalog.int8) OPERATOR(pg_catalog.=) j.id)
            AS working,
        j.workers, j.total, j.done, j.failed,
        CASE WHEN j.state OPERATOR(pg_catalog.=) 'cancelled' THEN 0
            ELSE greatest(j.total OPERATOR(pg_catalog.-) j.done OPERATOR(pg_catalog.-) j.failed, 0) END AS remaining,
        j.rate, j.problem, j.created_at, j.started_at, j.updated_at, j.finished_at
    FROM sutra.job AS j;
COMMENT ON VIEW sutra.jobs IS 'jobs, with the number of workers and sessions that are at them';
COMMENT ON COLUMN sutra.jobs.job IS 'number of the job';
COMMENT ON COLUMN sutra.jobs.kind IS 'what it does: ingest learns rows of sutra.inbox';
COMMENT ON COLUMN sutra.jobs.space IS 'the space it was made in';
COMMENT ON COLUMN sutra.jobs.owner IS 'the role it works for';
COMMENT ON COLUMN sutra.jobs.source IS 'the query or table that its rows came from; null for rows of the inbox';
COMMENT ON COLUMN sutra.jobs.state IS 'waiting, running, paused, cancelled or done';
COMMENT ON COLUMN sutra.jobs.working IS 'workers and sessions that are at it now';
COMMENT ON COLUMN sutra.jobs.workers IS 'background workers that it is given';
COMMENT ON COLUMN sutra.jobs.total IS 'rows to do';
COMMENT ON COLUMN sutra.jobs.done IS 'rows done';
COMMENT ON COLUMN sutra.jobs.failed IS 'rows parked in sutra.job_error';
COMMENT ON COLUMN sutra.jobs.remaining IS 'rows neither done nor parked';
COMMENT ON COLUMN sutra.jobs.rate IS 'rows a second, of late';
COMMENT ON COLUMN sutra.jobs.problem IS 'why it was paused, when it was not by hand';
COMMENT ON COLUMN sutra.jobs.created_at IS 'when it was made';
COMMENT ON COLUMN sutra.jobs.started_at IS 'when its first batch began';
COMMENT ON COLUMN sutra.jobs.updated_at IS 'when its last batch ended';
COMMENT ON COLUMN sutra.jobs.finished_at IS 'when it ended';

CREATE VIEW sutra.ingest_progress WITH (security_invoker = true) AS
    SELECT j.job, j.space, j.owner, j.state, j.total, j.done, j.failed, j.remaining, j.rate,
        CASE WHEN j.state OPERATOR(pg_catalog.=) 'running' AND j.rate OPERATOR(pg_catalog.>) 0
            THEN pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) pg_catalog.make_interval(secs => j.remaining::pg_catalog.float8 OPERATOR(pg_catalog./) j.rate::pg_catalog.float8)
            END AS eta
    FROM sutra.jobs AS j
    WHERE j.kind OPERATOR(pg_catalog.=) 'ingest';
COMMENT ON VIEW sutra.ingest_progress IS 'how far the jobs of bulk ingestion are';
COMMENT ON COLUMN sutra.ingest_progress.job IS 'number of the job';
COMMENT ON COLUMN sutra.ingest_progress.space IS 'the space it was made in';
COMMENT ON COLUMN sutra.ingest_progress.owner IS 'the role it works for';
COMMENT ON COLUMN sutra.ingest_progress.state IS 'waiting, running, paused, cancelled or done';
COMMENT ON COLUMN sutra.ingest_progress.total IS 'rows to learn';
COMMENT ON COLUMN sutra.ingest_progress.done IS 'rows learned';
COMMENT ON COLUMN sutra.ingest_progress.failed IS 'rows parked in sutra.job_error';
COMMENT ON COLUMN sutra.ingest_progress.remaining IS 'rows neither learned nor parked';
COMMENT ON COLUMN sutra.ingest_progress.rate IS 'rows a second, of late';
COMMENT ON COLUMN sutra.ingest_progress.eta IS 'when it will end at that rate; null while it does not run';

-- The order of time: the statements right before and right after a time in a series.
--
-- A series is what was observed of one entity under one metric. The look-ups compare rows, in the order of the index that is
-- meant: a plan that was made while the table was empty would otherwise find another index as cheap, and walk over all other
-- statements or entities by it. OFFSET 0 keeps each look-up one.
CREATE FUNCTION sutra.observations_of(in_space text, in_statements @extschema@.concept_id[])
    RETURNS TABLE (concept @extschema@.concept_id, entity @extschema@.concept_id, metric text, at timestamptz)
    LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000 ROWS 1000
    SET search_path = pg_catalog, @extschema@, pg_temp
AS $function$
    SELECT o.concept, o.entity, o.metric, o.at
    FROM pg_catalog.unnest(in_statements) AS s (id)
    CROSS JOIN LATERAL (
        SELECT b.concept, b.entity, b.metric, b.at FROM sutra.observation AS b
        WHERE (b.concept, b.space) >= (s.id, in_space) AND (b.concept, b.space) <= (s.id, in_space)
        OFFSET 0) AS o;
$function$;
COMMENT ON FUNCTION sutra.observations_of(text, @extschema@.concept_id[]) IS 'what some statements observe';
REVOKE ALL ON FUNCTION sutra.observations_of(text, @extschema@.concept_id[]) FROM PUBLIC;

CREATE FUNCTION sutra.next_in_series(in_space text, in_entity @extschema@.concept_id, in_metric text, in_at timestamptz)
    RETURNS TABLE (concept @extschema@.concept_id)
    LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 ROWS 1
    SET search_path = pg_catalog, @extschema@, pg_temp
AS $function$
    SELECT n.concept
    FROM (SELECT o.entity, o.metric, o.concept FROM sutra.observation AS o
          WHERE o.space = in_space AND (o.entity, o.metric, o.at) > (in_entity, in_metric, in_at)
          ORDER BY o.entity, o.metric, o.at, o.concept LIMIT 1) AS n
    WHERE n.entity = in_entity AND n.metric = in_metric;
$function$;
COMMENT ON FUNCTION sutra.next_in_series(text, @extschema@.concept_id, text, timestamptz) IS 'the statement with the first observation of a series after a time; of several at that time the one with the lowest id';
REVOKE ALL ON FUNCTION sutra.next_in_series(text, @extschema@.concept_id, text, timestamptz) FROM PUBLIC;

CREATE FUNCTION sutra.before_in_series(in_space text, in_statements @extschema@.concept_id[])
    RETURNS TABLE (concept @extschema@.concept_id)
    LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 10000 ROWS 100
    SET search_path = pg_catalog, @extschema@, pg_temp
AS $function$
    WITH own AS MATERIALIZED (
        SELECT o.entity, o.metric, o.at FROM sutra.observations_of(in_space, in_statements) AS o
    ), stretch AS MATERIALIZED (
        SELECT own.entity, own.metric, pg_catalog.min(own.at) AS first, pg_catalog.max(own.at) AS last, pg_catalog.count(*) AS number
        FROM own GROUP BY own.entity, own.metric
    ), whole AS MATERIALIZED (
        -- Where nothing else stands between the first and the last, as when a stretch of a series is learned at once, only
        -- the first has something before it that is none of them.
        SELECT s.entity, s.metric, s.first FROM stretch AS s
        WHERE CASE WHEN s.number > 3 THEN s.number = (
            SELECT pg_catalog.count(*) FROM (
                SELECT FROM sutra.observation AS o
                WHERE o.space = in_space AND (o.entity, o.metric, o.at) >= (s.entity, s.metric, s.first)
                    AND (o.entity, o.metric, o.at) <= (s.entity, s.metric, s.last)
                LIMIT s.number + 1) AS found) END
    )
    SELECT DISTINCT p.concept
    FROM own
    LEFT JOIN whole AS w ON w.entity = own.entity AND w.metric = own.metric
    CROSS JOIN LATERAL (
        SELECT b.entity, b.metric, b.concept FROM (
            SELECT o.entity, o.metric, o.concept FROM sutra.observation AS o
            WHERE o.space = in_space AND (o.entity, o.metric, o.at) < (own.entity, own.metric, own.at)
            ORDER BY o.entity DESC, o.metric DESC, o.at DESC FETCH FIRST 1 ROW WITH TIES) AS b
        WHERE b.entity = own.entity AND b.metric = own.metric) AS p
    WHERE w.first IS NULL OR own.at = w.first;
$function$;
COMMENT ON FUNCTION sutra.before_in_series(text, @extschema@.concept_id[]) IS 'the statements with the last observations before those of some statements, in the series of these; at least those that are none of these';
REVOKE ALL ON FUNCTION sutra.before_in_series(text, @extschema@.concept_id[]) FROM PUBLIC;

-- As before, also where the library is not loaded yet.
CREATE OR REPLACE FUNCTION sutra_neighbors(
        id concept_id, kinds sutra.association_kind[] DEFAULT NULL, direction text DEFAULT 'both', max_neighbors integer DEFAULT 100,
        OUT neighbor concept_id, OUT outgoing boolean, OUT kind sutra.association_kind, OUT relation text, OUT confidence real,
        OUT evidence concept_id, OUT content text)
    RETURNS SETOF record
    LANGUAGE plpgsql STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 1000 ROWS 100
AS $function$
#variable_conflict use_column
DECLARE
    -- The library, which knows the setting, may not be loaded yet.
    in_space CONSTANT pg_catalog.text := coalesce(pg_catalog.current_setting('sutra.space', true), 'default');
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

-- All edges `next` of the session's space anew, by the rule by which learning keeps them; for after sessions have learned
-- neighbouring times of one series at once, each without seeing the other's observations. An edge made from observations has
-- its target as evidence; one given by hand has not, and stays.
CREATE FUNCTION sutra.link_series() RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 1000000
AS $function$
DECLARE
    -- The library, which knows the setting, may not be loaded yet.
    in_space CONSTANT pg_catalog.text := coalesce(pg_catalog.current_setting('sutra.space', true), 'default');
    changed pg_catalog.int8;
BEGIN
    -- One at a time in a space.
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('sutra.link_series ' OPERATOR(pg_catalog.||) in_space, 0));
    WITH wanted AS MATERIALIZED (
        SELECT DISTINCT own.concept AS source, n.concept AS target
        FROM (SELECT o.concept, o.entity, pg_catalog.min(o.metric) AS metric, pg_catalog.min(o.at) AS at
              FROM sutra.observation AS o WHERE o.space OPERATOR(pg_catalog.=) in_space GROUP BY o.concept, o.entity) AS own
        CROSS JOIN LATERAL sutra.next_in_series(in_space, own.entity, own.metric, own.at) AS n
    ), deleted AS (
        DELETE FROM sutra.association AS a
        WHERE a.space OPERATOR(pg_catalog.=) in_space AND a.kind OPERATOR(pg_catalog.=) 'temporal'::sutra.association_kind
            AND a.relation OPERATOR(pg_catalog.=) 'next' AND a.evidence OPERATOR(@extschema@.=) a.target
            AND NOT EXISTS (SELECT FROM wanted AS w
                WHERE w.source OPERATOR(@extschema@.=) a.source AND w.target OPERATOR(@extschema@.=) a.target)
        RETURNING 1
    ), added AS (
        INSERT INTO sutra.association (space, source, target, kind, relation, confidence, evidence)
        SELECT in_space, w.source, w.target, 'temporal'::sutra.association_kind, 'next', 1, w.target
        FROM wanted AS w ORDER BY w.source, w.target
        ON CONFLICT DO NOTHING
        RETURNING 1
    )
    SELECT (SELECT pg_catalog.count(*) FROM deleted) OPERATOR(pg_catalog.+) (SELECT pg_catalog.count(*) FROM added) INTO changed;
    RETURN changed;
END
$function$;
COMMENT ON FUNCTION sutra.link_series() IS 'makes the edges next of the session''s space anew from the observations, and returns how many were missing or wrong';
REVOKE ALL ON FUNCTION sutra.link_series() FROM PUBLIC;

-- Walks of several steps. They run with the rights of the caller, like any read of the tables.
CREATE FUNCTION sutra_paths(
        "from" concept_id, "to" concept_id, max_depth integer DEFAULT 4, kinds sutra.association_kind[] DEFAULT NULL,
        max_paths integer DEFAULT 10, direction text DEFAULT 'out')
    RETURNS TABLE (rank integer, confidence real, length integer, concepts concept_id[], path jsonb, together real, complete boolean)
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED COST 10000 ROWS 10
    AS 'MODULE_PATHNAME', 'sutra_paths_wrapper';
COMMENT ON FUNCTION sutra_paths(concept_id, concept_id, integer, sutra.association_kind[], integer, text) IS 'the surest paths without a loop from one concept to another over edges of some kinds (null: all), walked out (along), in (against) or both ways: confidence is the product of the edges'', together that of independent paths taken together; complete is false where sutra.graph_nodes or sutra.graph_time ended the search';
REVOKE ALL ON FUNCTION sutra_paths(concept_id, concept_id, integer, sutra.association_kind[], integer, text) FROM PUBLIC;

CREATE FUNCTION sutra_related(
        id concept_id, max_depth integer DEFAULT 2, kinds sutra.association_kind[] DEFAULT NULL, max_results integer DEFAULT 20,
        direction text DEFAULT 'both')
    RETURNS TABLE (concept_id concept_id, content text, confidence real, depth integer, ways integer, last jsonb, complete boolean)
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED COST 10000 ROWS 20
    AS 'MODULE_PATHNAME', 'sutra_related_wrapper';
COMMENT ON FUNCTION sutra_related(concept_id, integer, sutra.association_kind[], integer, text) IS 'what a concept is related to within some steps, the surest first: ways that agree raise the confidence (1 - product of (1 - confidence) over the edges from the step before), last is the surest of these edges';
REVOKE ALL ON FUNCTION sutra_related(concept_id, integer, sutra.association_kind[], integer, text) FROM PUBLIC;

CREATE FUNCTION sutra_concept(name text) RETURNS concept_id
    LANGUAGE c STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED COST 1000
    AS 'MODULE_PATHNAME', 'sutra_concept_wrapper';
COMMENT ON FUNCTION sutra_concept(text) IS 'the concept that a name means: 16 hexadecimal digits, a known name or ticker, the words of an entity, or the whole text of a statement; null when there is none, an error when there are several';
REVOKE ALL ON FUNCTION sutra_concept(text) FROM PUBLIC;

-- What an operator looks at. With the owner's rights, because who watches a server need not be able to read what it
-- knows; they show numbers only.

CREATE FUNCTION sutra_health(
        OUT component text, OUT status text, OUT duration_ms double precision, OUT checked_at timestamptz, OUT detail text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'sutra_health_wrapper'
    LANGUAGE c VOLATILE PARALLEL UNSAFE SECURITY DEFINER COST 1000000 ROWS 5
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION sutra_health() IS 'puts every part to work (embeds a text, writes and rolls back, searches, looks at the jobs) and says whether it did, how long it took, and what it found: ok, degraded or failed';

CREATE FUNCTION sutra_metrics(OUT name text, OUT label text, OUT value double precision, OUT unit text, OUT scope text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'sutra_metrics_wrapper'
    LANGUAGE c VOLATILE PARALLEL RESTRICTED SECURITY DEFINER COST 10000 ROWS 150
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION sutra_metrics() IS 'counters: of the server since it started or recovered, of this session where there is no shared memory for them (scope), and what the tables of this database say';

CREATE FUNCTION sutra_memory(OUT part text, OUT object text, OUT bytes bigint, OUT kept text)
    RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'sutra_memory_wrapper'
    LANGUAGE c VOLATILE PARALLEL RESTRICTED SECURITY DEFINER COST 10000 ROWS 50
    SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION sutra_memory() IS 'bytes of concepts, vectors, graph, observations, each index, models and shared memory, on disk or in memory';
REVOKE ALL ON FUNCTION sutra_health(), sutra_metrics(), sutra_memory() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sutra_health(), sutra_metrics(), sutra_memory() TO pg_monitor;

-- Who may do what: the privileges of a reader and of a learner, granted with one call.
--
-- The lists name what a role needs, by name and not by signature, so that an overload is not forgotten. docs/SECURITY.md
-- shows the whole; tests/regress/sql/access.sql holds the catalog to it.
CREATE FUNCTION sutra.access_rights(OUT access text, OUT object_type text, OUT object text, OUT privileges text)
    RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE COST 1000 ROWS 50
    SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT CASE WHEN p.proname = ANY (ARRAY[
            'sutra_embed', 'sutra_search', 'sutra_ask', 'sutra_explain', 'sutra_neighbors', 'sutra_paths',
            'sutra_related', 'sutra_concept', 'sutra_extract', 'sutra_times', 'installed_models'])
        THEN 'reader' ELSE 'learner' END,
        'ROUTINE', p.oid::regprocedure::text, 'EXECUTE'
    FROM pg_proc AS p
    JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
        AND d.refclassid = 'pg_extension'::regclass
    JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'sutra'
    WHERE p.proname = ANY (ARRAY[
        'sutra_embed', 'sutra_search', 'sutra_ask', 'sutra_explain', 'sutra_neighbors', 'sutra_paths',
        'sutra_related', 'sutra_concept', 'sutra_extract', 'sutra_times', 'installed_models',
        'sutra_learn', 'sutra_learn_batch', 'sutra_learn_ohlcv', 'sutra_associate', 'sutra_forget', 'sutra_forget_where', 'link_series',
        'observations_of', 'next_in_series', 'before_in_series',
        'sutra_ingest', 'sutra_run_job', 'sutra_pause_job', 'sutra_resume_job', 'sutra_cancel_job', 'sutra_retry_job'])
    UNION ALL
    SELECT 'reader', 'TABLE', c.oid::regclass::text, 'SELECT'
    FROM pg_class AS c
    WHERE c.relnamespace = 'sutra'::regnamespace
        AND (c.relname = ANY (ARRAY['concept', 'association', 'observation', 'alias', 'metric', 'metadata_role',
                'ohlcv', 'graph_nodes', 'graph_edges', 'models'])
            OR EXISTS (SELECT FROM sutra.model AS m WHERE m.vector_table = c.relname))
    UNION ALL
    SELECT 'learner', 'TABLE', c.oid::regclass::text, 'INSERT, UPDATE, DELETE'
    FROM pg_class AS c
    WHERE c.relnamespace = 'sutra'::regnamespace
        AND (c.relname = ANY (ARRAY['concept', 'association', 'observation', 'alias'])
            OR EXISTS (SELECT FROM sutra.model AS m WHERE m.vector_table = c.relname))
    UNION ALL
    SELECT 'learner', 'TABLE', c.oid::regclass::text, 'SELECT'
    FROM pg_class AS c
    WHERE c.relnamespace = 'sutra'::regnamespace AND c.relname = ANY (ARRAY['job', 'job_error', 'jobs', 'ingest_progress'])
    UNION ALL
    SELECT 'learner', 'TABLE', i.relation, i.privileges
    FROM (VALUES ('sutra.inbox', 'INSERT (content, metadata, space, kind)'), ('sutra.ohlcv_inbox', 'INSERT')) AS i (relation, privileges)
    ORDER BY 1 DESC, 2 DESC, 3, 4;
END;
COMMENT ON FUNCTION sutra.access_rights() IS 'the privileges of a reader, and those that a learner has beyond them';
REVOKE ALL ON FUNCTION sutra.access_rights() FROM PUBLIC;

-- With the rights of the caller: who may not grant these privileges gets the usual error or warning of GRANT.
CREATE FUNCTION sutra.grant_access(grantee regrole, access text DEFAULT 'reader') RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 10000
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    granted pg_catalog.record;
BEGIN
    IF access <> ALL (ARRAY['reader', 'learner']) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format('access %L is unknown', access),
            HINT = 'It is reader, for asking and searching, or learner, for learning and forgetting too.';
    END IF;
    FOR granted IN
        SELECT r.privileges, r.object_type, r.object FROM sutra.access_rights() AS r
        WHERE r.access = 'reader' OR r.access = grant_access.access
    LOOP
        EXECUTE pg_catalog.format('GRANT %s ON %s %s TO %s', granted.privileges, granted.object_type, granted.object, grantee);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION sutra.grant_access(regrole, text) IS 'grants a role what a reader or a learner needs; which spaces it may use is said by sutra.space_role. Call it again after another model was first used';
REVOKE ALL ON FUNCTION sutra.grant_access(regrole, text) FROM PUBLIC;

CREATE FUNCTION sutra.revoke_access(grantee regrole) RETURNS void
    LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE COST 10000
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    granted pg_catalog.record;
BEGIN
    FOR granted IN SELECT r.privileges, r.object_type, r.object FROM sutra.access_rights() AS r LOOP
        EXECUTE pg_catalog.format('REVOKE %s ON %s %s FROM %s', granted.privileges, granted.object_type, granted.object, grantee);
    END LOOP;
END
$function$;
COMMENT ON FUNCTION sutra.revoke_access(regrole) IS 'takes back what sutra.grant_access gives to a role';
REVOKE ALL ON FUNCTION sutra.revoke_access(regrole) FROM PUBLIC;

-- Names that a question says by their beginning or their end.
ALTER TABLE sutra.alias
    ADD COLUMN first_word text GENERATED ALWAYS AS (pg_catalog.split_part(key, ' ', 1)) STORED,
    ADD COLUMN last_word text GENERATED ALWAYS AS (pg_catalog.split_part(key, ' ', -1)) STORED;
CREATE INDEX alias_first_word_idx ON sutra.alias (first_word, space);
CREATE INDEX alias_last_word_idx ON sutra.alias (last_word, space);
COMMENT ON COLUMN sutra.alias.first_word IS 'the first word of the key, for names that a question says by their beginning';
COMMENT ON COLUMN sutra.alias.last_word IS 'the last word of the key, for names that a question says by their end';

-- More of the words that people use.
UPDATE sutra.metric SET words = '{open,opens,opened,opening,opening price,open price,opening value,opening bell,first price,starting price,initial price,start the day,started the day,begin the day,began the day,start trading,started trading,trading started,begin trading,began trading,opening print,opening trade,first trade,start the session,started the session,begin the session,began the session,start the trading day,started the trading day,kick off the session,kicked off the session,kick off the day,kicked off the day,trading starts,trading begins,trading began,trading kicked off}' WHERE name OPERATOR(pg_catalog.=) 'open' AND builtin;
UPDATE sutra.metric SET words = '{high,highs,intraday high,day high,daily high,high price,session high,day peak,session peak,intraday peak,high of the day,high of day,hod,top tick}' WHERE name OPERATOR(pg_catalog.=) 'high' AND builtin;
UPDATE sutra.metric SET words = '{low,lows,intraday low,day low,daily low,low price,session low,session bottom,intraday bottom,low of the day,low of day,lod,bottom tick,floor price}' WHERE name OPERATOR(pg_catalog.=) 'low' AND builtin;
UPDATE sutra.metric SET words = '{close,closes,closed,closing,closing price,close price,price,prices,share price,stock price,stock,shares,quote,worth,cost,costs,valued,finish,finished,settle,settled,px,closing value,closing level,closing quote,closing bell,last price,end the day,ended the day,end the session,ended the session,finish the day,finished the day,end of day price,eod,eod price,eod close,settlement,settlement price,closing print,closing mark,final price,final quote,ending price,end price,last trade,last traded price,market close,ended trading,end trading,stopped trading,trading ended,trading stopped,trading closed,market closed}' WHERE name OPERATOR(pg_catalog.=) 'close' AND builtin;
UPDATE sutra.metric SET words = '{volume,volumes,vol,trading volume,traded volume,share volume,shares traded,number of shares traded,trading activity,turnover,trade volume,stock volume,traded shares,shares exchanged,adv}' WHERE name OPERATOR(pg_catalog.=) 'volume' AND builtin;
