"""Measures sutra_search over 100,000 short texts and 100,000 daily bars: by words alone, with vectors, and with filters
as a role that row-level security applies to. Fails when a filter is not exact or a result is missing."""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

import data
import report
from bench import Bench, QUICK
from learn import DIMENSION, statements
from server import COPY_ROWS, SUTRA, BenchError

ROLE = "bench_analyst"
TABLE = "sutra.vector_all_minilm_l6_v2"
RESULTS = 10
# Words of the language that the texts are drawn from, and how many the stop words of a real one would take away.
WORDS, STOP_WORDS = 50_000, 130
# Vectors of the model that the others lie around.
TOPICS = 300
# p50 of the words alone, in milliseconds: what is asked of it.
MUST = 20


def options():
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench-search OPTIONS=...", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="statements of each kind (default: %(default)s)")
    parser.add_argument("--queries", type=int, default=200, help="queries of each kind (default: %(default)s)")
    return parser.parse_args()


class Language:
    """Words of two to five syllables, drawn with the frequencies that the words of a natural language have (Zipf-Mandelbrot)."""

    def __init__(self, random):
        syllables = [consonant + vowel for consonant in "bdfgklmnprtvz" for vowel in "aeiou"]
        words = set()
        while len(words) < WORDS:
            words.add("".join(random.choice(syllables, size=random.integers(2, 6))))
        self.random, self.words = random, np.array(sorted(words))
        random.shuffle(self.words)
        weights = 1 / (np.arange(WORDS) + STOP_WORDS)
        self.weights = weights / weights.sum()

    def draw(self, count):
        """So many words."""
        return self.random.choice(self.words, size=count, p=self.weights)


def texts(random, count):
    """Texts of 8 to 40 words with a section (100 texts each) and a group (a twentieth of all): (content, metadata)."""
    language = Language(random)
    for number in range(count):
        metadata = {"section": f"s{number // 100}", "group": f"g{number % 20}"}
        yield f"{number} " + " ".join(language.draw(random.integers(8, 41))) + ".", json.dumps(metadata)


def queries(random, contents, count):
    """Two to six words of one statement each, without its numbers."""
    for content in random.choice(contents, size=count):
        words = [word for word in content.replace(".", " ").replace(",", " ").split() if word.isalpha() and len(word) > 3]
        number = min(int(random.integers(2, 7)), len(words))
        yield " ".join(random.choice(words, size=number, replace=False))


