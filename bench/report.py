"""The results as Markdown with plots."""

import math
import os
import platform
import statistics
import time
from pathlib import Path

TARGETS = (0.90, 0.95, 0.975, 0.99)
# Figure, must, aim: ratios to pgvector on MiniLM 384 that the project has set itself.
GOALS = {
    "rate": (3, 5),
    "size": (0.5, 0.3),
    "build": (1.0, 0.5),
    "insert": (4, 8),
    "wal": (0.4, 0.2),
    "update": (0.1, 0.02),
    "vacuum": (0.1, 0.03),
    "restart": (0.5, 0.2),
}
# On the other sets: never slower at equal recall.
GOALS_ELSEWHERE = {"rate": (1, 1)}
# The recalls at which the rates are judged, on the first set and on the others.
JUDGED, JUDGED_ELSEWHERE = (0.95, 0.975, 0.99), (0.90, 0.95, 0.99)
# What the recall has to reach at a high ef_search: quantisation must not cap it.
HIGHEST = 0.999
SETTINGS = ("shared_buffers", "max_wal_size", "full_page_writes", "wal_level", "fsync", "autovacuum", "jit",
            "data_checksums", "huge_pages_status", "checkpoint_timeout", "min_parallel_table_scan_size")


def first_line(path, key):
    """The value of the first line of a /proc file that starts with key, or None."""
    try:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            if line.startswith(key):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return None


def machine(bench):
    """What the figures were measured on."""
    memory = first_line("/proc/meminfo", "MemTotal")
    settings = {name: bench.server.psql("postgres", f"SHOW {name};").strip() for name in SETTINGS}
    settings["maintenance_work_mem (builds)"] = bench.memory
    settings["max_parallel_maintenance_workers (builds)"] = bench.workers
    return {
        "cpu": first_line("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory.split()[0]) / 1024**2, 1) if memory else None,
        "system": f"{platform.system()} {platform.release()}",
        "postgresql": bench.server.psql("postgres", "SHOW server_version;").strip(),
        "revision": os.environ.get("SUTRA_BENCH_REVISION", ""),
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "load": round(os.getloadavg()[0], 1),
        "settings": settings,
    }


def number(value, digits=3):
    """A number with so many significant digits and thousands separated."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{decimals}f}"


def table(header, rows):
    """A Markdown table; the first column is text, the others numbers."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" + "---:|" * (len(header) - 1)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]) + "\n"


def spread_text(value, factor=1.0):
    """Median (lowest-highest)."""
    median, low, high = (number(value[part] * factor) for part in ("median", "low", "high"))
    return f"{median} ({low}-{high})"


def middle(value):
    """The number that stands for a figure: a number itself, or the median of runs."""
    return value["median"] if isinstance(value, dict) else value


def ratio_of(base, other):
    """The second over the first.

    Where both were measured in runs that alternate, it is the median of the ratios of two runs that followed each
    other: what the machine does during some of them counts for both. None where there is nothing to divide by.
    """
    if isinstance(base, dict) and isinstance(other, dict):
        return statistics.median(after / before for before, after in zip(base["runs"], other["runs"], strict=True))
    base, other = middle(base), middle(other)
    return other / base if base else None


def rates_at(points, target, clients):
    """Queries a second at this recall in every run, as `spread` has them; see `rate_at`. None where it is not reached."""
    count = len(points[0]["rates"][str(clients)]["runs"])
    runs = [rate_at(points, target, lambda point, run=run: point["rates"][str(clients)]["runs"][run]) for run in range(count)]
    rate, mark = rate_at(points, target, lambda point: point["rates"][str(clients)]["median"])
    if rate is None:
        return None, mark
    return {"median": rate, "runs": [rate for rate, _ in runs]}, mark


def rate_at(points, target, rate_of):
    """The rate at this recall, by interpolating the logarithm of `rate_of(point)` between the two points around it.

    Returns (rate, mark): the mark is ">" when the smallest ef_search already answers better than the target, so that
    the rate at the target would be higher. None when no point is as good as the target.
    """
    known = sorted((point["recall"], rate_of(point)) for point in points)
    if target <= known[0][0]:
        return known[0][1], ">"
    for (low, fast), (high, slow) in zip(known, known[1:]):
        if low < target <= high:
            share = (target - low) / (high - low)
            return math.exp(math.log(fast) * (1 - share) + math.log(slow) * share), ""
    return None, ""


def verdict(ratio, goal, larger_is_better):
    """Whether a ratio keeps its goal (must, aim)."""
    must, aim = goal
    if larger_is_better:
        ratio, must, aim = -ratio, -must, -aim
    return "pass, aim too" if ratio <= aim else "pass" if ratio <= must else "MISS"


