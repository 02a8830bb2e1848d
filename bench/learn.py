"""Measures learning: statements a second with given vectors, how that grows, and learning against embedding alone."""

import argparse
import datetime
import json
import os
import sys
from pathlib import Path

import numpy as np

import data
import report
from bench import Bench, QUICK, spread
from server import COPY_ROWS, SUTRA, BenchError

DIMENSION = 384
BATCH = 1000
# The rate at a size is measured over the last statements before it.
WINDOW = 5000
LEARN = """SELECT count(*) FROM (
    SELECT sutra_learn_batch(
        array_agg(content ORDER BY id), array_agg(metadata ORDER BY id), array_agg(v ORDER BY id))
    FROM staging WHERE id >= :row AND id < :row + 1000) AS learned;
\\set row :row + 1000
"""
# News of the companies of the bars, of four to thirty words, about causes, purchases and products.
SENTENCES = """CREATE TABLE sentence AS
    SELECT n AS id, jsonb_build_object('topic', topic[1 + n % 5]) AS metadata,
        format('%s %s %s %s%s.', subject[1 + n % 7], verb[1 + n / 7 % 6], object[1 + n / 42 % 8], topic[1 + n % 5], ' in the year ' || 1500 + n) AS content
    FROM generate_series(0, {count} - 1) AS n,
        (VALUES (ARRAY['The maker of engines', 'A small bank of the north', 'Qaaa Holdings', 'The port', 'Its largest customer', 'Heavy rain over the plains', 'The ministry'],
            ARRAY['reported', 'was delayed because of', 'led to', 'bought a supplier of', 'warned of', 'announced'],
            ARRAY['weaker sales of parts for trucks and trains', 'a strike', 'higher prices of copper', 'new rules for lenders that take deposits from households',
                'flooding along the river', 'a loss', 'an agreement with its lenders after months of talks about the terms', 'demand'],
            ARRAY['at home', 'abroad', 'for the second quarter in a row', 'although the weather had been mild', 'as the board had expected']))
        AS words (subject, verb, object, topic);
"""
FORGET = "SELECT count(sutra_forget(id)) FROM sutra.concept WHERE kind = 'statement';"


def options():
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench-learn OPTIONS=...", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="30,000 statements instead of 300,000")
    parser.add_argument("--sizes", help="statements at which the rate is measured, ascending thousands, such as 10000,100000")
    parser.add_argument("--texts", type=int, default=500, help="texts of a run of learning against embedding")
    parser.add_argument("--runs", type=int, default=5, help="runs of learning against embedding")
    return parser.parse_args()


