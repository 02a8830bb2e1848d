#!/usr/bin/env python3
"""Fits the coefficients of crates/knowledge/src/answer/confidence.rs on labelled answers.

    tests/ask/grade.py tests/ask/build_2017.jsonl --features build.jsonl ...
    tests/eval/passages.py FOLDER --features pages.jsonl ...
    tests/ask/calibrate.py build.jsonl pages.jsonl

Each line of a file is an answer with its signals, as sutra_explain lists them, and whether it was right. For computed
answers, for quoted statements and for those that say a cause or a meaning in so many words a logistic regression is fitted
by Newton's method. With n right answers and m wrong ones the targets are (n + 1) / (n + 2) and 1 / (m + 2) and not 1 and 0 (Platt,
"Probabilistic outputs for support vector machines", 1999): where no answer is wrong the fit stays finite. The penalty is half the sum of the
squared distances of the coefficients, but the constant, from PRIOR, times --penalty. So a signal that the questions at
hand hardly show, such as contradictory evidence, keeps what it is worth by its meaning. A signal that can only speak against
an answer keeps a coefficient below 0, and one that can only speak for it above: otherwise it is set to a tenth of its
prior and the rest fitted anew. Printed are the coefficients, and by ten-fold cross-validation the expected calibration error and the AUROC; with
--source FILE they are put into the tables of that file.
"""
import argparse
import json
import math
import pathlib
import random
import re

import grade

# What a signal is worth before anything is measured. A doubt is the negative logarithm of a probability, which multiplies.
PRIOR = {
    "doubt of a name": -1.5,
    "doubt of the metric": -1.5,
    "doubt of the time": -1.5,
    "doubt of the operation": -1.5,
    "period not covered": -2.0,
    "words not understood": -2.0,
    "nearness of the next": -0.2,
    "contradicted evidence": -2.0,
    "metric not named": -0.2,
    "time not named": -0.2,
    "length": -0.2,
    "turning words": -1.0,
    "words passed over": -0.2,
    "operations beside the one": -0.2,
    "questions beside the one": -0.5,
    "another sort than asked for": -0.5,
    "things beside the one": -0.5,
    "words guessed": -0.5,
    "words held": 1.0,
    "pairs held": 1.0,
    "words held close together": 0.5,
    "search score": 1.0,
    "margin": 1.0,
    "unknown words held": 0.5,
    "names held": 0.5,
    "sort held": 0.5,
    "open question": 0.2,
    "asked about and not spoken of": -1.5,
    "not said plainly": -1.0,
}
# Signals of a statement that was found by search speak for it, those of other answers against them.
SIGNS = {"computed": -1, "statement": 1, "stated": -1}
# A signal that only answers of a kind have.
TOLD_BY = {"words held": "statement", "not said plainly": "stated", "length": "computed"}


