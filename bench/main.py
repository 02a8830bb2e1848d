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
    parser.add_argument("--runs", type=int, help="runs of each figure, of which the median is reported (default 5)")
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

    for name, dataset in available.items():
        if name != main_name and chosen.quick and not chosen.dataset:
            continue
        if not {"build", "search", "restart"} & set(figures):
            continue
        dataset = dataset.first(scale.rows)
        bench.load(dataset)
        # Build time over the largest set is part of the growth figure too, so it is not repeated as often.
        runs = scale.runs if "build" in figures else 1
        keep("build", reads.builds(bench, dataset, min(runs, 3) if len(dataset.rows) > 200_000 else runs), dataset)
        keep("size", reads.sizes(bench), dataset)
        if "search" in figures:
            keep("search", reads.search(bench, dataset), dataset)
        if "restart" in figures and name == main_name:
            keep("restart", reads.restart(bench, dataset), dataset)
    for figure, measure in (("insert", writes.insert), ("update", writes.update), ("vacuum", writes.vacuum)):
        if figure in figures:
            keep(figure, measure(bench, available[main_name].first(scale.rows)))
    if "growth" in figures:
        sizes = [count for count in scale.growth_rows if count <= len(growing.rows)]
        keep("growth", reads.growth(bench, growing, sizes))
    results["machine"]["minutes"] = bench.minutes()
    keep("complete", True)
    print(report.write(results, folder))


if __name__ == "__main__":
    try:
        main()
    except BenchError as error:
        sys.exit(f"bench: {error}")
