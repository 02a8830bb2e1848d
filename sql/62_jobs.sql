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
