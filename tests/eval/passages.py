#!/usr/bin/env python3
"""How often sutra_ask quotes the answering page first, on a set in BEIR layout (see search.py for the files).

Each document is learned as its title and text in a space of its own, eval_NAME, as search.py does, and kept for the next
run. A question counts as answered when row 1 of sutra_ask is, or cites, a document that the judgements name; an abstention
counts as not answered. Printed are that share, the share of abstentions, the mean reciprocal rank of the rows, the
calibration of the confidence, and latencies.

    tests/eval/passages.py FOLDER... [--psql 'psql -d mydb'] [--minimum 0.68]

Needs psql and a database with the extension; exits with 1 when a set stays below --minimum.
"""
import argparse
import json
import pathlib
import re
import sys

import search


def documents_of(folder):
    """(id, text) of the documents, as they are learned."""
    for line in search.rows(search.one(folder, ["corpus.jsonl*"])):
        document = json.loads(line)
        text = f"{document.get('title') or ''} {document['text']}".strip()
        if any(character.isalnum() for character in text):
            yield str(document["_id"]), text


def judged(folder, given):
    """The documents that answer each question, and the questions."""
    answering, texts = {}, {}
    for line in search.rows(given or search.one(folder, ["qrels/test.tsv", "qrels*"])):
        fields = line.split()
        if len(fields) >= 3 and fields[0] not in ("query-id", "qid") and float(fields[-1]) > 0:
            answering.setdefault(fields[0], set()).add(fields[-2])
    for line in search.rows(search.one(folder, ["queries.jsonl*"])):
        query = json.loads(line)
        texts[str(query["_id"])] = query["text"]
    return {query: found for query, found in answering.items() if query in texts}, texts


def ask(psql, space, questions, features):
    """For each question its rows: kind, confidence, concepts; the milliseconds; the signals of row 1 when asked for."""
    script = [f"SET sutra.space = {search.literal(space)};", "\\timing on"]
    for number, question in enumerate(questions):
        script.append(f"\\echo @@{number}")
        script.append(
            "SELECT jsonb_agg(jsonb_build_array(kind, confidence, concept_id::text, evidence::text[]) ORDER BY rank)"
            f" FROM sutra_ask({search.literal(question)});"
        )
        if features:
            script.append(f"\\echo features\nSELECT sutra_explain({search.literal(question)});")
    answers = []
    for part in re.split(r"^@@\d+\n", search.run(psql, "\n".join(script)), flags=re.M)[1:]:
        first, _, rest = part.partition("features\n")
        rows = json.loads(next(line for line in first.splitlines() if line.startswith("[")))
        explained = json.loads(next(line for line in rest.splitlines() if line.startswith("{"))) if features else None
        answers.append((rows, float(re.search(r"Time: ([\d.]+) ms", first)[1]), explained))
    return answers


def evaluate(folder, arguments):
    """Prints the figures of one set and returns the share of questions whose page is first."""
    space = f"eval_{folder.name}"
    concepts = search.learn(arguments.psql, space, list(documents_of(folder)), arguments.batch)
    answering, texts = judged(folder, arguments.qrels)
    answers = ask(arguments.psql, space, [texts[query] for query in answering], arguments.features)
    first = reciprocal = declined = 0
    pairs, labelled = [], []
    for query, (rows, _, explained) in zip(answering, answers, strict=True):
        right = None
        for rank, (kind, _, concept, evidence) in enumerate(rows, 1):
            named = {document for each in {concept, *(evidence or [])} if each for document in concepts.get(each, [])}
            if kind != "abstention" and named & answering[query]:
                right = rank
                break
        if explained:
            # Of an answer that was held back as unsure, the one held back.
            given = 1 + (rows[0][0] == "abstention")
            labelled.append({"signals": explained["answer"]["signals"], "right": right == given})
        first += right == 1
        reciprocal += 1 / right if right else 0
        if rows[0][0] == "abstention":
            declined += 1
        else:
            pairs.append((rows[0][1], right == 1))
        if arguments.verbose and right != 1:
            print(f"- {query}: {texts[query]}: {rows[0][0]}, right at {right}")
    bins = {}
    for confidence, right in pairs:
        bins.setdefault(min(int(confidence * 10), 9), []).append(confidence - right)
    error = sum(abs(sum(group)) for group in bins.values()) / max(1, len(pairs))
    if arguments.features:
        # Every second question, so that the others can be measured on.
        with open(arguments.features, "a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in labelled[::2])
    times = sorted(elapsed for _, elapsed, _ in answers)
    count = len(answering)
    print(
        f"{folder.name}: first {first}/{count} = {first / count:.3f}, declined {declined}, MRR {reciprocal / count:.3f},"
        f" expected calibration error {error:.3f}, p50 {times[count // 2]:.1f} ms, p95 {times[int(count * 0.95)]:.1f} ms"
    )
    return first / count


def main():
    """Evaluates each folder given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--psql", default="psql", help="how to reach the database (default: %(default)s)")
    parser.add_argument("--qrels", type=pathlib.Path, help="the judgements, where they are not in the folder")
    parser.add_argument("--batch", type=int, default=128, help="documents a call of sutra_learn_batch")
    parser.add_argument("--minimum", type=float, default=0.0, help="share below which a set fails")
    parser.add_argument("--features", type=pathlib.Path, help="write labelled signals, for tests/ask/calibrate.py")
    parser.add_argument("--verbose", action="store_true", help="print the questions whose page was not first")
    arguments = parser.parse_args()
    results = [evaluate(folder, arguments) for folder in arguments.folders]
    sys.exit(int(min(results) < arguments.minimum))


if __name__ == "__main__":
    main()
