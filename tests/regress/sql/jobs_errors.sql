-- What sutra_ingest and the functions on jobs refuse, and whose rights a row has.
SET client_min_messages = warning;

-- A source is one SELECT that only reads.
SELECT sutra_ingest('selec 1');
SELECT sutra_ingest('');
SELECT sutra_ingest('SELECT ''a'' AS content; SELECT ''b'' AS content');
SELECT sutra_ingest('INSERT INTO sutra.inbox (content) VALUES (''x'') RETURNING content');
SELECT sutra_ingest('DROP TABLE sutra.inbox');
SELECT sutra_ingest('EXPLAIN SELECT 1');
SELECT sutra_ingest('SELECT ''x'' AS content INTO copy');
SELECT sutra_ingest('SELECT content FROM sutra.inbox FOR UPDATE');
SELECT sutra_ingest('WITH gone AS (DELETE FROM sutra.inbox RETURNING content) SELECT content FROM gone');
CREATE FUNCTION writes() RETURNS text LANGUAGE plpgsql AS $$BEGIN INSERT INTO sutra.inbox (content) VALUES ('x'); RETURN 'x'; END$$;
SELECT sutra_ingest('SELECT writes() AS content');
SELECT sutra_ingest('SELECT nextval(''sutra.job_id_seq'')::text AS content');
SELECT sutra_ingest('SELECT (1 / 0)::text AS content');
SELECT sutra_ingest('no_such_table');
SELECT sutra_ingest('"no such".table');
SELECT sutra_ingest('no_such_table and more');

-- Its columns have names and types.
SELECT sutra_ingest('SELECT 1 AS content');
SELECT sutra_ingest('SELECT ''x'' AS content, ''{}'' AS metadata');
SELECT sutra_ingest('SELECT ''x'' AS body');
SELECT sutra_ingest('SELECT ''x'' AS content, 1 AS id');
SELECT sutra_ingest('SELECT ''x'' AS content, ''y'' AS content');
SELECT sutra_ingest('SELECT ''x'' AS ticker, date ''2019-01-01'' AS day');

-- Other arguments.
SELECT sutra_ingest('SELECT ''x'' AS content', space => '*');
SELECT sutra_ingest('SELECT ''x'' AS content', workers => 0);
SELECT sutra_ingest('SELECT ''x'' AS content', workers => NULL);
SELECT sutra_ingest('SELECT ''x'' AS content', workers => 65);
SET sutra.space = '*';
SELECT sutra_ingest('SELECT ''x'' AS content');
RESET sutra.space;
BEGIN READ ONLY;
SELECT sutra_ingest('SELECT ''x'' AS content');
ROLLBACK;

-- Jobs that are not there, and what a job is not asked for.
SELECT sutra_pause_job(1000000);
SELECT sutra_resume_job(NULL);
SELECT sutra_cancel_job(-1);
CALL sutra_run_job(1000000);
CALL sutra_run_job(NULL);
SELECT sutra_ingest('SELECT ''x'' AS content WHERE false') AS job \gset
SELECT sutra_pause_job(:job), sutra_cancel_job(:job), sutra_retry_job(:job);
SELECT sutra_resume_job(:job);
CALL sutra_run_job(:job);
BEGIN;
CALL sutra_run_job(:job);
ROLLBACK;
CREATE FUNCTION calls() RETURNS void LANGUAGE plpgsql AS $$BEGIN CALL sutra_run_job(1); END$$;
SELECT calls();

-- Nobody but the owner may do anything until it is granted.
CREATE ROLE regress_sutra_loader;
CREATE ROLE regress_sutra_learner;
SET ROLE regress_sutra_loader;
INSERT INTO sutra.inbox (content) VALUES ('x');
INSERT INTO sutra.ohlcv_inbox (ticker) VALUES ('x');
SELECT sutra_ingest();
SELECT sutra_cancel_job(1);
CALL sutra_run_job(1);
RESET ROLE;

