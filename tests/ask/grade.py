#!/usr/bin/env python3
"""Grades sutra_ask on labelled questions: how often it is right, and whether its confidence says so.

    tests/ask/grade.py QUESTIONS.jsonl --statements STATEMENTS.jsonl --psql 'psql -d mydb'

STATEMENTS.jsonl holds {"content", "metadata"} a line (tests/ask/make_questions.py writes it); they are learned in a space
of their own, --space, unless something is learned there already. QUESTIONS.jsonl holds {"id", "category", "question",
"expect"} a line, as make_questions.py describes. An answer is right when row 1 meets `expect`. Printed are

- the share of right answers by category, and of all;
- abstentions: of the questions without an answer the share that was declined, and of the declined ones the share that has none;
- the expected calibration error over ten bins of equal width and AUROC of confidence for right against wrong, over the
  questions that were not declined; how many of them share the commonest confidence;
- answers whose evidence exists and is of the right entity; latencies as psql measures them.

--features FILE writes what each confidence was computed from, for tests/ask/calibrate.py. Exits with 1 when the share of
right answers stays below --minimum.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys


def literal(text):
    """An SQL string, whatever standard_conforming_strings says."""
    return "E'" + text.replace("\0", " ").replace("\\", "\\\\").replace("'", "\\'") + "'"


def run(psql, sql):
    """The output of a script; the first error ends the program."""
    done = subprocess.run(
        psql.split() + ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"], input=sql, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def read(path):
    """The objects of a file, one a line."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def learn(psql, space, statements, batch):
    """Learns the statements in a space, unless something is there."""
    if int(run(psql, f"SELECT count(*) FROM sutra.concept WHERE space = {literal(space)};")):
        return
    for start in range(0, len(statements), batch):
        part = statements[start : start + batch]
        contents = ",".join(literal(row["content"]) for row in part)
        metadata = ",".join(literal(json.dumps(row["metadata"])) for row in part)
        run(
            psql,
            f"SET sutra.space = {literal(space)};\n"
            f"SELECT count(*) FROM sutra_learn_batch(ARRAY[{contents}]::text[], ARRAY[{metadata}]::jsonb[]);",
        )
        print(f"\rlearned {start + len(part)} of {len(statements)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    run(psql, "ANALYZE;")


def ask(psql, space, questions, features):
    """Row 1 of each answer and the first two rows, with what exists of its evidence and the milliseconds it took."""
    script = [f"SET sutra.space = {literal(space)};", "\\timing on"]
    for number, row in enumerate(questions):
        script.append(f"\\echo @@{number}")
        script.append(
            "SELECT jsonb_agg(to_jsonb(r) || jsonb_build_object("
            "'found', (SELECT count(*) FROM sutra.concept AS c WHERE c.id = ANY (r.evidence)),"
            " 'of', (SELECT array_agg(DISTINCT c.metadata ->> 'company') FROM sutra.concept AS c WHERE c.id = ANY (r.evidence)))"
            f" ORDER BY r.rank) FROM sutra_ask({literal(row['question'])}, 2) AS r;"
        )
        if features:
            script.append(f"\\echo features\nSELECT sutra_explain({literal(row['question'])});")
    answers = []
    for part in re.split(r"^@@\d+\n", run(psql, "\n".join(script)), flags=re.M)[1:]:
        first, _, rest = part.partition("features\n")
        rows = json.loads(next(line for line in first.splitlines() if line.startswith("[")))
        answer = {**rows[0], "rows": rows}
        answer["milliseconds"] = float(re.search(r"Time: ([\d.]+) ms", first)[1])
        if features:
            answer["explained"] = json.loads(next(line for line in rest.splitlines() if line.startswith("{")))
        answers.append(answer)
    return answers


def right(expect, answer):
    """Whether row 1 is what was expected."""
    if expect["type"] == "abstain":
        return answer["kind"] == "abstention"
    if answer["kind"] == "abstention":
        return False
    value = answer.get("value") or {}
    entity = expect.get("entity")
    if entity and expect["type"] in ("number", "direction", "date") and value.get("entity") != entity:
        return False
    try:
        match expect["type"]:
            case "number":
                near = max(expect.get("tolerance", 0) * abs(expect["value"]), expect.get("absolute", 0), 1e-9)
                return abs(float(value["value"]) - expect["value"]) <= near
            case "entity":
                return value["entity"] == entity
            case "entities":
                return set(value["entities"]) == set(expect["entities"])
            case "direction":
                return value["direction"] == expect["direction"]
            case "date":
                return value["date"][:10] == expect["date"]
            case "text":
                return re.search(rf"(?<!\w){re.escape(expect['contains'])}(?!\w)", answer["answer"], re.I) is not None
    except (KeyError, TypeError, ValueError):
        return False
    sys.exit(f"unknown type of expectation: {expect['type']}")


def labelled(expect, answer):
    """The signals of an answer, and whether it is right; of one that was held back as unsure, the one held back."""
    rows = answer["rows"]
    if rows[0]["kind"] == "abstention" and len(rows) > 1:
        rows = rows[1:]
    return {"signals": answer["explained"]["answer"]["signals"], "right": right(expect, rows[0])}


def calibration_error(pairs, bins=10):
    """Expected calibration error: the mean distance of confidence and share of right answers in bins of equal width."""
    groups = collections.defaultdict(list)
    for confidence, correct in pairs:
        groups[min(int(confidence * bins), bins - 1)].append((confidence, correct))
    return sum(abs(sum(c - k for c, k in group)) for group in groups.values()) / max(1, len(pairs))


def separation(pairs):
    """AUROC: how likely a right answer has the higher confidence than a wrong one."""
    good = [confidence for confidence, correct in pairs if correct]
    bad = [confidence for confidence, correct in pairs if not correct]
    if not good or not bad:
        return float("nan")
    return sum((one > two) + 0.5 * (one == two) for one in good for two in bad) / (len(good) * len(bad))


def report(questions, answers, verbose):
    """Prints the figures and returns the share of right answers."""
    categories = collections.defaultdict(list)
    pairs, cited, declined, unanswerable = [], [], [], []
    for row, answer in zip(questions, answers, strict=True):
        expect, abstained = row["expect"], answer["kind"] == "abstention"
        correct = right(expect, answer)
        answer["right"] = correct
        categories[row["category"]].append(correct)
        if abstained:
            declined.append(expect["type"] == "abstain")
        else:
            pairs.append((float(answer["confidence"]), correct))
            evidence = set(answer["evidence"])
            of = expect.get("entity")
            cited.append(bool(evidence) and answer["found"] == len(evidence) and (of is None or of in (answer["of"] or [])))
        if expect["type"] == "abstain":
            unanswerable.append(abstained)
        if verbose and not correct:
            print(f"- {row['id']}: {row['question']}\n    expected {json.dumps(expect)}")
            print(f"    {answer['kind']} {answer['confidence']:.2f}: {answer['answer'][:200]}")
    width = max(len(category) for category in categories)
    for category, results in categories.items():
        print(f"{category:{width}} {sum(results):4}/{len(results)}  {100 * sum(results) / len(results):5.1f}%")
    total = [correct for results in categories.values() for correct in results]
    print(f"{'all':{width}} {sum(total):4}/{len(total)}  {100 * sum(total) / len(total):5.1f}%")
    print(f"unanswerable and declined {sum(unanswerable)}/{len(unanswerable)}, declined and unanswerable {sum(declined)}/{len(declined)}")
    commonest = collections.Counter(round(confidence, 3) for confidence, _ in pairs).most_common(1)
    print(
        f"expected calibration error {calibration_error(pairs):.3f}, AUROC {separation(pairs):.3f}"
        f" ({sum(not correct for _, correct in pairs)} wrong of {len(pairs)} not declined),"
        f" commonest confidence {commonest[0][0]} on {100 * commonest[0][1] / len(pairs):.0f}%"
    )
    times = sorted(answer["milliseconds"] for answer in answers)
    print(
        f"citing real evidence of the right entity {sum(cited)}/{len(cited)};"
        f" latency p50 {times[len(times) // 2]:.1f} ms, p95 {times[int(len(times) * 0.95)]:.1f} ms"
    )
    return sum(total) / len(total)


def main():
    """Grades each file given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", nargs="+", type=pathlib.Path)
    parser.add_argument("--statements", type=pathlib.Path, help="what is to be learned, where nothing is in the space")
    parser.add_argument("--space", default="ask_grade", help="the space to learn and ask in (default: %(default)s)")
    parser.add_argument("--psql", default="psql", help="how to reach the database (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=256, help="statements a call of sutra_learn_batch")
    parser.add_argument("--category", action="append", help="only this category; may be repeated")
    parser.add_argument("--features", type=pathlib.Path, help="write labelled features to this file")
    parser.add_argument("--minimum", type=float, default=0.0, help="share of right answers below which it fails")
    parser.add_argument("--verbose", action="store_true", help="print the questions that were not answered right")
    chosen = parser.parse_args()
    if chosen.statements:
        learn(chosen.psql, chosen.space, read(chosen.statements), chosen.batch)
    lowest = 1.0
    for path in chosen.questions:
        questions = read(path)
        if chosen.category:
            questions = [row for row in questions if row["category"] in chosen.category]
        answers = ask(chosen.psql, chosen.space, questions, chosen.features is not None)
        print(f"{path.name}: {len(questions)} questions")
        lowest = min(lowest, report(questions, answers, chosen.verbose))
        if chosen.features:
            with open(chosen.features, "a", encoding="utf-8") as file:
                for row, answer in zip(questions, answers, strict=True):
                    file.write(json.dumps({"question": row["question"], **labelled(row["expect"], answer)}) + "\n")
    sys.exit(int(lowest < chosen.minimum))


if __name__ == "__main__":
    main()
