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
CREATE FUNCTION sutra.visible_spaces(role name, learning boolean) RETURNS SETOF text
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
    first_word text GENERATED ALWAYS AS (pg_catalog.split_part(key, ' ', 1)) STORED,
    last_word text GENERATED ALWAYS AS (pg_catalog.split_part(key, ' ', -1)) STORED,
    PRIMARY KEY (space, key, entity, kind),
    FOREIGN KEY (space, entity) REFERENCES sutra.concept (space, id) ON DELETE CASCADE
);
CREATE INDEX alias_entity_idx ON sutra.alias (entity, space);
CREATE INDEX alias_first_word_idx ON sutra.alias (first_word, space);
CREATE INDEX alias_last_word_idx ON sutra.alias (last_word, space);
COMMENT ON TABLE sutra.alias IS 'how text names an entity';
COMMENT ON COLUMN sutra.alias.space IS 'tenant or knowledge base';
COMMENT ON COLUMN sutra.alias.key IS 'the alias as it is looked up: case folded, punctuation dropped, blanks single';
COMMENT ON COLUMN sutra.alias.entity IS 'the entity named';
COMMENT ON COLUMN sutra.alias.kind IS 'ticker, name (as given), short (the name without its legal form) or user (added by hand)';
COMMENT ON COLUMN sutra.alias.alias IS 'the alias as it was written';
COMMENT ON COLUMN sutra.alias.builtin IS 'true for a row shipped with the extension';
COMMENT ON COLUMN sutra.alias.created_at IS 'when it was learned';
COMMENT ON COLUMN sutra.alias.first_word IS 'the first word of the key, for names that a question says by their beginning';
COMMENT ON COLUMN sutra.alias.last_word IS 'the last word of the key, for names that a question says by their end';

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
    ('open', '{open,opens,opened,opening,opening price,open price,opening value,opening bell,first price,starting price,initial price,start the day,started the day,begin the day,began the day,start trading,started trading,trading started,begin trading,began trading,opening print,opening trade,first trade,start the session,started the session,begin the session,began the session,start the trading day,started the trading day,kick off the session,kicked off the session,kick off the day,kicked off the day,trading starts,trading begins,trading began,trading kicked off}', 'opening price', 'USD', 'mean', true),
    ('high', '{high,highs,intraday high,day high,daily high,high price,session high,day peak,session peak,intraday peak,high of the day,high of day,hod,top tick}', 'high', 'USD', 'mean', true),
    ('low', '{low,lows,intraday low,day low,daily low,low price,session low,session bottom,intraday bottom,low of the day,low of day,lod,bottom tick,floor price}', 'low', 'USD', 'mean', true),
    ('close', '{close,closes,closed,closing,closing price,close price,price,prices,share price,stock price,stock,shares,quote,worth,cost,costs,valued,finish,finished,settle,settled,px,closing value,closing level,closing quote,closing bell,last price,end the day,ended the day,end the session,ended the session,finish the day,finished the day,end of day price,eod,eod price,eod close,settlement,settlement price,closing print,closing mark,final price,final quote,ending price,end price,last trade,last traded price,market close,ended trading,end trading,stopped trading,trading ended,trading stopped,trading closed,market closed}', 'closing price', 'USD', 'mean', true),
    ('adjusted_close', '{adjusted close,adj close,adjusted closing price}', 'adjusted closing price', 'USD', 'mean', true),
    ('volume', '{volume,volumes,vol,trading volume,traded volume,share volume,shares traded,number of shares traded,trading activity,turnover,trade volume,stock volume,traded shares,shares exchanged,adv}', 'trading volume', 'shares', 'sum', true);

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
    kind text NOT NULL DEFAULT 'ingest' CHECK (kind <> ''),
    space text NOT NULL DEFAULT 'default' CHECK (space <> '' AND space <> '*'),
    owner name NOT NULL DEFAULT current_user,
    source text,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'paused', 'cancelled', 'done')),
    total bigint NOT NULL DEFAULT 0,
    done bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    workers integer NOT NULL DEFAULT 1 CHECK (workers BETWEEN 1 AND 64),
    rate real,
    starts integer NOT NULL DEFAULT 0,
    home text,
    problem text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    started_at timestamptz,
    updated_at timestamptz,
    finished_at timestamptz
);
COMMENT ON SEQUENCE sutra.job_id_seq IS 'numbers of sutra.job';
COMMENT ON TABLE sutra.job IS 'work that background workers do batch by batch: one row a job';
COMMENT ON COLUMN sutra.job.id IS 'number of the job';
COMMENT ON COLUMN sutra.job.kind IS 'what it does: ingest learns rows of sutra.inbox, reembed makes the vectors of another model';
COMMENT ON COLUMN sutra.job.space IS 'the space it learns in';
COMMENT ON COLUMN sutra.job.owner IS 'the role it works for';
COMMENT ON COLUMN sutra.job.source IS 'the query or table that its rows came from, null for rows put into the inbox directly; the model of reembed';
COMMENT ON COLUMN sutra.job.state IS 'waiting, running, paused, cancelled or done';
COMMENT ON COLUMN sutra.job.total IS 'rows to do';
COMMENT ON COLUMN sutra.job.done IS 'rows done';
COMMENT ON COLUMN sutra.job.failed IS 'rows parked in sutra.job_error';
COMMENT ON COLUMN sutra.job.workers IS 'background workers that it is given';
COMMENT ON COLUMN sutra.job.rate IS 'rows a second, of late; null before the first batch';
COMMENT ON COLUMN sutra.job.starts IS 'workers begun since the last batch that was committed; many without one stop the job';
COMMENT ON COLUMN sutra.job.home IS 'the cluster and database where a preloaded server goes on with it by itself; in a restored copy it waits to be resumed';
COMMENT ON COLUMN sutra.job.problem IS 'why it was paused, when it was not by hand';
COMMENT ON COLUMN sutra.job.created_at IS 'when it was made';
COMMENT ON COLUMN sutra.job.started_at IS 'when its first batch began';
COMMENT ON COLUMN sutra.job.updated_at IS 'when its last batch ended';
COMMENT ON COLUMN sutra.job.finished_at IS 'when it ended';

