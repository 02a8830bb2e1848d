"""Figures of an index that changes: inserts, their WAL, UPDATE of another column, VACUUM."""

import statistics
import time

import numpy as np

from bench import BATCH, spreads, truth_of
from data import Dataset
from server import BenchError

SINGLE_SCRIPT = "INSERT INTO {table} SELECT id, v FROM pool WHERE id = :row;\n\\set row :row + 1\n"
BATCH_SCRIPT = (
    "INSERT INTO {table} SELECT id, v FROM pool WHERE id >= :row AND id < :row + 100;\n\\set row :row + 100\n"
)


class Feeder:
    """Inserts the next rows of the pool, one statement a transaction."""

    def __init__(self, bench, first):
        self.bench = bench
        self.next = bench.each(lambda _: first)

    def insert(self, database, transactions, batch=False, synchronous="off", table="item", advance=True):
        """Rows a second of so many transactions. With advance=False the next call takes the same rows again."""
        key = database.engine.key
        rate = database.pgbench(
            (BATCH_SCRIPT if batch else SINGLE_SCRIPT).format(table=table),
            self.bench.folder,
            transactions=transactions,
            settings={"synchronous_commit": synchronous},
            variables={"row": self.next[key]},
        )
        if advance:
            self.next[key] += transactions * (BATCH if batch else 1)
        return rate * (BATCH if batch else 1)


def full_page_writes(bench, value):
    """Switches full-page images; the checkpointer takes the setting over, so it gets a moment before the checkpoint."""
    bench.server.psql("postgres", f"ALTER SYSTEM SET full_page_writes = {value}; SELECT pg_reload_conf();")
    time.sleep(1)
    bench.server.psql("postgres", "CHECKPOINT;")


def wal_per_row(feeder, database, rows, table="item", advance=True):
    """(records, full-page images, bytes) of WAL for each of so many rows, inserted one a transaction."""
    before = database.wal()
    feeder.insert(database, rows, table=table, advance=advance)
    records, images, size = (database.wal() - before) / rows
    return {"records": records, "images": images, "bytes": size}


def insert(bench, dataset):
    """Rows a second into a built index, and the WAL of a row."""
    scale = bench.scale
    base = scale.insert_base
    needed = scale.runs * (scale.insert_single + scale.insert_batches * BATCH + scale.insert_synchronous)
    needed += 2 * scale.insert_wal
    if len(dataset.rows) < base + needed:
        base = len(dataset.rows) - needed
    if base < 1000:
        raise BenchError(f"{len(dataset.rows):,} rows are too few: {needed:,} are inserted into an index of the others")
    everything = dataset.first(base + needed)
    bench.load(dataset.first(base))
    for database in bench.databases:
        database.load("pool", everything.rows[base:], first_id=base)
        bench.build(database, dataset)
        database.run(
            "DROP TABLE IF EXISTS plain; CREATE TABLE plain (LIKE item); ALTER TABLE plain ADD PRIMARY KEY (id);"
        )
    before = bench.recalls(dataset, truth_of(bench, dataset.first(base)))
    feeder = Feeder(bench, base)
    single, batch, synchronous = names = "single", "batch", "synchronous"
    rates = {name: {} for name in names}
    for _, database in bench.alternating():
        key = database.engine.key
        rates[single].setdefault(key, []).append(feeder.insert(database, scale.insert_single))
        rates[batch].setdefault(key, []).append(feeder.insert(database, scale.insert_batches, batch=True))
        rates[synchronous].setdefault(key, []).append(
            feeder.insert(database, scale.insert_synchronous, synchronous="on")
        )
        done = ", ".join(f"{values[key][-1]:.0f}" for values in rates.values())
        bench.say(f"{dataset.title}: rows a second into {database.engine.title}: {done}")
    full_page_writes(bench, "off")
    alone = bench.each(lambda database: wal_per_row(feeder, database, scale.insert_wal, "plain", advance=False))
    steady = bench.each(lambda database: wal_per_row(feeder, database, scale.insert_wal))
    full_page_writes(bench, "on")
    fresh = bench.each(lambda database: wal_per_row(feeder, database, scale.insert_wal))
    grown = Dataset(dataset.name, dataset.title, dataset.metric, everything.rows, dataset.queries)
    after = bench.recalls(grown, truth_of(bench, grown))
    return {
        "dataset": dataset.title,
        "base": base,
        "inserted": needed,
        "rates": {name: spreads(values) for name, values in rates.items()},
        "wal": {"steady": steady, "table_only": alone, "after_checkpoint": fresh},
        "recall": {"before": before, "after": after},
    }


def update(bench, dataset):
    """What an UPDATE of another column costs. That column has an index, so that no update is heap-only."""
    scale = bench.scale
    subset = dataset.first(scale.vacuum_rows)
    bench.load(subset, "ALTER TABLE item ADD COLUMN note integer DEFAULT 0; CREATE INDEX item_note ON item (note);")
    ids = np.linspace(0, len(subset.rows) - 1, 2 * scale.update_rows).astype(int)

    def measure(database, rows):
        plans = database.explain([f"UPDATE item SET note = note + 1 WHERE id = {row}" for row in rows])
        return {
            "buffers": statistics.median(
                plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] for plan in plans
            ),
            "milliseconds": statistics.median(plan["Execution Time"] for plan in plans),
        }

    without = bench.each(lambda database: measure(database, ids[::2]))
    for database in bench.databases:
        bench.build(database, subset)
    result = {"rows": len(subset.rows), "without_index": without}
    result["with_index"] = bench.each(lambda database: measure(database, ids[1::2]))
    bench.say(f"{dataset.title}: update of another column: {result['with_index']}")
    return result | {"dataset": dataset.title}


def vacuum(bench, dataset):
    """VACUUM of a table of which 1% or 10% is dead, each run with a new table and a new index; recall afterwards."""
    subset = dataset.first(bench.scale.vacuum_rows)
    bench.load(subset)
    for database in bench.databases:
        database.run("DROP TABLE IF EXISTS base; ALTER TABLE item RENAME TO base;")
    result = {"dataset": dataset.title, "rows": len(subset.rows), "dead": {}}
    for percent in (1, 10):
        step = 100 // percent
        alive = np.arange(len(subset.rows)) % step != 0
        truth, all_truth = truth_of(bench, subset, alive), truth_of(bench, subset)
        times, built, before, after = (bench.each(lambda _: []) for _ in range(4))
        for _, database in bench.alternating(bench.scale.slow_runs):
            key = database.engine.key
            database.run(
                "DROP TABLE IF EXISTS item; CREATE TABLE item AS TABLE base; ALTER TABLE item ADD PRIMARY KEY (id);"
                " VACUUM (ANALYZE, FREEZE) item;"
            )
            built[key].append(bench.build(database, subset))
            before[key].append(all_truth.recall(database.answers(subset.metric, 40)))
            database.run(f"DELETE FROM item WHERE id % {step} = 0; CHECKPOINT;")
            times[key].append(database.seconds("VACUUM (INDEX_CLEANUP on, PARALLEL 0) item"))
            after[key].append(truth.recall(database.answers(subset.metric, 40)))
            bench.say(f"{dataset.title}: VACUUM of {percent}% by {database.engine.title}: {times[key][-1]:.2f} s")
        result["dead"][str(percent)] = {
            "seconds": spreads(times),
            "build": spreads(built),
            "recall_before": bench.each(lambda database, before=before: statistics.median(before[database.engine.key])),
            "recall_after": bench.each(lambda database, after=after: statistics.median(after[database.engine.key])),
        }
    return result
