#!/usr/bin/env python3
"""Fits the coefficients of crates/knowledge/src/answer/confidence.rs on labelled answers.

    tests/ask/grade.py tests/ask/build_2017.jsonl --features build.jsonl ...
    tests/eval/passages.py FOLDER --features pages.jsonl ...
    tests/ask/calibrate.py build.jsonl pages.jsonl

Each line of a file is an answer with its signals, as sutra_explain lists them, and whether it was right. For computed
answers and for quoted statements a logistic regression is fitted by Newton's method; the penalty is half the sum of the
squares of the coefficients but the constant, times --penalty. A signal that can only speak against an answer keeps a
coefficient of at most 0, and one that can only speak for it of at least 0: otherwise it is left out and the rest fitted
anew. Printed are the two tables in the form of the source, and by ten-fold cross-validation the expected calibration error
and the AUROC.
"""
import argparse
import json
import math
import random

import grade

# Signals of a quoted statement speak for it, those of a computed answer against it.
SIGNS = {"computed": -1, "statement": 1}


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


def newton(rows, penalty):
    """Weights of a penalised logistic regression over (signals, right)."""
    size = len(rows[0][0])
    weights = [0.0] * size
    for _ in range(50):
        gradient = [0.0 if at == 0 else penalty * weights[at] for at in range(size)]
        hessian = [[penalty * (one == other and one > 0) + 1e-9 * (one == other) for other in range(size)] for one in range(size)]
        for signals, right in rows:
            chance = probability(weights, signals)
            for one in range(size):
                gradient[one] += (chance - right) * signals[one]
                for other in range(size):
                    hessian[one][other] += chance * (1 - chance) * signals[one] * signals[other]
        step = solve(hessian, gradient)
        weights = [weight - change for weight, change in zip(weights, step, strict=True)]
        if max(map(abs, step)) < 1e-9:
            break
    return weights


def fit(rows, penalty, sign):
    """The same with the sign of every weight but the constant kept."""
    kept = list(range(len(rows[0][0])))
    while True:
        weights = newton([([signals[at] for at in kept], right) for signals, right in rows], penalty)
        wrong = [at for at, weight in zip(kept, weights, strict=True) if at > 0 and weight * sign < 0]
        if not wrong:
            by_place = dict(zip(kept, weights, strict=True))
            return [by_place.get(at, 0.0) for at in range(len(rows[0][0]))]
        kept = [at for at in kept if at not in wrong]


def validated(rows, penalty, sign, folds=10):
    """(probability, right) of every row, by weights fitted on the others."""
    order = rows[:]
    random.Random(1).shuffle(order)
    pairs = []
    for fold in range(folds):
        weights = fit([row for at, row in enumerate(order) if at % folds != fold], penalty, sign)
        pairs += [(probability(weights, signals), right) for signals, right in order[fold::folds]]
    return pairs


def main():
    """Fits both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--penalty", type=float, default=0.5)
    chosen = parser.parse_args()
    names, rows = {}, {"computed": [], "statement": []}
    for path in chosen.files:
        for row in grade.read(path):
            kind = "statement" if "words held" in row["signals"] else "computed"
            if row["signals"]:
                names.setdefault(kind, ["constant", *row["signals"]])
                rows[kind].append(([1.0, *(row["signals"][name] for name in names[kind][1:])], bool(row["right"])))
    for kind, labelled in rows.items():
        if not labelled:
            continue
        weights = fit(labelled, chosen.penalty, SIGNS[kind])
        pairs = validated(labelled, chosen.penalty, SIGNS[kind])
        wrong = sum(not right for _, right in labelled)
        print(f"{kind}: {len(labelled)} answers, {wrong} wrong; cross-validated", end=" ")
        print(f"calibration error {grade.calibration_error(pairs):.3f}, AUROC {grade.separation(pairs):.3f}")
        for name, weight in zip(names[kind], weights, strict=True):
            print(f'    ("{name}", {weight:.2f}),')


if __name__ == "__main__":
    main()