def fill(bench, database, space, rows, random):
    """Learns statements with given vectors into a space; the index on the vectors is made by the caller."""
    bench.say(f"learning {len(rows):,} statements in the space {space}")
    database.run("DROP TABLE IF EXISTS text, vector, staging;"
                 f" CREATE TABLE text (id integer, content text, metadata jsonb); CREATE TABLE vector (id integer, v embedding({DIMENSION}));")
    lines = "".join(f"{number}\t{content}\t{metadata}\n" for number, (content, metadata) in enumerate(rows))
    bench.server.psql(database.engine.key, "COPY text FROM STDIN", stdin=lines.encode())
    # Around vectors of the model, which those of queries lie among too: to random ones a query is equally near to all.
    step = max(1, len(rows) // TOPICS)
    embedded = database.value(f"SELECT json_agg(sutra_embed(content)::real[] ORDER BY id) FROM text WHERE id % {step} = 0;")
    topics = np.array(json.loads(embedded), dtype=np.float32)
    for start in range(0, len(rows), COPY_ROWS):
        size = min(COPY_ROWS, len(rows) - start)
        noise = random.normal(scale=0.7 / DIMENSION**0.5, size=(size, DIMENSION)).astype(np.float32)
        block = topics[random.integers(0, len(topics), size)] + noise
        database.copy("vector", block, start)
    database.run("CREATE TABLE staging AS SELECT id, content, metadata, v FROM text JOIN vector USING (id); ALTER TABLE staging ADD PRIMARY KEY (id);")
    database.run("".join(
        "SELECT count(*) FROM (SELECT sutra_learn_batch(array_agg(content ORDER BY id), array_agg(metadata ORDER BY id), array_agg(v ORDER BY id))"
        f" FROM staging WHERE id >= {start} AND id < {start + 1000}) AS learned;\n"
        for start in range(0, len(rows), 1000)
    ), {"sutra.space": space})


MEASURE = """
SET sutra.space = '{space}';
CREATE TEMP TABLE query (n integer, words text, filter jsonb);
{values}
CREATE TEMP TABLE spent (ms float8, words bigint, found bigint, wrong bigint);
GRANT ALL ON query, spent TO {role};
{become}
DO $$
DECLARE
    q record;
    started timestamptz;
    spent_ms float8;
    number bigint;
    beside bigint;
BEGIN
    FOR q IN SELECT * FROM query ORDER BY n LOOP
        -- The first call makes the vector of the question, which is not what is measured.
        PERFORM FROM sutra_search(q.words, {k}, q.filter);
        started := clock_timestamp();
        PERFORM FROM sutra_search(q.words, {k}, q.filter);
        spent_ms := 1000 * extract(epoch FROM clock_timestamp() - started);
        SELECT count(*), count(*) FILTER (WHERE NOT s.metadata @> coalesce(q.filter, '{{}}')) INTO number, beside
        FROM sutra_search(q.words, {k}, q.filter) AS s;
        INSERT INTO spent VALUES (spent_ms, cardinality(string_to_array(q.words, ' ')), number, beside);
    END LOOP;
END $$;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), percentile_cont(0.9) WITHIN GROUP (ORDER BY ms),
    percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), min(found), sum(wrong) FROM spent;
"""


def measure(bench, database, name, space, asked, filters=None, role=None, k=RESULTS):
    """Milliseconds of a search whose question has its vector, p50, p90 and p99."""
    rows = []
    for number, words in enumerate(asked):
        chosen = f"'{json.dumps(filters[number % len(filters)])}'" if filters else "NULL"
        rows.append(f"INSERT INTO query VALUES ({number}, '{words}', {chosen});")
    become = f"SET ROLE {role};" if role else ""
    answer = database.value(MEASURE.format(space=space, values="\n".join(rows), become=become, k=k, role=ROLE))
    p50, p90, p99, least, wrong = (float(field) for field in answer.split("|"))
    bench.say(f"{name}: p50 {p50:.2f} ms, p90 {p90:.2f}, p99 {p99:.2f}; at least {least:.0f} results")
    if wrong:
        raise BenchError(f"{name}: {wrong:.0f} results do not pass the filter")
    if filters and least < k:
        raise BenchError(f"{name}: {least:.0f} results, but more than {k} statements match")
    return {"name": name, "p50": p50, "p90": p90, "p99": p99}


def main():
    """Runs the figures."""
    chosen = options()
    folder = Path(os.environ["SUTRA_BENCH_RESULTS"])
    bench = Bench([SUTRA], QUICK, folder, 1, "1GB")
    (database,) = bench.databases
    random = np.random.default_rng(data.SEED)
    database.run(f"DROP ROLE IF EXISTS {ROLE}; CREATE ROLE {ROLE}; SELECT sutra_learn('The first statement makes the table of vectors.');"
                 f" SELECT sutra.grant_access('{ROLE}');")
    index = database.value(
        "SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam"
        f" WHERE a.amname = 'sutra_hnsw' AND i.indrelid = '{TABLE}'::regclass;"
    )
    definition = database.value(f"SELECT pg_get_indexdef('{index}'::regclass);")
    database.run(f"DROP INDEX {index};")
    kinds = {"texts": list(texts(random, chosen.count)), "bars": list(statements(chosen.count))}
    asked = {}
    for space, rows in kinds.items():
        fill(bench, database, space, rows, random)
        asked[space] = list(queries(random, [content for content, _ in rows], chosen.queries))
        database.run(f"INSERT INTO sutra.space_role (space, role_name, may_read) VALUES ('{space}', '{ROLE}', true);")
    database.run("VACUUM ANALYZE;")
    bench.say("building the vector index")
    database.run(definition + ";", {"maintenance_work_mem": bench.memory})
    steps = []
    # Without its table of vectors a model has none, and the words alone are searched.
    database.run(f"ALTER TABLE {TABLE} RENAME TO aside;")
    for space in kinds:
        steps.append(measure(bench, database, f"{space}: words alone (BM25)", space, asked[space]))
    database.run(f"ALTER TABLE sutra.aside RENAME TO {TABLE.split('.')[1]};")
    for space in kinds:
        steps.append(measure(bench, database, f"{space}: words and vectors", space, asked[space]))
    sections = [{"section": f"s{number}"} for number in random.integers(0, chosen.count // 100, 50)]
    groups = [{"group": f"g{number}"} for number in range(20)]
    for what, filters in (("100 statements", sections), (f"{chosen.count // 20:,} statements", groups)):
        for who, role in (("owner", None), ("a role under row-level security", ROLE)):
            name = f"texts: a filter that {what} pass, {who}"
            steps.append(measure(bench, database, name, "texts", asked["texts"], filters, role))
    for what, filters in (("100", sections), (f"{chosen.count // 20:,}", groups)):
        name = f"texts: 100 results of the {what} that pass a filter, under row-level security"
        steps.append(measure(bench, database, name, "texts", asked["texts"], filters, ROLE, k=100))
    rows = [[step["name"], *(report.number(step[key]) for key in ("p50", "p90", "p99")),
             ("PASS" if step["p50"] < MUST else "MISS") if "BM25" in step["name"] else ""] for step in steps]
    text = f"## Search\n\n{report.machine_text(bench, 'make bench-search', sys.argv[1:])}\n"
    text += f"{chosen.count:,} statements of each kind, {chosen.queries} queries of 2 to 6 words, {RESULTS} results, milliseconds in the server.\n\n"
    text += report.table(["figure", "p50", "p90", "p99", f"p50 under {MUST}"], rows)
    (folder / "search.json").write_text(json.dumps(steps, indent=1), encoding="utf-8")
    (folder / "search.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    try:
        main()
    except (BenchError, data.Unavailable) as error:
        sys.exit(f"bench-search: {error}")
