"""Figures of an index that is only read: build time, size, queries a second at recall, first query, growth."""

import numpy as np

from bench import EF_DEFAULT, processors_awake, spread, spreads, truth_of
from server import OPERATORS

# Beyond this recall a larger ef_search shows nothing new.
ENOUGH = 0.999


def builds(bench, dataset, runs):
    """Build time of each engine; the last index of each stays."""
    times = bench.each(lambda _: [])
    for run, database in bench.alternating(runs):
        seconds = bench.build(database, dataset)
        times[database.engine.key].append(seconds)
        bench.say(f"{dataset.title}: build {run + 1} of {database.engine.title}: {seconds:.1f} s")
    return spreads(times)


def sizes(bench):
    """Bytes of each index, and of the table with its TOAST table."""
    return bench.each(
        lambda database: {
            "index": database.relation_size("item_v"),
            "table": int(database.value("SELECT pg_table_size('item');")),
        }
    )


def _query_rates(bench, dataset, points):
    """Queries a second of every run by (engine, ef_search, clients), for the ef_search values that have a point."""
    scale, rates = bench.scale, {}
    for run in range(scale.runs):
        bench.say(f"{dataset.title}: queries a second, run {run + 1} of {scale.runs}")
        for ef in scale.ef_search:
            for clients in scale.clients:
                for database in bench.databases[:: 1 if run % 2 == 0 else -1]:
                    if any(point["ef"] == ef for point in points[database.engine.key]):
                        rate = database.pgbench(
                            database.query_script(dataset.metric),
                            bench.folder,
                            clients=clients,
                            seconds=scale.seconds,
                            settings=database.search_settings(ef),
                        )
                        rates.setdefault((database.engine.key, ef, clients), []).append(rate)
    return rates


def search(bench, dataset):
    """Recall and queries a second of each engine for each ef_search and number of clients."""
    scale = bench.scale
    truth = truth_of(bench, dataset)
    points, highest = bench.each(lambda _: []), {}
    for database in bench.databases:
        for ef in dict.fromkeys((*scale.ef_search, database.engine.largest_ef)):
            recall = truth.recall(database.answers(dataset.metric, ef))
            # The largest setting shows how high the recall can get; its rate is not measured.
            if ef in scale.ef_search:
                points[database.engine.key].append({"ef": ef, "recall": recall, "rates": {}})
            highest[database.engine.key] = {"ef": ef, "recall": recall}
            bench.say(f"{dataset.title}: {database.engine.title} ef {ef}: recall {recall:.4f}")
            if recall >= ENOUGH:
                break
    before = bench.each(lambda database: database.blocks_read())
    with processors_awake():
        rates = _query_rates(bench, dataset, points)
    for (key, ef, clients), values in rates.items():
        point = next(point for point in points[key] if point["ef"] == ef)
        point["rates"][str(clients)] = spread(values)
    return {
        "points": points,
        "highest": highest,
        "blocks_read": bench.each(lambda database: database.blocks_read() - before[database.engine.key]),
    }


def restart(bench, dataset):
    """The first query of a new server: shared buffers cold, the files in the operating system's cache."""
    first, later = bench.each(lambda _: []), bench.each(lambda _: [])
    # One query is short and what the machine does beside it is not, so there are more runs than of the others.
    for run, database in bench.alternating(2 * bench.scale.runs - 1):
        operator = OPERATORS[dataset.metric]
        query = f"SELECT id FROM item ORDER BY v {operator} (SELECT v FROM query WHERE id = {run}) LIMIT 10"
        settings = database.search_settings(EF_DEFAULT)
        bench.server.restart()
        first[database.engine.key].append(database.seconds(query, settings))
        later[database.engine.key].append(database.seconds(query, settings))
    bench.say(f"{dataset.title}: first query after a restart: {spreads(first)}")
    return {"first": spreads(first), "second_connection": spreads(later)}


def growth_step(count, build, search, size):
    """The step of the growth figure for a table that was measured anyway: medians of its builds and its queries."""

    def at_default(points):
        return next(point for point in points if point["ef"] == EF_DEFAULT)

    points = {key: at_default(values) for key, values in search["points"].items()}
    return {
        "rows": count,
        "build": {key: value["median"] for key, value in build.items()},
        "query": {key: 1 / point["rates"]["1"]["median"] for key, point in points.items()},
        "recall": {key: point["recall"] for key, point in points.items()},
        "bytes_per_row": {key: value["index"] / count for key, value in size.items()},
    }


def growth(bench, dataset, sizes_wanted, last=None):
    """Build time, query time and size per row for growing tables, and the exponent n^e of each.

    `last` is the step of a larger table that was measured already.
    """
    steps = []
    for count in sizes_wanted:
        subset = dataset.first(count)
        bench.load(subset)
        build = builds(bench, subset, 1)
        recall = bench.recalls(subset, truth_of(bench, subset))
        rates = bench.each(lambda _: [])
        with processors_awake():
            for _, database in bench.alternating(bench.scale.growth_runs):
                rate = database.pgbench(
                    database.query_script(subset.metric),
                    bench.folder,
                    seconds=bench.scale.seconds,
                    settings=database.search_settings(EF_DEFAULT),
                )
                rates[database.engine.key].append(rate)
        size = sizes(bench)
        steps.append(
            {
                "rows": count,
                "build": bench.each(lambda database, build=build: build[database.engine.key]["median"]),
                "query": bench.each(lambda database, rates=rates: 1 / spread(rates[database.engine.key])["median"]),
                "recall": recall,
                "bytes_per_row": bench.each(
                    lambda database, size=size, count=count: size[database.engine.key]["index"] / count
                ),
            }
        )
    steps += [last] if last else []
    exponents = {
        figure: bench.each(lambda database, figure=figure: exponent(steps, figure, database.engine.key))
        for figure in ("build", "query", "bytes_per_row")
    }
    return {"dataset": dataset.title, "steps": steps, "exponents": exponents}


def exponent(steps, figure, key):
    """The slope of log(figure) over log(rows) by least squares."""
    rows = np.log([step["rows"] for step in steps])
    return float(np.polyfit(rows, np.log([step[figure][key] for step in steps]), 1)[0])
