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

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from server import SUTRA, BenchError, Database, Server

SEED = 20261122
MAXIMUM_TOKENS = 256
BATCH = 32
# Real daily bars of five companies, 2000 to 2013.
BARS = ("bokeh-sampledata", "2026.1", "f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f")
NAMES = {"AAPL": "Apple Inc.", "FB": "Facebook Inc.", "GOOG": "Google Inc.", "IBM": "IBM Corp.", "MSFT": "Microsoft Corp."}
UNCACHED = {"sutra.embedding_cache": 0}


def options():
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench-embed OPTIONS=...", description=__doc__)
    parser.add_argument("--bars", type=int, default=3000, help="price bars of a run")
    parser.add_argument("--texts", type=int, default=1000, help="texts whose vectors are compared")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each figure, taken in turn")
    parser.add_argument("--seconds", type=int, default=15, help="seconds of a run of the pool")
    parser.add_argument("--threads", type=int, default=2, help="threads of bulk embedding, on both sides")
    return parser.parse_args()


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


class Reference:
    """ONNX Runtime as one drives it from Python: length-sorted batches, mean over the mask, length 1."""

    def __init__(self, folder, threads):
        chosen = onnxruntime.SessionOptions()
        chosen.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), chosen, providers=["CPUExecutionProvider"]
        )
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        # "[SEP]" in a text is text, as for the extension.
        self.tokenizer.encode_special_tokens = True
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAXIMUM_TOKENS)

    def run(self, batch):
        """The last hidden state and the mask of texts given by their token ids."""
        width = max(map(len, batch))
        ids, mask = np.zeros((len(batch), width), np.int64), np.zeros((len(batch), width), np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return self.session.run(["last_hidden_state"], feeds)[0], mask

    def embed(self, texts, batch=BATCH):
        """The vectors in order, and the seconds of tokenising, running and pooling."""
        start = time.perf_counter()
        tokens = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        spent = {"tokenise": time.perf_counter() - start, "run": 0.0, "pool": 0.0}
        order = sorted(range(len(texts)), key=lambda text: len(tokens[text]))
        vectors = np.empty((len(texts), 384), np.float32)
        for first in range(0, len(order), batch):
            members = order[first : first + batch]
            start = time.perf_counter()
            state, mask = self.run([tokens[text] for text in members])
            middle = time.perf_counter()
            sums = (state * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]
            vectors[members] = sums / np.linalg.norm(sums, axis=1, keepdims=True)
            spent["run"] += middle - start
            spent["pool"] += time.perf_counter() - middle
        return vectors, spent


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


def latency(database, seconds, threads=1):
    """Milliseconds of one question, as a client with a prepared statement sees it."""
    settings = UNCACHED | {"sutra.embedding_threads": threads}
    script = "\\set row random(0, 1999)\nSELECT sutra_embed(content) FROM question WHERE id = :row;\n"
    return 1000 / database.pgbench(script, database.folder, seconds=seconds, settings=settings)


def trip(database, seconds):
    """Milliseconds of the same statement without the embedding: what the client and the server take for anything."""
    script = "\\set row random(0, 1999)\nSELECT content FROM question WHERE id = :row;\n"
    return 1000 / database.pgbench(script, database.folder, seconds=seconds)


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


def measure(chosen):
    """All figures."""
    cache, folder = Path(os.environ["SUTRA_BENCH_CACHE"]), Path(os.environ["SUTRA_BENCH_MODEL"])
    server = Server()
    texts = {"bar": bars(cache, chosen.bars), "prose": prose(chosen.texts), "question": [question(n) for n in range(2000)]}
    many, one = Reference(folder, chosen.threads), Reference(folder, 1)
    lengths = {len(one.tokenizer.encode(text).ids) for text in texts["question"]}
    if lengths != {10}:
        raise BenchError(f"a question has {lengths} tokens, not 10")
    database = Database(server, SUTRA)
    database.folder = Path(os.environ["SUTRA_BENCH_RESULTS"])
    for name, rows in texts.items():
        load(database, name, rows)
    ids = [one.tokenizer.encode(text).ids for text in texts["question"]]
    results = {name: [] for name in ("python", "python_cpu", "python_spent", "sutra", "sutra_cpu", "pool", "pool_cpu", "bulk_pool", "trip")}
    results |= {name: [] for name in ("bare", "python_latency", "latency", "pool_latency", "first", "warm")}
    say("vectors of both sides")
    results["tokens"] = [min(lengths_of := [len(e.ids) for e in one.tokenizer.encode_batch(texts["prose"])]), max(lengths_of)]
    results["cosine"] = cosines(database, many, texts["prose"])
    results["idle"], results["backends"] = memory(server)
    for round_ in range(chosen.rounds):
        say(f"round {round_ + 1}: in process")
        preload(server, 0)
        start, used = time.perf_counter(), time.process_time()
        spent = many.embed(texts["bar"])[1]
        results["python"].append(chosen.bars / (time.perf_counter() - start))
        results["python_cpu"].append(chosen.bars / (time.process_time() - used))
        results["python_spent"].append(spent)
        session = Session(server, UNCACHED | {"sutra.embedding_threads": chosen.threads})
        session.ask("SELECT vector_dims(sutra_embed('warm'));")
        start, used = time.perf_counter(), processor_seconds([session.pid])
        session.ask("SELECT cardinality(sutra_embed(array_agg(content ORDER BY id))) FROM bar;")
        results["sutra"].append(chosen.bars / (time.perf_counter() - start))
        results["sutra_cpu"].append(chosen.bars / (processor_seconds([session.pid]) - used))
        session.close()
        times, whole = [], []
        for number in range(300):
            start = time.perf_counter()
            one.run([ids[number]])
            times.append(time.perf_counter() - start)
            start = time.perf_counter()
            one.embed([texts["question"][number]])
            whole.append(time.perf_counter() - start)
        results["bare"].append(1000 * statistics.median(times))
        results["python_latency"].append(1000 * statistics.median(whole))
        results["latency"].append(latency(database, 4))
        results["trip"].append(trip(database, 1))
        say(f"round {round_ + 1}: pool")
        preload(server, chosen.threads)
        bulk(database, 1, "question")
        each = "\\set row random(0, {})\nSELECT vector_dims(sutra_embed(content)) FROM bar WHERE id = :row;\n"
        script = each.format(chosen.bars - 1)
        count = "SELECT texts FROM sutra.embedding_stats WHERE scope = 'pool';"
        pool = helpers(server)
        done, used = int(database.value(count)), processor_seconds(pool)
        rate = database.pgbench(script, database.folder, clients=4, seconds=chosen.seconds, settings=UNCACHED)
        results["pool"].append(rate)
        results["pool_cpu"].append((int(database.value(count)) - done) / (processor_seconds(pool) - used))
        results["bulk_pool"].append(bulk(database, 1))
        results["pool_latency"].append(latency(database, 4))
        first, warm = first_call(server)
        results["first"].append(first)
        results["warm"].append(warm)
    row = database.run("SELECT mean_batch_size, texts, batches, seconds, restarts FROM sutra.embedding_stats WHERE scope = 'pool';")
    results["pool_counters"] = row.strip()
    return results


def write(results, chosen):
    """The table; returns it as Markdown."""
    middle = {name: statistics.median(values) for name, values in results.items() if name in
              ("python", "python_cpu", "sutra", "sutra_cpu", "pool", "pool_cpu", "bulk_pool", "bare", "python_latency", "latency", "pool_latency", "trip", "first", "warm")}
    second = results["backends"][1] - results["idle"]
    rows = []

    def row(figure, measured, value, must, aim, higher):
        reached = (lambda bound: value >= bound) if higher else (lambda bound: value <= bound)
        verdict = "aim" if aim is not None and reached(aim) else "must" if reached(must) else "missed"
        rows.append(f"| {figure} | {measured} | {must} | {'-' if aim is None else aim} | {verdict} |")

    span = "{} to {}".format(*results["tokens"])
    row(f"least cosine to Python's vector, {chosen.texts:,} texts of {span} tokens", f"{results['cosine']:.7f}", results["cosine"], 0.9999, None, True)
    for name, figure, must, aim in (
        ("sutra", f"{chosen.bars:,} bars in one call, in process, {chosen.threads} threads", 0.95, 1.1),
        ("pool", f"bars through a pool of {chosen.threads} workers from 4 connections, one text each", 0.8, 1.0),
    ):
        ratio = middle[name] / middle["python"]
        row(f"{figure}: texts/s, over Python's {middle['python']:.1f}", f"{middle[name]:.1f}, {ratio:.2f}x", ratio, must, aim, True)
    for name, figure in (("latency", "in process"), ("pool_latency", "through the pool")):
        more = middle[name] - middle["bare"]
        row(f"one 10-token question, warm, {figure}, 1 thread: ms over the bare runtime's {middle['bare']:.2f}", f"{middle[name]:.2f}, {more:+.2f}", more, 1, 0.3, False)
    more = middle["first"] - middle["warm"]
    row(f"first call in a new backend, pool running: ms over {middle['warm']:.2f} warm", f"{middle['first']:.2f}, {more:+.2f}", more, 5, 1, False)
    row("private memory of a second backend that embeds, in process, over an idle one: MiB", f"{second:.1f}", second, 80, 30, False)
    spent = results["python_spent"][-1]
    total = sum(spent.values())
    shares = ", ".join(f"{name} {100 * seconds / total:.1f}%" for name, seconds in spent.items())
    backends = ", ".join(f"{size - results['idle']:.1f}" for size in results["backends"])
    text = "\n".join([
        "## Embedding", "",
        f"`make bench-embed`, revision {os.environ.get('SUTRA_BENCH_REVISION', '')}, load at the start {chosen.load}, medians of {chosen.rounds} rounds taken in turn.", "",
        "| figure | measured | must | aim | reached |", "|---|---|---|---|---|", *rows, "",
        f"- Private memory over an idle backend ({results['idle']:.1f} MiB) of 8 backends after one question each, in process: {backends} MiB.",
        f"- Texts a second of processor time: Python {middle['python_cpu']:.1f}; in process {middle['sutra_cpu']:.1f}, {middle['sutra_cpu'] / middle['python_cpu']:.2f}x;"
        f" the pool's helpers with 4 connections {middle['pool_cpu']:.1f}, {middle['pool_cpu'] / middle['python_cpu']:.2f}x.",
        f"- {chosen.bars:,} bars in one call through the pool: {middle['bulk_pool']:.1f} texts/s, {middle['bulk_pool'] / middle['python']:.2f}x.",
        f"- One question in Python, with tokenising and pooling: {middle['python_latency']:.2f} ms. The same statement without embedding: {middle['trip']:.2f} ms.",
        f"- Python's time for the bars: {shares}.",
        f"- The pool's counters at the end (mean batch size, texts, batches, seconds, restarts): {results['pool_counters']}.",
    ]) + "\n"
    folder = Path(os.environ["SUTRA_BENCH_RESULTS"])
    (folder / "embed.md").write_text(text, encoding="utf-8")
    (folder / "embed.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    return text


def main():
    """Runs the figures."""
    chosen = options()
    chosen.load = f"{os.getloadavg()[0]:.1f}"
    print(write(measure(chosen), chosen))


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"bench-embed: {error}")