def statements(count):
    """Daily bars of made-up companies, four years each: (content, metadata), no two alike, the same at each run."""
    random = np.random.default_rng(data.SEED)
    days = [datetime.date(2016, 1, 1) + datetime.timedelta(day) for day in range(1461)]
    days = [day for day in days if day.weekday() < 5]
    for number in range(count):
        company, day = divmod(number, len(days))
        ticker = "Q" + "".join(chr(ord("A") + company // 26**place % 26) for place in (2, 1, 0))
        if day == 0:
            price = random.uniform(10, 400)
        bar = price * np.exp(random.normal(0, 0.01, 2))
        low, high = min(bar) * 0.995, max(bar) * 1.005
        volume, price = int(random.uniform(1e5, 1e8)), bar[1]
        content = (
            f"{ticker.title()} Holdings Inc. ({ticker}) financial data for {days[day]}: Stock opened at ${bar[0]:.2f},"
            f" closed at ${bar[1]:.2f}, with high of ${high:.2f} and low of ${low:.2f}. Trading volume was"
            f" {volume:,} shares."
        )
        metadata = {
            "source": "bench",
            "company": ticker,
            "date": str(days[day]),
            "data_type": "ohlcv",
            "price_open": f"{bar[0]:.2f}",
            "price_high": f"{high:.2f}",
            "price_low": f"{low:.2f}",
            "price_close": f"{bar[1]:.2f}",
            "price_volume": str(volume),
        }
        yield content, json.dumps(metadata)


def vectors(cache, count):
    """GloVe's words turned into 384 dimensions by one random projection: neighbourhoods of real data, none alike."""
    words = data.load("glove", cache, None, 0, count).rows
    projection = np.random.default_rng(data.SEED).normal(size=(words.shape[1], DIMENSION)).astype(np.float32)
    for start in range(0, count, COPY_ROWS):
        block = words[start : start + COPY_ROWS] @ projection
        yield start, block / np.linalg.norm(block, axis=1, keepdims=True)


def stage(bench, database, cache, count):
    """The table staging (id, content, metadata, v) that the batches are taken from."""
    bench.say(f"staging {count:,} statements")
    database.run(
        "CREATE TABLE text (id integer, content text, metadata jsonb);"
        f" CREATE TABLE vector (id integer, v embedding({DIMENSION}));"
    )
    lines = (f"{number}\t{content}\t{metadata}\n" for number, (content, metadata) in enumerate(statements(count)))
    bench.server.psql(database.engine.key, "COPY text FROM STDIN", stdin="".join(lines).encode())
    for start, block in vectors(cache, count):
        database.copy("vector", block, start)
    database.run(
        "CREATE TABLE staging AS SELECT id, content, metadata, v FROM text JOIN vector USING (id);"
        " DROP TABLE text, vector; ALTER TABLE staging ADD PRIMARY KEY (id); VACUUM (ANALYZE) staging;"
    )


def grow(bench, database, sizes):
    """Learns up to each size: the statements a second of all and of the last ones before each size."""
    learned, elapsed, steps = 0, 0.0, []
    for size in sizes:
        for count in (size - WINDOW - learned, WINDOW):
            rows = {"row": learned}
            rate = BATCH * database.pgbench(LEARN, bench.folder, transactions=count // BATCH, variables=rows)
            learned, elapsed = learned + count, elapsed + count / rate
        steps.append({"statements": size, "rate": rate, "overall": size / elapsed})
        bench.say(f"{size:,} statements learned: {rate:,.0f} a second, {size / elapsed:,.0f} over all")
    concepts = int(database.value("SELECT count(*) FROM sutra.concept WHERE kind = 'statement';"))
    if concepts != learned:
        raise BenchError(f"{learned:,} statements were learned, but {concepts:,} are there")
    return steps


def drop_vector_indexes(database):
    """Drops the vector indexes; the tables are made by the first statement that is learned."""
    database.run("SELECT sutra_learn('The first statement makes the table of vectors.');" + FORGET)
    names = database.run(
        "SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'sutra_hnsw';"
    ).split()
    if not names:
        raise BenchError("there is no vector index to drop, so both measurements would be the same")
    database.run("".join(f"DROP INDEX {name};" for name in names))


def against_embedding(bench, database, kind, source, texts, runs):
    """Seconds to embed texts in one call, and to learn the same texts in one call, each in a warm session; alternating."""
    embed, learn = [], []
    for run in range(runs):
        rows = f"FROM {source} WHERE id >= {run * texts} AND id < {(run + 1) * texts}"
        warm = "SET sutra.embedding_cache = 0; SELECT sutra_learn('A warm session.'); "
        embed.append(database.seconds(f"{warm} SELECT cardinality(sutra_embed(array_agg(content ORDER BY id))) {rows}"))
        batch = "SELECT sutra_learn_batch(array_agg(content ORDER BY id), array_agg(metadata ORDER BY id))"
        learn.append(database.seconds(f"{warm} SELECT count(*) FROM ({batch} {rows}) AS learned"))
        bench.say(f"{texts} {kind}: embedded in {embed[-1]:.2f} s, learned in {learn[-1]:.2f} s")
    ratios = [one / other for one, other in zip(learn, embed, strict=True)]
    return {"texts": texts, "embed": spread(embed), "learn": spread(learn), "ratio": spread(ratios)}


# What is asked of the rate over the first 100,000 statements, must and aim, and of the growth of the cost of one.
GOALS = (("without", 1500, 3000, 1.3), ("with", 450, 900, 1.8))
# Learning over embedding alone.
LEARNING = 1.25


def verdict(reached, better=None):
    """PASS or MISS of a must, and whether the aim is reached."""
    return "PASS" + (", aim" if better else "") if reached else "MISS"


def write(results, folder):
    """Writes learn.md; returns the Markdown."""
    number, table = report.number, report.table
    rows = []
    for which, must, aim, growth in GOALS:
        steps = results[which]
        for step in steps:
            rows.append([f"statements/s at {step['statements']:,}, {which} the vector index", number(step["rate"]), "", ""])
        middle = min(steps, key=lambda step: abs(step["statements"] - 100_000))
        name = f"statements/s over the first {middle['statements']:,}, {which} the vector index"
        overall = middle["overall"]
        rows.append([name, number(overall), f"{must:,} / {aim:,}", verdict(overall >= must, overall >= aim)])
        grown = steps[0]["rate"] / steps[-1]["rate"]
        span = f"{steps[0]['statements']:,} to {steps[-1]['statements']:,}"
        rows.append([f"growth of the cost of a statement, {span}, {which}", number(grown), f"{growth}", verdict(grown < growth)])
    for kind, embedding in results["embedding"].items():
        rows.append([f"embedding {embedding['texts']} {kind}, s", report.spread_text(embedding["embed"]), "", ""])
        rows.append(["learning the same, s", report.spread_text(embedding["learn"]), "", ""])
        ratio = embedding["ratio"]
        rows.append([f"learning / embedding, {kind}", report.spread_text(ratio), f"{LEARNING}", verdict(ratio["median"] <= LEARNING)])
    text = "## Learning\n\n" + results["description"] + "\n" + table(["figure", "measured", "must / aim", "reached"], rows)
    (folder / "learn.md").write_text(text, encoding="utf-8")
    return text


def main():
    """Runs the figures."""
    chosen = options()
    folder, cache = Path(os.environ["SUTRA_BENCH_RESULTS"]), Path(os.environ["SUTRA_BENCH_CACHE"])
    sizes = (10_000, 30_000) if chosen.quick else (10_000, 30_000, 100_000, 300_000)
    if chosen.sizes:
        sizes = tuple(int(size) for size in chosen.sizes.split(","))
    results = {}
    for which in ("without", "with"):
        bench = Bench([SUTRA], QUICK, folder, 0, "1GB")
        (database,) = bench.databases
        stage(bench, database, cache, sizes[-1])
        if which == "without":
            results["description"] = report.machine_text(bench, "make bench-learn", sys.argv[1:])
            # Bars have edges in time; sentences without numbers of their own have edges to what is like them.
            database.run(SENTENCES.format(count=chosen.texts * chosen.runs))
            results["embedding"] = {
                "bars": against_embedding(bench, database, "bars", "staging", chosen.texts, chosen.runs),
                "sentences": against_embedding(bench, database, "sentences", "sentence", chosen.texts, chosen.runs),
            }
            database.run(FORGET)
            drop_vector_indexes(database)
        results[which] = grow(bench, database, sizes)
    (folder / "learn.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(write(results, folder))


if __name__ == "__main__":
    try:
        main()
    except (BenchError, data.Unavailable) as error:
        sys.exit(f"bench-learn: {error}")