class Report:
    """Collects the sections and, beside them, the summary of ratios."""

    def __init__(self, results):
        self.results = results
        self.base, self.other = (engine["key"] for engine in results["engines"])
        self.titles = {engine["key"]: engine["title"] for engine in results["engines"]}
        self.summary, self.sections = [], []

    def keys(self):
        """The two engines, the one compared with first."""
        return self.base, self.other

    def compare(self, name, dataset, values, goal=None, larger_is_better=False, mark="", unit="", factor=1.0):
        """Adds a row to the summary, judged by the goal when there is one for these data."""
        ratio = ratio_of(values[self.base], values[self.other])
        if not ratio:
            return
        base, other = (middle(values[key]) * factor for key in self.keys())
        bounds = (GOALS if dataset.startswith("MiniLM") else GOALS_ELSEWHERE).get(goal)
        judged = ["-", "-", "-"]
        if bounds and self.other == "sutra":
            judged = [f"{bounds[0]}x", f"{bounds[1]}x", verdict(ratio, bounds, larger_is_better)]
        figures = [f"{number(base)}{unit}", f"{number(other)}{unit}"]
        self.summary.append([name, dataset, *figures, f"{mark}{number(ratio)}", *judged])

    def highest(self, dataset, best):
        """Adds the highest recall that was reached."""
        judged = ["-", "-", "-"]
        if self.other == "sutra":
            judged = [HIGHEST, "-", "pass" if best[self.other]["recall"] >= HIGHEST else "MISS"]
        figures = [f"{best[key]['recall']:.4f} (ef_search {best[key]['ef']})" for key in self.keys()]
        self.summary.append(["highest recall@10", dataset, *figures, "-", *judged])

    def add(self, title, *parts):
        """Adds a section."""
        self.sections.append(f"### {title}\n\n" + "\n".join(parts))

    def head(self, *columns):
        """A header with a column for each engine."""
        return [*columns, self.titles[self.base], self.titles[self.other], "ratio"]

    def row(self, *cells, values, factor=1.0):
        """A row with the two engines' spreads or numbers and the ratio of the medians."""
        texts = []
        for key in self.keys():
            value = values[key]
            texts.append(spread_text(value, factor) if isinstance(value, dict) else number(value * factor))
        ratio = ratio_of(values[self.base], values[self.other])
        return [*cells, *texts, "-" if ratio is None else number(ratio)]


def search_section(report, dataset, search):
    """Recall against queries a second, and the ratios at equal recall."""
    clients = report.results["scale"]["clients"]
    parts = []
    for key in report.keys():
        rows = [
            [point["ef"], f"{point['recall']:.4f}", *(spread_text(point["rates"][str(count)]) for count in clients)]
            for point in search["points"][key]
        ]
        header = [f"{report.titles[key]}: ef_search", "recall@10"]
        header += [f"queries/s, {count} client{'s' if count > 1 else ''}" for count in clients]
        parts.append(table(header, rows))
    rows = []
    for target in TARGETS:
        for count in clients:
            (base, base_mark), (other, other_mark) = (
                rates_at(search["points"][key], target, count) for key in report.keys()
            )
            if base is None or other is None:
                ratio = "not reached by " + " and ".join(
                    report.titles[key] for key, rate in zip(report.keys(), (base, other)) if rate is None
                )
            else:
                ratio = number(ratio_of(base, other)) + (" (smallest ef_search)" if base_mark or other_mark else "")
                if count == clients[0]:
                    mark = "~" if base_mark or other_mark else ""
                    values = {report.base: base, report.other: other}
                    judged = target in (JUDGED if dataset.startswith("MiniLM") else JUDGED_ELSEWHERE)
                    goal = "rate" if judged else None
                    report.compare(f"queries/s at recall {target}", dataset, values, goal, True, mark)
            figures = [mark + number(rate and rate["median"]) for rate, mark in ((base, base_mark), (other, other_mark))]
            rows.append([target, count, *figures, ratio])
    parts.append(table(report.head("at recall", "clients"), rows))
    report.highest(dataset, search["highest"])
    plot = f"search-{dataset.split()[0].lower()}.png"
    parts.append(f"![Recall and queries a second, {dataset}]({plot})\n")
    read = ", ".join(f"{report.titles[key]} {search['blocks_read'][key]}" for key in report.keys())
    parts.append(f"Blocks read from outside the shared buffers during the measured runs: {read}.\n")
    report.add(f"Search, {dataset}", *parts)


