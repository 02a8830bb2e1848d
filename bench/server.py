"""One PostgreSQL server with a database for each engine: psql for statements, pgbench for load."""

import json
import os
import re
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Engine:
    """An extension with a vector type and an access method for HNSW."""

    key: str
    title: str
    extension: str
    vector_type: str
    access_method: str
    ef_setting: str
    largest_ef: int

    def operator_class(self, metric):
        """The operator class of this metric."""
        return f"{self.vector_type}_{metric}_ops"


PGVECTOR = Engine("pgvector", "pgvector", "vector", "vector", "hnsw", "hnsw.ef_search", 1000)
SUTRA = Engine("sutra", "sutra_hnsw", "sutra", "embedding", "sutra_hnsw", "sutra.ef_search", 10_000)
# pgvector a second time: what the ratios are when nothing differs.
AGAIN = Engine("pgvector_again", "pgvector again", "vector", "vector", "hnsw", "hnsw.ef_search", 1000)
# Vectors handed to the server at a time.
COPY_ROWS = 20_000
OPERATORS = {"cosine": "<=>", "l2": "<->"}


class BenchError(Exception):
    """A measurement cannot be made; the message says why."""


class Server:
    """The server that scripts/bench started."""

    def __init__(self):
        self.programs = Path(os.environ["SUTRA_BENCH_PROGRAMS"])
        self.data = os.environ["SUTRA_BENCH_DATA"]
        self.socket = os.environ["SUTRA_BENCH_SOCKET"]
        self.log = os.environ["SUTRA_BENCH_LOG"]
        self.user = os.environ["SUTRA_BENCH_SERVER_USER"]

    def restart(self):
        """Restarts the server with the same settings: shared buffers empty, the operating system's file cache warm."""
        arguments = [self.programs / "pg_ctl", "-D", self.data, "-m", "fast", "-w", "-l", self.log, "restart"]
        change_user = {"user": self.user, "group": self.user, "extra_groups": []} if os.geteuid() == 0 else {}
        subprocess.run(
            arguments, cwd="/", check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **change_user
        )

    def environment(self, database, settings):
        """The variables by which psql and pgbench find the server."""
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        base = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return base | {"PGHOST": self.socket, "PGUSER": "postgres", "PGDATABASE": database, "PGOPTIONS": options}

    def psql(self, database, sql, settings=None, stdin=None):
        """Runs SQL, each statement a transaction of its own, and returns the unaligned output."""
        arguments = [self.programs / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1"]
        if stdin is not None:
            arguments += ["-c", sql]
        done = subprocess.run(
            arguments,
            input=stdin if stdin is not None else sql.encode(),
            env=self.environment(database, settings or {}),
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise BenchError(f"{database}: {done.stderr.decode().strip()}\n  while running: {sql[:300]}")
        return done.stdout.decode()


class Database:
    """The database of one engine."""

    def __init__(self, server, engine):
        self.server, self.engine = server, engine
        server.psql("postgres", f"DROP DATABASE IF EXISTS {engine.key}; CREATE DATABASE {engine.key};")
        self.run(f"CREATE EXTENSION {engine.extension};")
        self.version = self.value(f"SELECT extversion FROM pg_extension WHERE extname = '{engine.extension}';")

    def run(self, sql, settings=None):
        """Runs SQL and returns psql's output."""
        return self.server.psql(self.engine.key, sql, settings)

    def value(self, sql, settings=None):
        """The single value that a statement returns."""
        return self.run(sql, settings).strip()

    def seconds(self, sql, settings=None):
        """The time of the last statement, as the client sees it; the connection is made before."""
        *before, last = [part for part in sql.split(";") if part.strip()]
        script = ";\n".join([*before, "SELECT 1;\n\\timing on\n" + last]) + ";\n"
        times = re.findall(r"^Time: ([\d.]+) ms", self.run(script, settings), re.M)
        return float(times[-1]) / 1000

    def pgbench(
        self, script, folder, clients=1, seconds=None, transactions=None, settings=None, variables=None, log=None
    ):
        """Transactions a second of a pgbench script in prepared mode, without the time to connect.

        With `log`, the time of each transaction is written to files of that prefix.
        """
        path = Path(folder) / "script.sql"
        path.write_text(script, encoding="utf-8")
        length = ["-T", str(seconds)] if seconds else ["-t", str(transactions)]
        arguments = [self.server.programs / "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", str(clients)]
        arguments += ["-f", path, *length, "--random-seed=1"]
        arguments += [f"-D{name}={value}" for name, value in (variables or {}).items()]
        arguments += ["-l", f"--log-prefix={log}"] if log else []
        environment = self.server.environment(self.engine.key, settings or {})
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
        rate = re.search(r"^tps = ([\d.]+) \(without initial", done.stdout, re.M)
        failed = re.search(r"^number of failed transactions: (\d+)", done.stdout, re.M)
        if done.returncode != 0 or not rate or (failed and int(failed[1])):
            raise BenchError(f"pgbench in {self.engine.key}: {done.stderr.strip()}\n{done.stdout}")
        return float(rate[1])

    def copy(self, table, vectors, first_id):
        """Appends vectors to a table (id, v) by COPY in binary form; the types vector and embedding share it."""
        count, dimension = vectors.shape
        record = np.dtype(
            [
                ("fields", ">i2"),
                ("id_length", ">i4"),
                ("id", ">i4"),
                ("vector_length", ">i4"),
                ("dimension", ">i2"),
                ("unused", ">i2"),
                ("values", ">f4", (dimension,)),
            ]
        )
        body = np.zeros(count, dtype=record)
        body["fields"], body["id_length"], body["vector_length"] = 2, 4, 4 + 4 * dimension
        body["id"], body["dimension"], body["values"] = np.arange(first_id, first_id + count), dimension, vectors
        stream = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0) + body.tobytes() + struct.pack(">h", -1)
        self.server.psql(self.engine.key, f"COPY {table} FROM STDIN (FORMAT binary)", stdin=stream)

    def load(self, table, vectors, columns="", first_id=0):
        """Fills a new table (id, v) with a primary key; `columns` is SQL that adds to it."""
        kind = f"{self.engine.vector_type}({vectors.shape[1]})"
        self.run(f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (id integer NOT NULL, v {kind} NOT NULL);")
        for start in range(0, len(vectors), COPY_ROWS):
            self.copy(table, vectors[start : start + COPY_ROWS], first_id + start)
        self.run(f"ALTER TABLE {table} ADD PRIMARY KEY (id);{columns}\nVACUUM (ANALYZE, FREEZE) {table};")

    def build(self, metric, workers, memory, table="item"):
        """Creates the vector index {table}_v with m = 16 and ef_construction = 64; returns the seconds it took."""
        engine = self.engine
        self.run(f"DROP INDEX IF EXISTS {table}_v; CHECKPOINT;")
        settings = {"max_parallel_maintenance_workers": workers, "maintenance_work_mem": memory}
        return self.seconds(
            f"CREATE INDEX {table}_v ON {table} USING {engine.access_method} (v {engine.operator_class(metric)})"
            " WITH (m = 16, ef_construction = 64)",
            settings,
        )

    def query_script(self, metric):
        """pgbench: the ten nearest of a random query row."""
        count = self.value("SELECT count(*) FROM query;")
        query = f"SELECT id FROM item ORDER BY v {OPERATORS[metric]} (SELECT v FROM query WHERE id = :query) LIMIT 10;"
        return f"\\set query random(0, {int(count) - 1})\n{query}\n"

    def search_settings(self, ef):
        """What a measured query runs with; the index is what is measured, also where a small table needs none."""
        return {self.engine.ef_setting: ef, "enable_seqscan": "off"}

    def answers(self, metric, ef):
        """What the index answers to every query: query number -> row numbers. Fails when the index is not used."""
        query = (
            f"SELECT query.id, ARRAY(SELECT item.id FROM item ORDER BY item.v {OPERATORS[metric]} query.v LIMIT 10)"
            " FROM query"
        )
        settings = self.search_settings(ef)
        plan = self.run(f"EXPLAIN {query};", settings)
        if "Index Scan using item_v" not in plan:
            raise BenchError(f"{self.engine.title} does not use its index:\n{plan}")
        lines = self.run(f"COPY ({query}) TO STDOUT;", settings).splitlines()
        result = {}
        for line in lines:
            number, rows = line.split("\t")
            result[int(number)] = [int(row) for row in rows.strip("{}").split(",") if row]
        return result

    def explain(self, statements):
        """EXPLAIN (ANALYZE, BUFFERS) of each statement in one session: a list of parsed plans."""
        script = "\\t on\n" + "".join(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT json) {statement};\n\\echo --\n" for statement in statements
        )
        return [json.loads(part)[0] for part in self.run(script).split("--\n") if part.strip()]

    def wal(self):
        """(records, full-page images, bytes) of WAL written so far by the server.

        A backend reports what it wrote when it ends, a moment after its client has gone: wait for that.
        """
        others = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid();"
        )
        for _ in range(200):
            if self.value(others) == "0":
                break
            time.sleep(0.05)
        else:
            raise BenchError("another client is connected, so the WAL of the measured rows cannot be told apart")
        row = self.value("SELECT wal_records, wal_fpi, wal_bytes FROM pg_stat_wal;")
        return np.array([float(field) for field in row.split("|")])

    def relation_size(self, name):
        """Bytes of the main fork of a relation."""
        return int(self.value(f"SELECT pg_relation_size('{name}');"))

    def blocks_read(self):
        """Blocks that scans of tables and indexes asked the operating system for, so far."""
        return int(self.value("SELECT blks_read FROM pg_stat_database WHERE datname = current_database();"))
