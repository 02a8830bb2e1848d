"""The clients that people use, against a real server: learn, ask, read every type, browse the catalog.

scripts/test-clients starts the server and PgBouncer and sets the environment:
SUTRA_CLIENT_HOST   folder of the server's socket
SUTRA_POOLER_HOST   folder of PgBouncer's socket (transaction mode), empty when it is not installed
SUTRA_ODBC_DRIVER   path of psqlODBC, empty when it is not installed
"""

import os
import struct
import threading
import unittest

import pandas
import psycopg
import sqlalchemy
from psycopg.types.json import Jsonb

HOST = os.environ["SUTRA_CLIENT_HOST"]
POOLER = os.environ.get("SUTRA_POOLER_HOST", "")
ODBC_DRIVER = os.environ.get("SUTRA_ODBC_DRIVER", "")
BAR = "Apple Inc. (AAPL) closed at $157.92 on 2019-01-02."
BAR_METADATA = {"company": "AAPL", "date": "2019-01-02", "price_close": "157.92", "sector": "Technology"}
QUESTION = "What was the closing price of AAPL on 2019-01-02?"
ANSWER = "The closing price of Apple Inc. (AAPL) on 2 January 2019 was $157.92."


def connect(host=HOST, **options):
    """A connection that commits each statement."""
    return psycopg.connect(host=host, port=5432, user="postgres", dbname="clients", autocommit=True, **options)


class Psycopg(unittest.TestCase):
    """psycopg 3, which binds on the server and can speak the binary protocol."""

    def test_learns_and_asks_with_parameters(self):
        with connect() as connection:
            learned = connection.execute("SELECT sutra_learn(%s, %s)", (BAR, Jsonb(BAR_METADATA))).fetchone()[0]
            self.assertRegex(learned, "^[0-9a-f]{16}$")
            row = connection.execute("SELECT * FROM sutra_ask(%s)", (QUESTION,), prepare=True).fetchone()
            names = ["rank", "kind", "answer", "value", "confidence", "concept_id", "evidence", "path", "explanation"]
            self.assertEqual([column.name for column in connection.execute("SELECT * FROM sutra_ask('x')").description], names)
            self.assertEqual(row[:3], (1, "computed", ANSWER))
            self.assertEqual((row[3]["entity"], row[3]["value"]), ("AAPL", 157.92))
            self.assertIn(learned, row[6])

    def test_reads_every_type_in_binary(self):
        with connect() as connection:
            cursor = connection.cursor(binary=True)
            row = cursor.execute(
                "SELECT '[1,-2.5,3]'::embedding, '00000000000000ff'::concept_id, 'causal'::sutra.association_kind,"
                " '[1,-2.5,3]'::embedding::real[], ARRAY['00000000000000ff'::concept_id]"
            ).fetchone()
            dimensions, unused = struct.unpack_from("!hh", row[0])
            self.assertEqual((dimensions, unused), (3, 0))
            self.assertEqual(struct.unpack_from("!3f", row[0], 4), (1.0, -2.5, 3.0))
            self.assertEqual(row[1], (255).to_bytes(8, "big"))
            self.assertEqual(bytes(row[2]), b"causal")
            self.assertEqual(row[3], [1.0, -2.5, 3.0])

    def test_copies_vectors_in_and_out_in_binary(self):
        with connect() as connection:
            connection.execute("CREATE TEMP TABLE source (id int, v embedding(3))")
            connection.execute("CREATE TEMP TABLE target (id int, v embedding(3))")
            connection.execute("INSERT INTO source SELECT n, ARRAY[n, n + 1, -n]::real[]::embedding FROM generate_series(1, 500) AS n")
            with connection.cursor() as cursor:
                with cursor.copy("COPY source TO STDOUT (FORMAT binary)") as copy:
                    data = b"".join(bytes(part) for part in copy)
                with cursor.copy("COPY target FROM STDIN (FORMAT binary)") as copy:
                    copy.write(data)
            different = "SELECT count(*) FROM source FULL JOIN target USING (id, v) WHERE source IS NULL OR target IS NULL"
            self.assertEqual(connection.execute(different).fetchone()[0], 0)

    def test_pipelines_and_reads_by_a_cursor_on_the_server(self):
        with connect() as connection, connection.pipeline():
            first = connection.execute("SELECT '[1,2]'::embedding <-> '[1,4]'::embedding")
            second = connection.execute("SELECT vector_dims('[1,2]'::embedding)")
            self.assertEqual((first.fetchone()[0], second.fetchone()[0]), (2.0, 2))
        with connect() as connection, connection.transaction():
            connection.execute("CREATE TEMP TABLE point (id int, v embedding(2)) ON COMMIT DROP")
            connection.execute("INSERT INTO point SELECT n, ARRAY[n, 0]::real[]::embedding FROM generate_series(1, 300) AS n")
            connection.execute("CREATE INDEX ON point USING sutra_hnsw (v embedding_l2_ops)")
            connection.execute("SET LOCAL enable_seqscan = off")
            with connection.cursor(name="nearest") as cursor:
                cursor.itersize = 7
                cursor.execute("SELECT id FROM point ORDER BY v <-> '[0,0]' LIMIT 100")
                self.assertEqual([row[0] for row in cursor], list(range(1, 101)))

    def test_errors_carry_sqlstate_detail_and_hint(self):
        with connect() as connection:
            with self.assertRaises(psycopg.Error) as refused:
                connection.execute("SELECT sutra_learn('')")
            self.assertEqual(len(refused.exception.sqlstate), 5)
            self.assertNotIn(refused.exception.sqlstate, ("XX000", "00000"))
            self.assertTrue(refused.exception.diag.message_hint)
            self.assertEqual(connection.execute("SELECT 1").fetchone()[0], 1)


