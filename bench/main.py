"""Measures sutra_hnsw against pgvector in one server. `make bench` starts the server and calls this."""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import data
import reads
import report
import writes
from bench import FULL, QUICK, Bench
from server import AGAIN, PGVECTOR, SUTRA, BenchError

FIGURES = ("build", "search", "restart", "insert", "update", "vacuum", "growth")
DATASETS = ("minilm", "fashion", "glove")


def options():
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench OPTIONS=...", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10,000 rows of one data set, few runs: a few minutes")
    parser.add_argument("--dataset", action="append", choices=DATASETS, help="only this one; may be repeated")
    parser.add_argument("--only", action="append", choices=FIGURES, help="only this figure; may be repeated")
    parser.add_argument("--runs", type=int, help="runs of queries, inserts and restarts (default 5)")
    parser.add_argument("--rows", type=int, help="at most so many rows of a data set")
    parser.add_argument(
        "--vectors",
        default=os.environ.get("SUTRA_BENCH_VECTORS"),
        metavar="FILE",
        help="MiniLM vectors, ..._ROWSxDIMENSION.f16 (default: SUTRA_BENCH_VECTORS)",
    )
    parser.add_argument("--noise", action="store_true", help="pgvector against itself: what a ratio is worth")
    return parser.parse_args()


def main():
    """Runs the chosen figures; the results are written after each, so that an interrupted run leaves a report."""
    chosen = options()
    folder, cache = Path(os.environ["SUTRA_BENCH_RESULTS"]), Path(os.environ["SUTRA_BENCH_CACHE"])
    scale = QUICK if chosen.quick else FULL
    scale = replace(scale, runs=chosen.runs or scale.runs, rows=chosen.rows or scale.rows)
    figures = chosen.only or FIGURES
    workers = max(1, min(os.cpu_count(), 8)) - 1
    bench = Bench([PGVECTOR, AGAIN if chosen.noise else SUTRA], scale, folder, workers, "1GB")
    results = {"machine": report.machine(bench), "command": sys.argv[1:], "scale": scale.__dict__, "missing": {}}
    results["engines"] = [
        {"key": database.engine.key, "title": database.engine.title, "version": database.version}
        for database in bench.databases
    ]

    def keep(figure, value, dataset=None):
        if dataset:
            results.setdefault(figure, {})[dataset.title] = value
        else:
            results[figure] = value
        (folder / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")

    available = {}
    for name in chosen.dataset or DATASETS:
        try:
            available[name] = data.load(name, cache, chosen.vectors, scale.queries)
        except data.Unavailable as reason:
            bench.say(f"{name} is left out: {reason}")
            results["missing"][name] = str(reason)
    if not available:
        sys.exit("bench: there is no data to measure with; the reasons are above")
    main_name = next(iter(available))
    growing = available.get("glove", available[main_name])

    last_step = None
    for name, dataset in available.items():
        if name != main_name and chosen.quick and not chosen.dataset:
            continue
        if not {"build", "search", "restart"} & set(figures):
            continue
        # The largest table of the growth figure is the one that is searched, so that it is built once.
        dataset = dataset.first(scale.rows or max(scale.growth_rows))
        bench.load(dataset)
        runs = scale.slow_runs if "build" in figures and name == main_name else 1
        keep("build", reads.builds(bench, dataset, runs), dataset)
        keep("size", reads.sizes(bench), dataset)
        if "search" in figures:
            keep("search", reads.search(bench, dataset), dataset)
            if dataset.name == growing.name and len(dataset.rows) == max(scale.growth_rows):
                title = dataset.title
                parts = (results[figure][title] for figure in ("build", "search", "size"))
                last_step = reads.growth_step(len(dataset.rows), *parts)
        if "restart" in figures and name == main_name:
            keep("restart", reads.restart(bench, dataset), dataset)
    for figure, measure in (("insert", writes.insert), ("update", writes.update), ("vacuum", writes.vacuum)):
        if figure in figures:
            keep(figure, measure(bench, available[main_name].first(scale.rows)))
    if "growth" in figures:
        sizes = [count for count in scale.growth_rows if count <= len(growing.rows)]
        sizes = [count for count in sizes if not last_step or count < last_step["rows"]]
        keep("growth", reads.growth(bench, growing, sizes, last_step))
    results["machine"]["minutes"] = bench.minutes()
    keep("complete", True)
    print(report.write(results, folder))


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"bench: {error}")
