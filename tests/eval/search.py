#!/usr/bin/env python3
"""Retrieval quality of sutra_search on a set in BEIR layout: corpus.jsonl, queries.jsonl (each may be gzipped) and judgements.

The folder holds corpus.jsonl with _id, title and text, queries.jsonl with _id and text, and a table of query, document
and grade separated by tabs (qrels/test.tsv, or any file whose name begins with qrels). Each document is learned as its
title and text in a space of its own, eval_NAME, so other data in the database change no figure; documents that are
there already are kept, so a second run only searches. Printed are nDCG@10 with the grades as gains, recall@10, and the
times; of sutra_search as a whole and, to compare, of the order that each of its two parts alone gives to the candidates.

    tests/eval/search.py FOLDER... [--psql 'psql -d mydb'] [--qrels FILE] [--batch 128] [--minimum 0.78]

Needs psql and a database with the extension; exits with 1 when a set stays below --minimum.
"""
import argparse
import gzip
import json
import math
import pathlib
import subprocess
import sys
import time

DEPTH = 10


def rows(path):
    """The lines of a file, gzipped or not."""
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")
    with opened as file:
        yield from file


def one(folder, patterns):
    """The first file that one of the patterns names."""
    for pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            if path.is_file():
                return path
    sys.exit(f"{folder}: none of {', '.join(patterns)}")


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


def ndcg(found, grades):
    """Normalised discounted cumulative gain of the first ten."""
    gain = sum(grades.get(document, 0) / math.log2(rank + 2) for rank, document in enumerate(found))
    ideal = sorted(grades.values(), reverse=True)[:DEPTH]
    return gain / sum(grade / math.log2(rank + 2) for rank, grade in enumerate(ideal))


def learn(psql, space, documents, batch):
    """Learns the documents and returns the concept of each, as text, with the documents that it stands for."""
    concepts = {}
    for start in range(0, len(documents), batch):
        part = documents[start : start + batch]
        contents = ",".join(literal(text) for _, text in part)
        output = run(psql, f"SET sutra.space = {literal(space)};\nSELECT sutra_learn_batch(ARRAY[{contents}]::text[]);")
        for (document, _), concept in zip(part, output.split(), strict=True):
            concepts.setdefault(concept, []).append(document)
        print(f"\r{space}: learned {start + len(part)} of {len(documents)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return concepts


def search(psql, space, queries, order):
    """The concepts found for each query, in the order of a column, and the milliseconds a query took."""
    script = [f"SET sutra.space = {literal(space)};"]
    count = DEPTH if order == "score" else 10 * DEPTH
    for number, query in enumerate(queries):
        script.append(f"\\echo #{number}")
        script.append(
            f"SELECT concept_id FROM sutra_search({literal(query)}, {count})"
            f" ORDER BY {order} DESC NULLS LAST, concept_id LIMIT {DEPTH};"
        )
    started = time.monotonic()
    output = run(psql, "\n".join(script))
    elapsed = 1000 * (time.monotonic() - started) / max(1, len(queries))
    return [part.split("\n")[1:] for part in output.split("#")[1:]], elapsed


def evaluate(folder, arguments):
    """Prints the figures of one set and returns the nDCG of sutra_search."""
    judgements = {}
    path = arguments.qrels or one(folder, ["qrels/test.tsv", "qrels*"])
    for line in rows(path):
        fields = line.split()
        if len(fields) >= 3 and fields[0] not in ("query-id", "qid") and float(fields[-1]) > 0:
            judgements.setdefault(fields[0], {})[fields[-2]] = float(fields[-1])
    texts = {}
    for line in rows(one(folder, ["queries.jsonl*"])):
        query = json.loads(line)
        texts[str(query["_id"])] = query["text"]
    documents = []
    for line in rows(one(folder, ["corpus.jsonl*"])):
        document = json.loads(line)
        text = f"{document.get('title') or ''} {document['text']}".strip()
        if any(character.isalnum() for character in text):
            documents.append((str(document["_id"]), text))
    space = f"eval_{folder.name}"
    concepts = learn(arguments.psql, space, documents, arguments.batch)
    judged = [query for query in judgements if query in texts]
    result = 0.0
    for name, order in (("words", "text_score"), ("meaning", "vector_score"), ("sutra_search", "score")):
        answers, elapsed = search(arguments.psql, space, [texts[query] for query in judged], order)
        gain = recall = 0.0
        for query, answer in zip(judged, answers, strict=True):
            found = [document for concept in answer if concept for document in concepts.get(concept, [])][:DEPTH]
            gain += ndcg(found, judgements[query])
            recall += len(set(found) & judgements[query].keys()) / len(judgements[query])
        result = gain / len(judged)
        print(
            f"{folder.name} {name}: nDCG@10 {result:.4f}, recall@10 {recall / len(judged):.4f},"
            f" {len(judged)} queries, {elapsed:.1f} ms a query"
        )
    return result


def main():
    """Evaluates each folder given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--psql", default="psql", help="how to reach the database (default: %(default)s)")
    parser.add_argument("--qrels", type=pathlib.Path, help="the judgements, where they are not in the folder")
    parser.add_argument("--batch", type=int, default=128, help="documents a call of sutra_learn_batch")
    parser.add_argument("--minimum", type=float, default=0.0, help="nDCG@10 below which a set fails")
    arguments = parser.parse_args()
    results = [evaluate(folder, arguments) for folder in arguments.folders]
    sys.exit(int(min(results) < arguments.minimum))


if __name__ == "__main__":
    main()
