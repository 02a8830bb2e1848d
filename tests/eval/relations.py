#!/usr/bin/env python3
"""Cause and effect read by sutra_extract, scored on SemEval-2010 task 8 or any file of its form.

The file (JSON lines, may be gzipped) has sentences in which two entities are marked: id, sentence, marked ("... <e1>x</e1>
... <e2>y</e2> ..."), relation ("Cause-Effect(e1,e2)", or anything else for a pair that is not cause and effect).

Protocol. sutra_extract is given the plain sentence and knows nothing of the marks. A pair counts as found in the direction
(e1,e2) when a row of kind causal has a source whose place in the sentence covers the last word of e1 and a target that
covers the last word of e2, and neither covers both; (e2,e1) likewise; when both directions are found the surer row counts.
Rows about other words of the sentence are ignored, since the file says nothing of them. Precision is the share of the pairs
found that are Cause-Effect in this direction, recall the share of the Cause-Effect pairs that were found in theirs.

The rules were written with the half of the training file whose identifiers have a SHA-256 that begins with an even byte
(--half build); the other half (--half held) was only scored. --by-construction prints precision by confidence, which is
where the confidences of the rules come from.

    tests/eval/relations.py FILE [--psql 'psql -d mydb'] [--half build|held|all] [--errors 20] [--minimum-precision 0.85]
        [--minimum-recall 0.65]

Needs psql and a database with the extension; --command names a program instead that reads sentences and prints the
rows of each as a JSON array, such as the example `extract` of crates/knowledge.
"""
import argparse
import collections
import gzip
import hashlib
import json
import re
import subprocess
import sys

MARK = re.compile(r"</?e[12]>")


def read(path):
    """The rows of the file, with the offsets of the two entities in the sentence as it stands without marks."""
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    with opened as file:
        for line in file:
            row = json.loads(line)
            plain, places, last = "", {}, 0
            for mark in MARK.finditer(row["marked"]):
                plain += row["marked"][last : mark.start()]
                places[mark.group()] = len(plain)
                last = mark.end()
            row["plain"] = " ".join([plain + row["marked"][last:]])
            row["places"] = [(places[f"<e{n}>"], places[f"</e{n}>"]) for n in (1, 2)]
            yield row


def half_of(row):
    """The half of the file that a row belongs to, whatever else is in it."""
    return "build" if hashlib.sha256(str(row["id"]).encode()).digest()[0] % 2 == 0 else "held"


def literal(text):
    """An SQL string, whatever standard_conforming_strings says."""
    return "E'" + text.replace("\0", " ").replace("\\", "\\\\").replace("'", "\\'") + "'"


def by_psql(psql, sentences):
    """What sutra_extract says of each sentence; places are turned into characters from 0, end excluded."""
    results = []
    for start in range(0, len(sentences), 1000):
        part = sentences[start : start + 1000]
        values = ",".join(f"({n}, {literal(text)})" for n, text in enumerate(part))
        script = (
            "SELECT coalesce((SELECT json_agg(json_build_object('kind', kind, 'source', source, 'target', target,"
            " 'confidence', confidence, 'span', ARRAY[lower(span) - 1, upper(span) - 1])) FROM sutra_extract(t.text)), '[]')"
            f" FROM (VALUES {values}) AS t (n, text) ORDER BY t.n"
        )
        done = subprocess.run(
            psql.split() + ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"], input=script, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(done.stderr)
        # json_agg writes its elements on lines of their own.
        results += [json.loads(row) for row in re.split(r"(?<=\])\n", done.stdout.strip())]
    return results


def by_command(command, sentences):
    """The same by a program that reads sentences, one a line."""
    done = subprocess.run(command.split(), input="\n".join(sentences), capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def place(row, side, sentence):
    """Where a source or target stands: the ends of the span are the ends of the two."""
    text = row[side]
    low, high = row["span"]
    pattern = re.compile(r"\s+".join(map(re.escape, text.split())))
    found = [match.span() for match in pattern.finditer(sentence, low, high)]
    if not found:
        return None
    # One of the two begins the span and the other ends it.
    for span in found:
        if span[0] == low or span[1] == high:
            return span
    return found[0]


def decide(rows, sentence, places):
    """The direction found for the pair, with its confidence, or nothing."""
    best = None
    last_words = [(max(start, sentence.rfind(" ", start, end) + 1), end) for start, end in places]
    covers = lambda span, word: span and span[0] < word[1] and word[0] < span[1]
    for row in rows:
        if row["kind"] != "causal":
            continue
        source, target = place(row, "source", sentence), place(row, "target", sentence)
        for direction, cause, effect in (("(e1,e2)", 0, 1), ("(e2,e1)", 1, 0)):
            if (
                covers(source, last_words[cause])
                and covers(target, last_words[effect])
                and not covers(source, last_words[effect])
                and not covers(target, last_words[cause])
            ):
                if best is None or row["confidence"] > best[1]:
                    best = (direction, row["confidence"])
    return best


def main():
    """Scores the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--psql", default="psql", help="how to reach the database (default: %(default)s)")
    parser.add_argument("--command", help="a program to ask instead of a database")
    parser.add_argument("--half", choices=("build", "held", "all"), default="all")
    parser.add_argument("--errors", type=int, default=0, help="how many wrong and missed pairs to print")
    parser.add_argument("--by-construction", action="store_true", help="print precision by confidence")
    parser.add_argument("--minimum-precision", type=float, default=0.0)
    parser.add_argument("--minimum-recall", type=float, default=0.0)
    arguments = parser.parse_args()
    rows = [row for row in read(arguments.file) if arguments.half in ("all", half_of(row))]
    sentences = [row["plain"] for row in rows]
    if arguments.command:
        answers = by_command(arguments.command, sentences)
    else:
        answers = by_psql(arguments.psql, sentences)
    right = found = wanted = 0
    confidence = collections.defaultdict(lambda: [0, 0])
    wrong, missed = [], []
    for row, answer in zip(rows, answers, strict=True):
        gold = row["relation"].removeprefix("Cause-Effect") if row["relation"].startswith("Cause-Effect") else None
        verdict = decide(answer, row["plain"], row["places"])
        wanted += gold is not None
        if verdict:
            found += 1
            right += verdict[0] == gold
            confidence[round(verdict[1], 2)][0] += verdict[0] == gold
            confidence[round(verdict[1], 2)][1] += 1
            if verdict[0] != gold:
                wrong.append((row, verdict))
        elif gold:
            missed.append((row, answer))
    precision, recall = right / max(1, found), right / max(1, wanted)
    print(f"{arguments.half}: {len(rows)} sentences, {wanted} of cause and effect, {found} found")
    print(f"precision {precision:.3f}, recall {recall:.3f}, F1 {2 * precision * recall / max(1e-9, precision + recall):.3f}")
    if arguments.by_construction:
        for level, (good, count) in sorted(confidence.items(), reverse=True):
            print(f"  confidence {level:.2f}: {good} of {count} right")
    for row, verdict in wrong[: arguments.errors]:
        print(f"wrong {verdict} {row['relation']}: {row['marked']}")
    for row, answer in missed[: arguments.errors]:
        causal = [(r["source"], r["target"]) for r in answer if r["kind"] == "causal"]
        print(f"missed {row['relation']}: {row['marked']} {causal}")
    sys.exit(int(precision < arguments.minimum_precision or recall < arguments.minimum_recall))


if __name__ == "__main__":
    main()