def build_section(report):
    """Build time and size."""
    rows = []
    for dataset, values in report.results["build"].items():
        rows.append(report.row(f"build of {dataset}, s", values=values))
        report.compare("build time", dataset, values, "build", unit=" s")
        size = {key: value["index"] for key, value in report.results["size"][dataset].items()}
        rows.append(report.row(f"index size of {dataset}, MiB", values=size, factor=1 / 2**20))
        report.compare("index size", dataset, {key: value / 2**20 for key, value in size.items()}, "size", unit=" MiB")
    report.add("Build time and size", table(report.head("figure"), rows))


def insert_section(report, insert):
    """Rows a second and WAL."""
    names = {
        "single": "rows/s, one row a transaction",
        "batch": "rows/s, 100 rows a transaction",
        "synchronous": "rows/s, one row a transaction, the commit waits for the disk",
    }
    rows = []
    for name, title in names.items():
        rows.append(report.row(title, values=insert["rates"][name]))
        if name != "synchronous":
            report.compare(title, insert["dataset"], insert["rates"][name], "insert", True)
    wal = insert["wal"]
    for name, title in {
        "table_only": "WAL bytes a row, table without vector index",
        "steady": "WAL bytes a row, with the index, no full-page images",
        "after_checkpoint": "WAL bytes a row, right after a checkpoint, with full-page images",
    }.items():
        rows.append(report.row(title, values={key: wal[name][key]["bytes"] for key in report.keys()}))
    own = {key: wal["steady"][key]["bytes"] - wal["table_only"][key]["bytes"] for key in report.keys()}
    rows.append(report.row("WAL bytes a row of the index alone, no full-page images", values=own))
    records = {key: wal["steady"][key]["records"] for key in report.keys()}
    rows.append(report.row("WAL records a row, with the index", values=records))
    for when in ("before", "after"):
        rows.append(report.row(f"recall@10 at ef_search 40 {when} the inserts", values=insert["recall"][when]))
    # Judged is what an index can change: the row of the table is the same bytes with either and more than half of ours.
    total = {key: wal["steady"][key]["bytes"] for key in report.keys()}
    report.compare("WAL bytes of the index per inserted row", insert["dataset"], own, "wal")
    report.compare("... with those of the row in the table", insert["dataset"], total)
    title = f"Inserts into {insert['base']:,} rows, {insert['dataset']} ({insert['inserted']:,} rows inserted)"
    report.add(title, table(report.head("figure"), rows))


def update_section(report, update):
    """UPDATE of another column."""
    rows = []
    names = {"buffers": "buffer accesses", "milliseconds": "execution, ms"}
    for figure, title in names.items():
        for which, where in (("without_index", "without a vector index"), ("with_index", "with it")):
            values = {key: update[which][key][figure] for key in report.keys()}
            rows.append(report.row(f"{title}, {where}", values=values))
    buffers = {key: update["with_index"][key]["buffers"] for key in report.keys()}
    report.compare("buffer accesses of an UPDATE of another column", update["dataset"], buffers, "update")
    title = f"UPDATE of another column, {update['dataset']}, {update['rows']:,} rows"
    report.add(title, table(report.head("median of an UPDATE"), rows))


def vacuum_section(report, vacuum):
    """VACUUM."""
    rows = []
    for percent, values in vacuum["dead"].items():
        rows.append(report.row(f"VACUUM with {percent}% dead, s", values=values["seconds"]))
        rows.append(report.row(f"build of the same table, s ({percent}% runs)", values=values["build"]))
        title = f"recall@10 at ef_search 40 before the DELETE of {percent}%"
        rows.append(report.row(title, values=values["recall_before"]))
        rows.append(report.row("... after VACUUM, over the rows that are left", values=values["recall_after"]))
        report.compare(f"VACUUM with {percent}% dead", vacuum["dataset"], values["seconds"], "vacuum", unit=" s")
    report.add(f"VACUUM of {vacuum['rows']:,} rows, {vacuum['dataset']}", table(report.head("figure"), rows))


def growth_section(report, growth):
    """Cost of growth."""
    names = {
        "build": ("build, s", 1),
        "query": ("query at ef_search 40, ms", 1000),
        "bytes_per_row": ("index bytes a row", 1),
    }
    rows = []
    for figure, (title, factor) in names.items():
        for step in growth["steps"]:
            rows.append(report.row(f"{title}, {step['rows']:,} rows", values=step[figure], factor=factor))
        exponents = growth["exponents"][figure]
        rows.append([f"**exponent of {title.split(',')[0]}**", *(f"{exponents[key]:.2f}" for key in report.keys()), ""])
    for step in growth["steps"]:
        rows.append(report.row(f"recall@10 at ef_search 40, {step['rows']:,} rows", values=step["recall"]))
    report.add(f"Cost of growth, {growth['dataset']}", table(report.head("figure"), rows))


