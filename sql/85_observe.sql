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
