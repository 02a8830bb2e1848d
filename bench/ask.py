"""Measures asking: latencies by kind of question, their growth with what was learned, and several connections at once."""

import argparse
import datetime
import json
import os
import re
import sys
from pathlib import Path

import numpy as np

import data
import learn
import report
from bench import QUICK, Bench, spread
from server import SUTRA, BenchError

# Kinds of questions that no vector is needed for, and their wordings; {c} is a company, {m} a month, {q} a quarter, {d} a day.
COMPUTED = {
    "value on a day": ["What did {c} close at on {d}?", "volume of {c} on {d}", "{c} opening price {d}"],
    "aggregate of a month": ["What was the average closing price of {c} in {m}?", "total volume of {c} in {m}"],
    "change, trend, volatility": ["{c} trend {q}", "How volatile was {c} in {m}?", "How much did {c} gain or lose in {q}?"],
    "date or count of days": [
        "On which date did {c} have its highest close in {q}?",
        "On how many days did {c} close above $100 in {q}?",
    ],
    "two companies": ["Which performed better in {q}, {c} or {c2}?", "correlation between {c} and {c2} in {q}"],
    "latest": ["What is the latest closing price of {c}?", "average close of {c} over the last 20 trading days"],
    "fact": ["Where is {c} headquartered?", "Which sector does {c} belong to?"],
    "declined": ["What was the dividend yield of {c} in {m}?", "What did {c} close at on January 5, 2031?"],
}
# Cost by evidence: every company is read.
RANKING = {
    "all companies, a day": ["Which company had the highest closing price on {d}?"],
    "all companies, a month": ["Which stock gained the most in {m}?", "Top 5 companies by volume in {m}"],
    "a sector, a month": ["Which {s} stock performed best in {m}?"],
}
OPEN = {"open text": ["Who built the {t} lighthouse?", "From how far away is the lamp of the {t} lighthouse seen?"]}
SECTORS = ("Energy", "Materials", "Utilities", "Financials", "Health Care", "Real Estate")
CITIES = ("Riverton", "Lakewood", "Hillsboro", "Fairview", "Georgetown")
MONTHS = "January February March April May June July August September October November December".split()
# One text for so many bars.
TEXTS = 50
# Trading days of a company, as learn.statements makes them.
COMPANY = 1044
SESSION = {"sutra.embedding_cache": 0}


def options():
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench-ask OPTIONS=...", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="3,000 and 10,000 statements, few questions")
    parser.add_argument("--sizes", default="3000,30000,100000,300000", help="numbers of concepts to measure at (%(default)s)")
    parser.add_argument("--connections-at", type=int, default=100_000, help="size at which several connections are measured")
    parser.add_argument("--questions", type=int, default=60, help="questions of each kind (default: %(default)s)")
    parser.add_argument("--seconds", type=int, default=10, help="seconds of each run with several connections")
    parser.add_argument("--runs", type=int, default=3, help="runs of these, of which the median is reported")
    return parser.parse_args()


def vector_indexes(database):
    """(name, definition) of the vector indexes; the first statement that is learned makes them with their table."""
    database.run("SELECT sutra_learn('The first statement makes the table of vectors.');" + learn.FORGET)
    found = database.run(
        "SELECT i.indexrelid::regclass || chr(9) || pg_get_indexdef(i.indexrelid) FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'sutra_hnsw';"
    )
    return [line.split("\t") for line in found.splitlines()]


