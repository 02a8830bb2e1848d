"""What every figure shares: the two databases, the scale of a run, and progress."""

import multiprocessing
import os
import statistics
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from data import Truth
from server import Database, Server

# The options of both indexes in every figure.
EF_DEFAULT = 40


@dataclass(frozen=True)
class Scale:
    """How much is measured. Every figure is the median of runs that alternate between the engines.

    Queries, inserts and restarts are run `runs` times. What takes minutes a run and differs by more than its noise is run less often: builds and
    VACUUM of the first data set `slow_runs` times, builds of the others once.
    """

    runs: int
    slow_runs: int
    seconds: int
    queries: int
    rows: int | None
    ef_search: tuple
    clients: tuple
    insert_base: int
    insert_single: int
    insert_batches: int
    insert_synchronous: int
    insert_wal: int
    update_rows: int
    vacuum_rows: int
    growth_rows: tuple
    growth_runs: int


FULL = Scale(
    runs=5,
    slow_runs=3,
    seconds=2,
    queries=1000,
    rows=None,
    ef_search=(10, 20, 28, 40, 80, 160, 320, 640, 1000),
    clients=(1, 2),
    insert_base=50_000,
    insert_single=300,
    insert_batches=8,
    insert_synchronous=100,
    insert_wal=200,
    update_rows=200,
    vacuum_rows=21_000,
    growth_rows=(10_000, 30_000, 100_000, 300_000),
    growth_runs=3,
)
QUICK = replace(
    FULL,
    runs=3,
    slow_runs=2,
    seconds=1,
    queries=300,
    rows=10_000,
    ef_search=(10, 20, 40, 80, 160),
    insert_base=8_000,
    insert_single=100,
    insert_batches=3,
    insert_synchronous=50,
    insert_wal=100,
    update_rows=100,
    vacuum_rows=5_000,
    growth_rows=(3_000, 10_000),
    growth_runs=1,
)
BATCH = 100


class Bench:
    """The server, a database for each engine (the first is what the others are compared with), and the scale."""

    def __init__(self, engines, scale, folder, workers, memory):
        self.scale, self.workers, self.memory = scale, workers, memory
        self.folder = Path(folder)
        self.server = Server()
        self.databases = [Database(self.server, engine) for engine in engines]
        self.started = time.monotonic()

    def say(self, message):
        """Progress, with the time since the start."""
        elapsed = int(time.monotonic() - self.started)
        print(f"[{elapsed // 60:3d}:{elapsed % 60:02d}] {message}", file=sys.stderr, flush=True)

    def minutes(self):
        """Minutes since the start."""
        return round((time.monotonic() - self.started) / 60)

    def alternating(self, runs=None):
        """Yields (run, database): every second run takes the engines in the opposite order."""
        for run in range(self.scale.runs if runs is None else runs):
            yield from ((run, database) for database in self.databases[:: 1 if run % 2 == 0 else -1])

    def each(self, make):
        """A mapping of engine to make(database)."""
        return {database.engine.key: make(database) for database in self.databases}

    def load(self, dataset, columns=""):
        """The data set as tables item and query in both databases."""
        self.say(f"{dataset.title}: loading {len(dataset.rows):,} rows")
        for database in self.databases:
            database.load("item", dataset.rows, columns)
            database.load("query", dataset.queries)

    def build(self, database, dataset):
        """Builds the index item_v and returns the seconds."""
        return database.build(dataset.metric, self.workers, self.memory)

    def recalls(self, dataset, truth, ef=EF_DEFAULT):
        """Recall@10 of each engine."""
        return self.each(lambda database: truth.recall(database.answers(dataset.metric, ef)))


def _spin():
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    while True:
        pass


@contextmanager
def processors_awake():
    """Keeps every processor from sleeping, by loops of the lowest scheduling class, which give way to all other work at once.

    With one client the client and the server wait for each other in turn; on a virtual machine each wait lets a processor
    sleep, and waking it takes up to as long as a query.
    """
    loops = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(os.cpu_count() or 1)]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            loop.terminate()
            loop.join()


def spread(values):
    """Repeated runs as they are reported: median, lowest, highest, and each in the order in which they were made."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "runs": list(values)}


def spreads(runs):
    """The spread of each engine's runs."""
    return {key: spread(values) for key, values in runs.items()}


def truth_of(bench, dataset, alive=None):
    """The exact neighbours of a data set."""
    bench.say(f"{dataset.title}: exact neighbours of {len(dataset.queries):,} queries")
    return Truth(dataset, alive)
