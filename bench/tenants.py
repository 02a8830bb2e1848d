#!/usr/bin/env python3
"""Time of sutra_search under row-level security over the owner's: 100,000 statements of two tenants.

    bench/tenants.py [--psql 'psql -d mydb'] [--statements 100000] [--queries 200] [--rounds 5]

Learns the statements with given vectors, half of them in the space of each tenant, unless they are there: sentences about 200
topics with words drawn at random with a fixed seed, and the vector of the topic with noise. The index of the vectors is built
after the learning. Then it searches the space of one tenant, in one session, each query first as the owner and then as the
tenant, the next time the other way round, with and without filters, and prints the medians of both as the server measures them
around the call, and their ratio. Each query ran once before, so its vector comes from the cache of embeddings and no
time of the model is in the figures. It ends with an error when the two see different results. Needs psql, a superuser, and a
database with the extension that may be filled; makes the roles bench_tenant_a and bench_tenant_b.
"""
import argparse

from psql import run


ROLES = """
SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['bench_tenant_a', 'bench_tenant_b']) AS name
WHERE to_regrole(name) IS NULL \\gexec
INSERT INTO sutra.space_role (space, role_name, may_read, may_learn)
SELECT name, name, true, true FROM unnest(ARRAY['bench_tenant_a', 'bench_tenant_b']) AS name ON CONFLICT DO NOTHING;
SELECT sutra.grant_access(name::regrole, 'learner') FROM unnest(ARRAY['bench_tenant_a', 'bench_tenant_b']) AS name;
"""

TOPICS = """
SET client_min_messages = error;
SELECT setseed(0.42);
CREATE TEMP TABLE topic AS
    SELECT (row_number() OVER ())::integer AS n, 'The ' || subject || ' ' || deed AS content
    FROM unnest(ARRAY['harbour authority', 'wind farm', 'regional bank', 'copper mine', 'dairy cooperative', 'airline', 'textile mill',
        'hospital trust', 'software house', 'steel works', 'railway operator', 'vineyard', 'water utility', 'shipyard', 'insurer',
        'paper mill', 'chip maker', 'grain trader', 'pharmacy chain', 'solar park']) AS subject,
    unnest(ARRAY['raised its dividend', 'closed a plant after a fire', 'signed a contract for ten years', 'reported a loss in spring',
        'hired a new director', 'recalled a faulty product', 'opened an office abroad', 'settled a dispute with its suppliers',
        'delayed the delivery of equipment', 'won a prize for safety']) AS deed;
"""

FILL = (
    TOPICS
    + """
ALTER TABLE topic ADD COLUMN vector embedding;
UPDATE topic SET vector = e.vector FROM (SELECT n, sutra_embed(content) AS vector FROM topic) AS e WHERE e.n = topic.n;
CREATE TEMP TABLE noise AS
    SELECT n, (SELECT array_agg((random() - 0.5)::real / 15) FROM generate_series(1, 384 + n * 0))::embedding AS vector
    FROM generate_series(0, 999) AS n;
CREATE TEMP TABLE statement AS
    SELECT s.n, t.content || ' in week ' || s.n % 97 || ', case ' || s.n || ': '
            || (SELECT string_agg('term' || floor(3000 * random() ^ 3), ' ') FROM generate_series(1, 12 + s.n * 0)) || '.' AS content,
        jsonb_build_object('topic', t.n, 'week', s.n % 97, 'half', s.n / 2 % 2) AS metadata,
        l2_normalize(t.vector + a.vector + b.vector) AS vector
    FROM (SELECT n, 1 + floor(200 * random())::integer AS topic, floor(1000 * random())::integer AS one, floor(1000 * random())::integer AS other
          FROM generate_series(1, {statements}) AS n) AS s
    JOIN topic AS t ON t.n = s.topic JOIN noise AS a ON a.n = s.one JOIN noise AS b ON b.n = s.other;
CREATE INDEX ON statement ((n / 2000), (n % 2));
-- The first statement makes the table of the vectors, if there is none yet.
SET sutra.space = 'bench_tenant_a';
SET sutra.similar_statements = 0;
SELECT sutra_learn('The bench of two tenants begins.');
CREATE TEMP TABLE made AS
    SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam
    WHERE a.amname = 'sutra_hnsw' AND i.indrelid::regclass::text LIKE 'sutra.vector_%';
SELECT 'DROP INDEX ' || name FROM made \\gexec
DO $$
BEGIN
    FOR batch IN 0..{statements} / 2000 LOOP
        FOR tenant IN 0..1 LOOP
            PERFORM set_config('sutra.space', (ARRAY['bench_tenant_a', 'bench_tenant_b'])[tenant + 1], false);
            PERFORM count(*) FROM sutra_learn_batch(
                (SELECT array_agg(content ORDER BY n) FROM statement WHERE n / 2000 = batch AND n % 2 = tenant),
                (SELECT array_agg(metadata ORDER BY n) FROM statement WHERE n / 2000 = batch AND n % 2 = tenant),
                (SELECT array_agg(vector ORDER BY n) FROM statement WHERE n / 2000 = batch AND n % 2 = tenant))
            WHERE EXISTS (SELECT FROM statement WHERE n / 2000 = batch AND n % 2 = tenant);
            COMMIT;
        END LOOP;
    END LOOP;
END $$;
SET maintenance_work_mem = '1GB';
SELECT definition FROM made \\gexec
VACUUM ANALYZE;
"""
)

