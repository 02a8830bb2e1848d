#!/usr/bin/env python3
"""Time of sutra_paths over a large graph: 100,000 concepts and 1,000,000 edges, four steps.

    bench/graph.py [--psql 'psql -d mydb'] [--nodes 100000] [--edges 1000000] [--depth 4] [--queries 300] [--hubs]

Makes the graph in the space bench_graph, unless it is there with as many edges: entities with edges between concepts drawn
at random with a fixed seed, of five kinds, with confidences from 0.1 to 1; with --hubs the targets are drawn by the cube of a
uniform number, so that a few concepts are entered by a large share of the edges. Then it asks for the ten surest paths
between concepts drawn at random, each once after each was asked once before, and prints the milliseconds of a call as the
server measures them around it. Needs psql, and a database with the extension that may be filled.
"""
import argparse

from psql import run


FILL = """
SELECT setseed(0.42);
INSERT INTO sutra.concept (id, space, kind, content, digest)
SELECT id::concept_id, '{space}', 'entity', 'Node ' || n, sha256(convert_to('{space} ' || n, 'UTF8'))
FROM (SELECT n, encode(substring(sha256(convert_to('{space} ' || n, 'UTF8')) FROM 1 FOR 8), 'hex') AS id
      FROM generate_series(1, {nodes}) AS n) AS node ON CONFLICT (space, id) DO NOTHING;
CREATE TEMP TABLE node AS
    SELECT (row_number() OVER (ORDER BY id))::integer AS n, id FROM sutra.concept WHERE space = '{space}';
CREATE UNIQUE INDEX ON node (n);
-- No foreign key is checked a million times: both ends are drawn from the nodes.
SET session_replication_role = replica;
INSERT INTO sutra.association (space, source, target, kind, relation, confidence)
SELECT '{space}', s.id, t.id, e.kind::sutra.association_kind, 'linked', e.confidence
FROM (SELECT 1 + floor(random() * {nodes})::integer AS s, 1 + floor(random() ^ {skew} * {nodes})::integer AS t,
          (ARRAY['semantic', 'causal', 'temporal', 'hierarchical', 'compositional'])[1 + floor(random() * 5)::integer] AS kind,
          0.1 + 0.9 * random() AS confidence
      FROM generate_series(1, {edges}) AS n) AS e
JOIN node AS s ON s.n = e.s JOIN node AS t ON t.n = e.t
WHERE s.id <> t.id ON CONFLICT DO NOTHING;
RESET session_replication_role;
ANALYZE sutra.concept, sutra.association;
"""

MEASURE = """
SET sutra.space = '{space}';
SET client_min_messages = error;
CREATE TEMP TABLE node AS SELECT (row_number() OVER (ORDER BY id))::integer AS n, id FROM sutra.concept WHERE space = '{space}';
CREATE UNIQUE INDEX ON node (n);
CREATE TEMP TABLE spent (ms float8, found bigint, complete boolean);
SELECT setseed(0.7);
CREATE TEMP TABLE query AS
    SELECT n, 1 + floor(random() * {nodes})::integer AS source, 1 + floor(random() * {nodes})::integer AS target
    FROM generate_series(1, {queries}) AS n;
DO $$
DECLARE
    pair record;
    started timestamptz;
    paths bigint;
    whole boolean;
BEGIN
    FOR round IN 1..2 LOOP
        FOR pair IN SELECT s.id AS source, t.id AS target FROM query AS q
            JOIN node AS s ON s.n = q.source JOIN node AS t ON t.n = q.target WHERE s.id <> t.id ORDER BY q.n
        LOOP
            started := clock_timestamp();
            SELECT count(*), coalesce(bool_and(complete), true) INTO paths, whole
            FROM sutra_paths(pair.source, pair.target, {depth}, direction => '{direction}');
            IF round = 2 THEN
                INSERT INTO spent VALUES (1000 * extract(epoch FROM clock_timestamp() - started), paths, whole);
            END IF;
        END LOOP;
    END LOOP;
END $$;
SELECT format('%s, depth {depth}: p50 %s ms, p90 %s ms, p99 %s ms, greatest %s ms; %s calls, paths found in %s, ended early %s',
    '{direction}', round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 2), round(percentile_cont(0.9) WITHIN GROUP (ORDER BY ms)::numeric, 2),
    round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 2), round(max(ms)::numeric, 2), count(*),
    count(*) FILTER (WHERE found > 0), count(*) FILTER (WHERE NOT complete)) FROM spent;
"""


def main():
    """Fills the space unless it is filled, and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--psql", default="psql", help="how to reach the database (default: %(default)s)")
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--hubs", action="store_true", help="few concepts that very many edges enter")
    arguments = parser.parse_args()
    space = "bench_graph_hubs" if arguments.hubs else "bench_graph"
    values = {"space": space, "skew": 3 if arguments.hubs else 1, **vars(arguments)}
    there = int(run(arguments.psql, f"SELECT count(*) FROM sutra.association WHERE space = '{space}'"))
    if there < 0.9 * arguments.edges:
        run(arguments.psql, FILL.format(**values))
    print(run(arguments.psql, f"SELECT count(*) || ' edges' FROM sutra.association WHERE space = '{space}'"))
    for direction in ("out", "both"):
        print(run(arguments.psql, MEASURE.format(direction=direction, **values)))


if __name__ == "__main__":
    main()