def plots(report, folder):
    """One PNG for each data set: recall against queries a second."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    clients = report.results["scale"]["clients"]
    for dataset, search in report.results.get("search", {}).items():
        figure, axes = pyplot.subplots(figsize=(7.5, 4.8), layout="constrained")
        for key, color in zip(report.keys(), ("tab:gray", "tab:blue")):
            points = search["points"][key]
            for count, style in zip(clients, ("-", "--")):
                recalls = [point["recall"] for point in points]
                rates = [point["rates"][str(count)]["median"] for point in points]
                label = f"{report.titles[key]}, {count} client{'s' if count > 1 else ''}"
                axes.plot(recalls, rates, style, marker="o", markersize=4, color=color, label=label)
            for point in points:
                rate = point["rates"][str(clients[0])]["median"]
                place = {"xytext": (3, 4), "textcoords": "offset points"}
                axes.annotate(point["ef"], (point["recall"], rate), fontsize=7, **place)
        axes.set(yscale="log", xlabel="recall@10", ylabel="queries a second", title=f"{dataset} (labels: ef_search)")
        axes.grid(True, which="both", alpha=0.3)
        axes.legend(fontsize=8)
        figure.savefig(folder / f"search-{dataset.split()[0].lower()}.png", dpi=120)
        pyplot.close(figure)


def machine_lines(machine, engines, target, arguments):
    """The command, the machine, the versions and the settings as Markdown list items."""
    settings = ", ".join(f"{name} = {value}" for name, value in machine["settings"].items())
    command = f'{target} OPTIONS="{" ".join(arguments)}"' if arguments else target
    minutes = f", {machine['minutes']} minutes" if "minutes" in machine else ""
    return [
        f"- Command: `{command}`, {machine['date']}, revision {machine['revision'] or 'unknown'}{minutes}",
        f"- Machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']};"
        f" load average at the start {machine['load']}",
        f"- PostgreSQL {machine['postgresql']}; {engines}",
        f"- Settings: {settings}",
    ]


def machine_text(bench, target, arguments):
    """The same for a program with one engine."""
    (database,) = bench.databases
    engines = f"{database.engine.extension} {database.version}"
    return "\n".join(machine_lines(machine(bench), engines, target, arguments)) + "\n"


def description(report):
    """The machine, the versions, the settings, the command, and what was left out."""
    engines = ", ".join(f"{engine['title']} {engine['version']}" for engine in report.results["engines"])
    engines += "; m = 16, ef_construction = 64 for both"
    lines = machine_lines(report.results["machine"], engines, "make bench", report.results["command"])
    lines.append(
        f"- Queries and inserts are the median (lowest-highest) of {report.results['scale']['runs']} runs that alternate"
        f" between the two, builds and VACUUM of the first data set of {report.results['scale']['slow_runs']}, builds of the others are"
        " made once; a ratio is the second over the first, of each pair of runs that followed each other, and of these the"
        " median. bench/README.md defines each figure."
    )
    lines += [f"- Left out: {name} ({reason})" for name, reason in report.results["missing"].items()]
    return "\n".join(lines) + "\n"


def write(results, folder):
    """Writes report.md and the plots into the folder; returns the Markdown."""
    report = Report(results)
    for dataset, search in results.get("search", {}).items():
        search_section(report, dataset, search)
    if "build" in results:
        build_section(report)
    for name, section in (("insert", insert_section), ("update", update_section), ("vacuum", vacuum_section)):
        if name in results:
            section(report, results[name])
    for dataset, values in results.get("restart", {}).items():
        rows = [
            report.row("first query, ms", values=values["first"], factor=1000),
            report.row("the same in a second connection, ms", values=values["second_connection"], factor=1000),
        ]
        report.add(f"First query after a restart, {dataset}", table(report.head("figure"), rows))
        report.compare("first query after a restart", dataset, values["first"], "restart", unit=" ms", factor=1000)
    if "growth" in results:
        growth_section(report, results["growth"])
    plots(report, folder)
    header = ["figure", "data", report.titles[report.base], report.titles[report.other], "ratio", "must", "aim", "result"]
    text = "## sutra_hnsw and pgvector side by side\n\n" + description(report) + "\n" + table(header, report.summary)
    text += "\n" + "\n".join(report.sections)
    (folder / "report.md").write_text(text, encoding="utf-8")
    return text