CREATE TABLE sutra.inbox (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    job bigint,
    space text NOT NULL DEFAULT 'default',
    kind text NOT NULL DEFAULT 'statement' CHECK (kind IN ('statement', 'ohlcv')),
    content text,
    metadata jsonb DEFAULT '{}',
    inserted_by name NOT NULL DEFAULT current_user,
    inserted_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    FOREIGN KEY (job) REFERENCES sutra.job (id) ON DELETE CASCADE
);
CREATE INDEX inbox_job_idx ON sutra.inbox (job, id);
COMMENT ON SEQUENCE sutra.inbox_id_seq IS 'numbers of sutra.inbox';
COMMENT ON TABLE sutra.inbox IS 'rows waiting to be learned; COPY into (content, metadata, space)';
COMMENT ON COLUMN sutra.inbox.id IS 'number of the row';
COMMENT ON COLUMN sutra.inbox.job IS 'the job that will learn it; null until one takes it';
COMMENT ON COLUMN sutra.inbox.space IS 'the space it goes to';
COMMENT ON COLUMN sutra.inbox.kind IS 'statement (content with its metadata) or ohlcv (the metadata are a daily bar, which is told as a sentence)';
COMMENT ON COLUMN sutra.inbox.content IS 'the text; null for a bar';
COMMENT ON COLUMN sutra.inbox.metadata IS 'its metadata, an object; of a bar company, ticker, day, open, high, low, close and volume';
COMMENT ON COLUMN sutra.inbox.inserted_by IS 'the role that put it in and as which it is learned; set by the server, roles have no INSERT on it';
COMMENT ON COLUMN sutra.inbox.inserted_at IS 'when it was put in';
COMMENT ON COLUMN sutra.inbox.attempts IS 'how often learning it failed';
COMMENT ON COLUMN sutra.inbox.next_attempt_at IS 'not tried again before';

CREATE TABLE sutra.job_error (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    job bigint NOT NULL REFERENCES sutra.job (id) ON DELETE CASCADE,
    space text NOT NULL DEFAULT 'default',
    kind text NOT NULL DEFAULT 'statement' CHECK (kind IN ('statement', 'ohlcv')),
    content text,
    metadata jsonb,
    inserted_by name NOT NULL DEFAULT current_user,
    sqlstate text NOT NULL,
    message text NOT NULL,
    detail text,
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
COMMENT ON COLUMN sutra.job_error.kind IS 'statement or ohlcv, as in sutra.inbox';
COMMENT ON COLUMN sutra.job_error.metadata IS 'its metadata';
COMMENT ON COLUMN sutra.job_error.inserted_by IS 'the role that put it in';
COMMENT ON COLUMN sutra.job_error.sqlstate IS 'SQLSTATE of the last error';
COMMENT ON COLUMN sutra.job_error.message IS 'message of the last error';
COMMENT ON COLUMN sutra.job_error.detail IS 'its DETAIL; null when it has none';
COMMENT ON COLUMN sutra.job_error.attempts IS 'how often it was tried';
COMMENT ON COLUMN sutra.job_error.failed_at IS 'when it was given up';

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
SELECT pg_catalog.pg_extension_config_dump('sutra.job_series', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.job_series_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('sutra.model', '');