-- A loader puts rows in and cannot say that they are another's, nor whose job they are.
GRANT INSERT (content, metadata, space) ON sutra.inbox TO regress_sutra_loader;
SET ROLE regress_sutra_loader;
COPY sutra.inbox (content) FROM STDIN;
Of the loader.
\.
SELECT * FROM sutra.inbox;
INSERT INTO sutra.inbox (content, inserted_by) VALUES ('forged', 'postgres');
RESET ROLE;
GRANT ALL ON sutra.inbox, sutra.job TO regress_sutra_loader;
SET ROLE regress_sutra_loader;
INSERT INTO sutra.inbox (content, inserted_by) VALUES ('forged', 'postgres');
INSERT INTO sutra.inbox (content, job) VALUES ('forged', 1);
UPDATE sutra.inbox SET inserted_by = 'postgres';
INSERT INTO sutra.job (owner) VALUES ('postgres');
UPDATE sutra.job SET owner = current_user;
RESET ROLE;
REVOKE ALL ON sutra.inbox, sutra.job FROM regress_sutra_loader;

-- A role that learns takes its own rows, not those of another, and steers no job of another.
GRANT INSERT (content, metadata, space) ON sutra.inbox TO regress_sutra_learner;
GRANT SELECT, INSERT, UPDATE, DELETE ON sutra.concept, sutra.association, sutra.observation, sutra.alias TO regress_sutra_learner;
GRANT SELECT ON sutra.metric, sutra.metadata_role, sutra.job, sutra.jobs TO regress_sutra_learner;
GRANT EXECUTE ON FUNCTION sutra_learn_batch(text[], jsonb[], embedding[]), sutra_ingest(text, text, integer),
    sutra_pause_job(bigint), sutra_resume_job(bigint), sutra_cancel_job(bigint), sutra_retry_job(bigint) TO regress_sutra_learner;
GRANT EXECUTE ON PROCEDURE sutra_run_job(bigint) TO regress_sutra_learner;
SELECT sutra.make_vector_table('all-MiniLM-L6-v2');
INSERT INTO sutra.space_role (space, role_name, may_read, may_learn) VALUES ('closed', 'regress_sutra_loader', true, true);
SET ROLE regress_sutra_learner;
INSERT INTO sutra.inbox (content, space) VALUES ('Of the learner.', 'default'), ('Where it may not learn.', 'closed');
-- Before PostgreSQL 17 no background worker works for a role without LOGIN: a warning says what to do.
SET client_min_messages = error;
SELECT sutra_ingest() AS mine \gset
SET client_min_messages = warning;
CALL sutra_run_job(:mine);
SELECT state, total, done, failed, owner FROM sutra.jobs WHERE job = :mine;
RESET ROLE;
SELECT content, sqlstate, message, inserted_by FROM sutra.job_error WHERE job = :mine;
SELECT content, inserted_by FROM sutra.inbox WHERE job IS NULL;
BEGIN;
SELECT sutra_ingest() AS job \gset
SELECT sutra_pause_job(:job);
COMMIT;
SET ROLE regress_sutra_learner;
SELECT sutra_cancel_job(:job);
SELECT sutra_resume_job(:job);
SELECT sutra_retry_job(:job);
CALL sutra_run_job(:job);
RESET ROLE;
-- The superuser's job learns the loader's row with the rights of the loader, who has none.
CALL sutra_run_job(:job);
SELECT content, sqlstate, message, inserted_by FROM sutra.job_error WHERE job = :job;
-- Nothing of all this was learned but one row.
SELECT content FROM sutra.concept;
-- A row whose role is gone is nobody's.
DELETE FROM sutra.space_role WHERE NOT builtin;
DROP OWNED BY regress_sutra_loader, regress_sutra_learner;
DROP ROLE regress_sutra_loader;
SELECT sutra_retry_job(:job);
CALL sutra_run_job(:job);
SELECT content, sqlstate, message, inserted_by FROM sutra.job_error WHERE job = :job;
DROP ROLE regress_sutra_learner;