def solve(matrix, vector):
    """The solution of a system of linear equations, by elimination with pivots."""
    rows = [row[:] + [value] for row, value in zip(matrix, vector, strict=True)]
    for at in range(len(rows)):
        pivot = max(range(at, len(rows)), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        for row in range(at + 1, len(rows)):
            factor = rows[row][at] / rows[at][at]
            rows[row] = [one - factor * other for one, other in zip(rows[row], rows[at], strict=True)]
    result = [0.0] * len(rows)
    for at in reversed(range(len(rows))):
        rest = sum(rows[at][column] * result[column] for column in range(at + 1, len(rows)))
        result[at] = (rows[at][-1] - rest) / rows[at][at]
    return result


def probability(weights, signals):
    """The logistic function of the weighted sum."""
    odds = sum(weight * signal for weight, signal in zip(weights, signals, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def newton(rows, priors, penalty, fixed):
    """Weights of a penalised logistic regression over (signals, right); `fixed` are places with weights that stay."""
    size = len(rows[0][0])
    good = sum(right for _, right in rows)
    targets = {True: (good + 1) / (good + 2), False: 1 / (len(rows) - good + 2)}
    free = [at for at in range(size) if at not in fixed]
    weights = [fixed.get(at, prior) for at, prior in enumerate(priors)]
    for _ in range(50):
        gradient = [0.0 if at == 0 else penalty * (weights[at] - priors[at]) for at in free]
        hessian = [[penalty * (one == other and one > 0) + 1e-9 * (one == other) for other in free] for one in free]
        for signals, right in rows:
            chance = probability(weights, signals)
            for row, one in enumerate(free):
                gradient[row] += (chance - targets[right]) * signals[one]
                for column, other in enumerate(free):
                    hessian[row][column] += chance * (1 - chance) * signals[one] * signals[other]
        step = solve(hessian, gradient)
        # A whole step may overshoot where nearly all are right.
        scale = min(1.0, 2.0 / max(1e-12, *map(abs, step)))
        for at, change in zip(free, step, strict=True):
            weights[at] -= scale * change
        if max(map(abs, step)) < 1e-9:
            break
    return weights


def fit(rows, priors, penalty, sign):
    """The same with the sign of every weight but the constant kept."""
    fixed = {}
    while True:
        weights = newton(rows, priors, penalty, fixed)
        wrong = [at for at, weight in enumerate(weights) if at > 0 and weight * sign < abs(priors[at]) / 10 - 1e-9]
        if not wrong:
            return weights
        fixed |= {at: priors[at] / 10 for at in wrong}


def validated(rows, priors, penalty, sign, folds=10):
    """(probability, right) of every row, by weights fitted on the others."""
    order = rows[:]
    random.Random(1).shuffle(order)
    pairs = []
    for fold in range(folds):
        weights = fit([row for at, row in enumerate(order) if at % folds != fold], priors, penalty, sign)
        pairs += [(probability(weights, signals), right) for signals, right in order[fold::folds]]
    return pairs


# The tables of the source.
TABLES = {"computed": "COMPUTED", "statement": "QUOTED", "stated": "STATED"}


def put(source, table, weights):
    """Puts coefficients, by name, into a table of the source."""
    text = source.read_text(encoding="utf-8")
    start = text.index(f"pub const {table}: ")
    end = text.index("];", start)
    body = re.sub(r'\("([^"]+)", [-\d.]+\)', lambda row: f'("{row[1]}", {weights[row[1]]:.2f})', text[start:end])
    source.write_text(text[:start] + body + text[end:], encoding="utf-8")


def main():
    """Fits the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--penalty", type=float, default=2.0)
    parser.add_argument("--source", type=pathlib.Path, help="confidence.rs, to put the coefficients into")
    chosen = parser.parse_args()
    names, rows = {}, {kind: [] for kind in TABLES}
    for path in chosen.files:
        for row in grade.read(path):
            kind = next((kind for signal, kind in TOLD_BY.items() if signal in row["signals"]), None)
            if kind:
                names.setdefault(kind, ["constant", *row["signals"]])
                rows[kind].append(([1.0, *(row["signals"][name] for name in names[kind][1:])], bool(row["right"])))
    for kind, labelled in rows.items():
        if not labelled:
            continue
        priors = [PRIOR.get(name, 0.0) for name in names[kind]]
        weights = fit(labelled, priors, chosen.penalty, SIGNS[kind])
        pairs = validated(labelled, priors, chosen.penalty, SIGNS[kind])
        wrong = sum(not right for _, right in labelled)
        print(f"{kind}: {len(labelled)} answers, {wrong} wrong; cross-validated", end=" ")
        print(f"calibration error {grade.calibration_error(pairs):.3f}, AUROC {grade.separation(pairs):.3f}")
        for name, weight in zip(names[kind], weights, strict=True):
            print(f"{weight:8.2f}  {name}")
        if chosen.source:
            put(chosen.source, TABLES[kind], dict(zip(names[kind], weights, strict=True)))


if __name__ == "__main__":
    main()