MEASURE = (
    TOPICS
    + """
SET sutra.space = 'bench_tenant_a';
SET sutra.embedding_cache = '16MB';
CREATE TEMP TABLE spent (round integer, query integer, filter text, tenant boolean, ms float8, seen bigint, what text);
CREATE TEMP TABLE query AS
    SELECT q.n, t.content || ' term' || 1 + (q.n * 13) % 800 AS query
    FROM generate_series(1, {queries}) AS q (n) JOIN topic AS t ON t.n = 1 + (q.n * 7) % 200;
CREATE TEMP TABLE filter (name text, filter jsonb);
INSERT INTO filter VALUES ('no filter', NULL), ('half of the statements', '{{"half": 1}}'), ('1 statement in 97', '{{"week": 30}}');
GRANT ALL ON topic, query, filter, spent TO PUBLIC;
DO $$
DECLARE
    asked record;
    as_tenant boolean;
    started timestamptz;
    found bigint;
    shown text;
BEGIN
    FOR turn IN 0..{rounds} LOOP
        FOR asked IN SELECT q.n, q.query, f.name, f.filter FROM query AS q, filter AS f ORDER BY q.n, f.name LOOP
            FOR second IN 0..1 LOOP
                as_tenant := (turn + asked.n + second) % 2 = 1;
                EXECUTE CASE WHEN as_tenant THEN 'SET LOCAL ROLE bench_tenant_a' ELSE 'RESET ROLE' END;
                started := clock_timestamp();
                SELECT count(*), string_agg(concept_id::text || score::text, ' ' ORDER BY score DESC, concept_id)
                    INTO found, shown FROM sutra_search(asked.query, 10, asked.filter);
                INSERT INTO spent SELECT turn, asked.n, asked.name, as_tenant, 1000 * extract(epoch FROM clock_timestamp() - started), found, shown;
            END LOOP;
        END LOOP;
    END LOOP;
    RESET ROLE;
    IF EXISTS (SELECT FROM spent GROUP BY query, filter HAVING count(DISTINCT what) <> 1 OR min(seen) <> 10) THEN
        RAISE EXCEPTION 'owner and tenant see different results, or fewer than 10';
    END IF;
END $$;
SELECT format('%s: owner p50 %s ms, p95 %s ms; tenant p50 %s ms, p95 %s ms; tenant over owner %s at p50, %s at p95; %s searches of each',
    filter, o50, o95, t50, t95, round(t50 / o50, 3), round(t95 / o95, 3), searches)
FROM (SELECT filter,
          round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE NOT tenant)::numeric, 2) AS o50,
          round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) FILTER (WHERE NOT tenant)::numeric, 2) AS o95,
          round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE tenant)::numeric, 2) AS t50,
          round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) FILTER (WHERE tenant)::numeric, 2) AS t95,
          count(*) / 2 AS searches
      FROM spent WHERE round > 0 GROUP BY filter) AS s ORDER BY filter DESC;
"""
)


def main():
    """Fills the spaces unless they are filled, and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--psql", default="psql", help="how to reach the database (default: %(default)s)")
    parser.add_argument("--statements", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    run(arguments.psql, ROLES)
    count = "SELECT count(*) FROM sutra.concept WHERE space LIKE 'bench\\_tenant\\__' AND kind = 'statement'"
    if int(run(arguments.psql, count)) < arguments.statements:
        run(arguments.psql, FILL.format(**vars(arguments)))
    print(run(arguments.psql, count), "statements")
    print(run(arguments.psql, MEASURE.format(**vars(arguments))))


if __name__ == "__main__":
    main()