def grow(bench, database, indexes, learned, size):
    """Learns up to a size. The vector index is built after it, as for any bulk load: it would take most of the time."""
    for name, _ in indexes:
        database.run(f"DROP INDEX {name};")
    database.pgbench(learn.LEARN, bench.folder, transactions=(size - learned) // learn.BATCH, variables={"row": learned})
    for _, definition in indexes:
        database.run(f"{definition};", {"maintenance_work_mem": "1GB"})
    bench.say(f"{size:,} statements learned")


def ticker(company):
    """The ticker that learn.statements gives a company."""
    return "Q" + "".join(chr(ord("A") + company // 26**place % 26) for place in (2, 1, 0))


def name(number):
    """A name that no other number has, of syllables."""
    syllables = [left + right for left in "bdfgklmnprstvz" for right in ("a", "e", "i", "o", "u", "ar", "el", "in", "on")]
    parts = []
    for _ in range(3):
        number, part = divmod(number, len(syllables))
        parts.append(syllables[part])
    return "".join(parts).capitalize()


def profile(company):
    """(content, metadata) of a company that has bars."""
    symbol, sector, city = ticker(company), SECTORS[company % len(SECTORS)], CITIES[company % len(CITIES)]
    title, founded = f"{symbol.title()} Holdings Inc.", 1900 + company % 100
    content = f"{title} ({symbol}) is a company in the {sector} sector, headquartered in {city}, founded in {founded}."
    facts = {"name": title, "sector": sector, "headquarters": city, "founded": str(founded)}
    return content, json.dumps({"source": "bench", "data_type": "profile", "company": symbol} | facts)


def texts(count):
    """(content, metadata) of sentences that open questions are about."""
    for number in range(count):
        content = (
            f"The {name(number)} lighthouse near {CITIES[number % 5]} was built by {name(7919 + number * 13)} in {1800 + number % 150};"
            f" its lamp is seen from {10 + number % 17} miles away."
        )
        yield content, json.dumps({"source": "bench", "data_type": "text"})


def statements(count):
    """All statements in the order in which they are learned: bars, and among them profiles and texts."""
    others = iter(texts(count))
    for number, bar in enumerate(learn.statements(count)):
        if number % COMPANY == 0:
            yield profile(number // COMPANY)
        elif number % TEXTS == 1:
            yield next(others)
        else:
            yield bar


def stage(bench, database, cache, count):
    """The table staging (id, content, metadata, v) that the batches are taken from."""
    bench.say(f"staging {count:,} statements")
    database.run(f"CREATE TABLE text (id integer, content text, metadata jsonb); CREATE TABLE vector (id integer, v embedding({learn.DIMENSION}));")
    lines = (f"{number}\t{content}\t{metadata}\n" for number, (content, metadata) in enumerate(statements(count)))
    bench.server.psql(database.engine.key, "COPY text FROM STDIN", stdin="".join(lines).encode())
    for start, block in learn.vectors(cache, count):
        database.copy("vector", block, start)
    database.run(
        "CREATE TABLE staging AS SELECT id, content, metadata, v FROM text JOIN vector USING (id);"
        " DROP TABLE text, vector; ALTER TABLE staging ADD PRIMARY KEY (id); VACUUM (ANALYZE) staging;"
    )


def fill(random, wording, companies, texts_known):
    """A question of a wording."""
    one, two = random.choice(companies, 2, replace=False) if companies > 1 else (0, 0)
    year, month = int(random.integers(2016, 2020)), int(random.integers(1, 13))
    day = datetime.date(year, month, int(random.integers(1, 29)))
    while day.weekday() > 4:
        day += datetime.timedelta(1)
    slots = {
        "c": ticker(one), "c2": ticker(two), "m": f"{MONTHS[month - 1]} {year}", "q": f"Q{(month + 2) // 3} {year}", "d": str(day),
        "s": SECTORS[random.integers(len(SECTORS))], "t": name(int(random.integers(max(1, texts_known)))),
    }
    return wording.format(**slots)


def questions(kinds, count, companies, texts_known, seed):
    """`count` questions of each kind: {kind: [question]}."""
    random = np.random.default_rng([data.SEED, seed])
    return {
        kind: [fill(random, wordings[number % len(wordings)], companies, texts_known) for number in range(count)]
        for kind, wordings in kinds.items()
    }


def literal(text):
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def latencies(database, asked):
    """Milliseconds of each question of a session: {kind: [ms]}; the session is warm, the questions are new to it."""
    warm = [question for kind in asked.values() for question in kind[: max(4, len(kind) // 10)]]
    order = [(kind, question) for number in range(len(next(iter(asked.values())))) for kind, qs in asked.items() for question in [qs[number]]]
    script = "".join(f"SELECT count(*) FROM sutra_ask({literal(question)});\n" for question in warm)
    script += "\\timing on\n" + "".join(f"SELECT count(*) FROM sutra_ask({literal(question)});\n" for _, question in order)
    times = re.findall(r"^Time: ([\d.]+) ms", database.run(script, SESSION), re.M)
    if len(times) != len(order):
        raise BenchError(f"{len(order)} questions were asked and {len(times)} times came back")
    found = {kind: [] for kind in asked}
    for (kind, _), elapsed in zip(order, times, strict=True):
        found[kind].append(float(elapsed))
    return found


def answered(database, asked):
    """How often each kind is answered in its way, and not by an abstention or a quotation: a check that the right thing is timed."""
    found = {}
    for kind, of_kind in asked.items():
        script = "".join(f"SELECT kind FROM sutra_ask({literal(question)}) WHERE rank = 1;\n" for question in of_kind)
        kinds = database.run(script, SESSION).split()
        wanted = {"declined": "abstention", "open text": "statement"}.get(kind, "computed")
        found[kind] = kinds.count(wanted) / len(kinds)
    return found


def connections(bench, database, asked, seconds, runs):
    """Questions a second of one, two and four connections that ask a mix."""
    rows = ",".join(f"({number}, {literal(question)})" for number, question in enumerate(asked))
    database.run(f"CREATE TABLE question (id integer PRIMARY KEY, text text); INSERT INTO question VALUES {rows}; VACUUM ANALYZE question;")
    script = f"\\set q random(0, {len(asked) - 1})\nSELECT count(*) FROM question AS q, sutra_ask(q.text) AS a WHERE q.id = :q;\n"
    rates = {clients: [] for clients in (1, 2, 4)}
    for run in range(runs):
        for clients in list(rates)[:: 1 if run % 2 == 0 else -1]:
            rates[clients].append(database.pgbench(script, bench.folder, clients=clients, seconds=seconds, settings=SESSION))
    database.run("DROP TABLE question;")
    return {clients: spread(values) for clients, values in rates.items()}


def quantile(values, share):
    """A quantile of few values, without interpolation."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(bench, database, size, count):
    """Latencies by kind at a size."""
    database.run("VACUUM (ANALYZE);")
    known = size // TEXTS
    # Over companies that are there at every size, so that what grows is only what was learned beside them.
    few = questions(COMPUTED, count, 2, known, size)
    groups = {
        "computed": few,
        "ranking": questions(RANKING, max(6, count // 4), 2, known, size + 1),
        "open": questions(OPEN, count, 2, known, size + 2),
    }
    result = {"statements": size, "observations": int(database.value("SELECT count(*) FROM sutra.observation;")), "kinds": {}}
    for group, asked in groups.items():
        shares = answered(database, {kind: of_kind[:6] for kind, of_kind in asked.items()})
        times = latencies(database, asked)
        for kind, values in times.items():
            result["kinds"][kind] = {"p50": quantile(values, 0.5), "p95": quantile(values, 0.95), "as_meant": shares[kind]}
        together = [value for values in times.values() for value in values]
        result[group] = {"p50": quantile(together, 0.5), "p95": quantile(together, 0.95)}
    everything = [*groups["computed"].values(), *groups["ranking"].values(), *groups["open"].values()]
    mix = {"mix": [question for of_kind in everything for question in of_kind[: max(6, count // 4)]]}
    values = latencies(database, mix)["mix"]
    result["mix"] = {"p50": quantile(values, 0.5), "p95": quantile(values, 0.95)}
    bench.say(f"{size:,}: mix p50 {result['mix']['p50']:.1f} ms, computed p50 {result['computed']['p50']:.1f} ms")
    return result


def write(results, folder):
    """Writes ask.md; returns the Markdown."""
    number, steps = report.number, results["steps"]
    text = "## Asking\n\n" + results["description"] + "\n"
    kinds = [*steps[0]["kinds"], "computed", "open", "mix"]
    header = ["milliseconds, p50 (p95)", *(f"{step['statements']:,} concepts" for step in steps)]
    rows = []
    for kind in kinds:
        cells = [step["kinds"].get(kind) or step[kind] for step in steps]
        rows.append([kind, *(f"{number(cell['p50'])} ({number(cell['p95'])})" for cell in cells)])
    text += report.table(header, rows) + "\n"
    if "connections" in results:
        one = results["connections"][1]["median"]
        cores = os.cpu_count()
        rows = [
            [f"{clients}", report.spread_text(rate), number(rate["median"] / min(clients, cores) / one)]
            for clients, rate in results["connections"].items()
        ]
        text += report.table(["connections", "questions/s", "per core, to one connection"], rows)
    (folder / "ask.md").write_text(text, encoding="utf-8")
    return text


def main():
    """Runs the figures; each size is measured when that much has been learned."""
    chosen = options()
    folder, cache = Path(os.environ["SUTRA_BENCH_RESULTS"]), Path(os.environ["SUTRA_BENCH_CACHE"])
    sizes = [3_000, 10_000] if chosen.quick else [int(size) for size in chosen.sizes.split(",")]
    count = 10 if chosen.quick else chosen.questions
    bench = Bench([SUTRA], QUICK, folder, 0, "1GB")
    (database,) = bench.databases
    stage(bench, database, cache, sizes[-1])
    results = {"description": report.machine_text(bench, "make bench-ask", sys.argv[1:]), "steps": []}
    learned, indexes = 0, vector_indexes(database)
    for size in sizes:
        grow(bench, database, indexes, learned, size)
        learned = size
        results["steps"].append(measure(bench, database, size, count))
        if size == min(chosen.connections_at, sizes[-1]):
            known = {**COMPUTED, **OPEN}
            asked = questions(known, 40, size // COMPANY, size // TEXTS, 77)
            mix = [question for of_kind in asked.values() for question in of_kind]
            results["connections"] = connections(bench, database, mix, 3 if chosen.quick else chosen.seconds, chosen.runs)
        (folder / "ask.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(write(results, folder))


if __name__ == "__main__":
    try:
        main()
    except (BenchError, data.Unavailable) as error:
        sys.exit(f"bench-ask: {error}")