class SqlAlchemyAndPandas(unittest.TestCase):
    """What a notebook does."""

    def setUp(self):
        self.engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=connect)

    def tearDown(self):
        self.engine.dispose()

    def test_a_frame_of_bars_and_of_answers(self):
        days = pandas.bdate_range("2020-03-02", periods=5)
        with self.engine.connect() as connection:
            for number, day in enumerate(days):
                bar = {"d": day.date(), "p": 100.0 + number}
                connection.execute(
                    sqlalchemy.text("SELECT sutra_learn_ohlcv('Frame Corp', 'FRME', :d, :p, :p + 1, :p - 1, :p, 1000)"), bar
                )
            bars = pandas.read_sql(
                sqlalchemy.text("SELECT day, open, high, low, close, volume FROM sutra.ohlcv WHERE ticker = :t ORDER BY day"),
                connection,
                params={"t": "FRME"},
            )
            self.assertEqual(list(bars["close"]), [100.0, 101.0, 102.0, 103.0, 104.0])
            answers = pandas.read_sql(
                sqlalchemy.text("SELECT kind, value, confidence FROM sutra_ask(:q, 1)"),
                connection,
                params={"q": "average closing price of FRME in March 2020"},
            )
            self.assertEqual((answers.loc[0, "kind"], answers.loc[0, "value"]["value"]), ("computed", 102.0))

    def test_reflects_the_tables_and_views(self):
        inspector = sqlalchemy.inspect(self.engine)
        self.assertTrue({"concept", "association", "observation"} <= set(inspector.get_table_names(schema="sutra")))
        self.assertTrue({"ohlcv", "graph_nodes", "graph_edges"} <= set(inspector.get_view_names(schema="sutra")))
        columns = {column["name"] for column in inspector.get_columns("concept", schema="sutra")}
        self.assertTrue({"id", "space", "content", "metadata"} <= columns)
        self.assertEqual(inspector.get_pk_constraint("concept", schema="sutra")["constrained_columns"], ["space", "id"])


@unittest.skipUnless(ODBC_DRIVER, "psqlODBC is not installed")
class Odbc(unittest.TestCase):
    """What spreadsheets and BI tools speak."""

    def setUp(self):
        import pyodbc

        self.connection = pyodbc.connect(
            f"Driver={ODBC_DRIVER};Servername={HOST};Port=5432;Database=clients;Uid=postgres;SSLmode=disable", autocommit=True
        )

    def tearDown(self):
        self.connection.close()

    def test_learns_asks_and_reads_every_type(self):
        cursor = self.connection.cursor()
        learned = cursor.execute("SELECT sutra_learn(?, CAST(? AS jsonb))", BAR, '{"company": "AAPL", "date": "2019-01-02", "price_close": 157.92}')
        self.assertEqual(len(learned.fetchone()[0].strip()), 16)
        row = cursor.execute("SELECT answer, confidence, value FROM sutra_ask(?, 1)", QUESTION).fetchone()
        self.assertEqual(row[0], ANSWER)
        self.assertTrue(0 < row[1] <= 1)
        row = cursor.execute("SELECT '[1,2.5]'::embedding, '00000000000000ff'::concept_id, '[1,2]'::embedding <-> '[1,4]'").fetchone()
        self.assertEqual((row[0], row[1].strip(), row[2]), ("[1,2.5]", "00000000000000ff", 2.0))

    def test_browses_the_catalog(self):
        cursor = self.connection.cursor()
        found = {(row.table_name, row.table_type) for row in cursor.tables(schema="sutra")}
        self.assertTrue({("concept", "TABLE"), ("ohlcv", "VIEW")} <= found, found)
        columns = {row.column_name for row in cursor.columns(table="ohlcv", schema="sutra")}
        self.assertTrue({"ticker", "day", "close"} <= columns)
        self.assertTrue(any(row.procedure_name == "sutra_ask" for row in cursor.procedures(procedure="sutra_ask")))


@unittest.skipUnless(POOLER, "PgBouncer is not installed")
class PgBouncer(unittest.TestCase):
    """A pooler in transaction mode: more clients than server connections, nothing of one client's state seen by another."""

    def test_many_clients_learn_and_ask_on_few_connections(self):
        failures = []

        def work(client):
            try:
                with psycopg.connect(host=POOLER, port=6432, user="postgres", dbname="clients", prepare_threshold=None) as connection:
                    for turn in range(5):
                        with connection.transaction():
                            connection.execute("SELECT set_config('sutra.space', %s, true)", (f"pool{client}",))
                            connection.execute(
                                "SELECT sutra_learn(%s, %s)",
                                (f"Client {client} noted {turn}.", Jsonb({"entity": "Meter", "date": f"2020-01-0{turn + 1}", "voltage": client})),
                            )
                            value = connection.execute(
                                "SELECT coalesce(value ->> 'value', answer) FROM sutra_ask('average voltage of Meter in January 2020', 1)"
                            ).fetchone()[0]
                            if value != f'{client}.0' and value != str(client):
                                failures.append(f"client {client} was told {value}")
                        space = connection.execute("SHOW sutra.space").fetchone()[0]
                        connection.commit()
                        if space != "default":
                            failures.append(f"client {client} saw the space {space}")
            except Exception as error:  # noqa: BLE001 - a thread's error must reach the test
                failures.append(f"client {client}: {error}")

        threads = [threading.Thread(target=work, args=(client,)) for client in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
