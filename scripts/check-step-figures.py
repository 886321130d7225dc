#!/usr/bin/env python3
"""Computes the figures of a reward model's run again, with scikit-learn, from the scores that the run wrote.

    scripts/check-step-figures.py RUN      # a run folder of gfn-dist reward, with scores.jsonl and evaluation.json

Needs numpy and scikit-learn; the program itself needs neither. A score is a float32, and scores.jsonl has as many digits as tell it
from all others: rounded to float32 it is the program's own number, from which the program computes in float64, as is done here. Only
the order of sums may differ, so figures have to agree to 1e-9.
"""
import json
import sys

import numpy
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

TOLERANCE = 1e-9
BINS = 10


def first(flags):
    """The place of the first that is set, or None."""
    return next((index for index, flag in enumerate(flags) if flag), None)


def figures(solutions):
    """What evaluation.json should say of solutions, each a pair of arrays: scores, and labels of 0 and 1."""
    scores, labels = (numpy.concatenate(parts) for parts in zip(*solutions))
    result = {
        "solutions": len(solutions), "steps": len(scores), "good_share": labels.mean(),
        "accuracy": accuracy_score(labels, scores >= 0.5), "log_loss": log_loss(labels, scores, labels=[0, 1]),
        "brier": brier_score_loss(labels, scores, pos_label=1),
    }
    if 0 < labels.sum() < len(labels):
        result["auc"] = roc_auc_score(labels, scores)
    # calibration_curve leaves out bins without steps and does not tell the sizes of the others: they are counted by its bounds.
    shares, means = calibration_curve(labels, scores, n_bins=BINS, strategy="uniform")
    sizes = numpy.bincount(numpy.searchsorted(numpy.linspace(0, 1, BINS + 1)[1:-1], scores), minlength=BINS)
    result["calibration_error"] = float(sizes[sizes > 0] @ abs(shares - means)) / len(scores)
    filled = iter(zip(means, shares))
    for index, size in enumerate(sizes):
        result[f"bins.{index}.steps"] = int(size)
        if size:
            result[f"bins.{index}.mean_score"], result[f"bins.{index}.good_share"] = next(filled)
    # ProcessBench: the first step that is judged bad, against the first that is bad.
    verdicts = [(first(labels == 0), first(scores < 0.5)) for scores, labels in solutions]
    found = [judged == error for error, judged in verdicts if error is not None]
    accepted = [judged is None for error, judged in verdicts if error is None]
    if found:
        result["first_error.found_errors"] = numpy.mean(found)
    if accepted:
        result["first_error.accepted_solutions"] = numpy.mean(accepted)
    if found and accepted:
        a, b = numpy.mean(found), numpy.mean(accepted)
        result["first_error.f1"] = 2 * a * b / (a + b) if a + b > 0 else 0.0
    return result


def written(figures):
    """The same names, from an object of evaluation.json; bounds of bins and intervals are left out."""
    result = {name: value for name, value in figures.items() if not isinstance(value, (list, dict))}
    for name, value in figures["first_error"].items():
        if not isinstance(value, list):
            result[f"first_error.{name}"] = value
    for index, part in enumerate(figures["bins"]):
        for name in part.keys() - {"low", "high"}:
            result[f"bins.{index}.{name}"] = part[name]
    return result


def main(run):
    """Compares all data sets of a run; says what differs."""
    solutions = {}
    with open(f"{run}/scores.jsonl", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            steps = [(score, label) for score, label in zip(line["step_rewards"], line["labels"], strict=True) if label is not None]
            if steps:
                scores = numpy.array([score for score, _ in steps], dtype=numpy.float32).astype(numpy.float64)
                solutions.setdefault(line["dataset"], []).append((scores, numpy.array([int(label) for _, label in steps])))
    with open(f"{run}/evaluation.json", encoding="utf-8") as file:
        evaluations = json.load(file)
    if [evaluation["dataset"] for evaluation in evaluations] != list(solutions):
        sys.exit(f"{run}: evaluation.json and scores.jsonl are not of the same data sets")
    differs = False
    for evaluation in evaluations:
        name = evaluation.pop("dataset")
        ours, theirs = written(evaluation.pop("figures")), figures(solutions[name])
        largest = 0.0
        for key in sorted(ours.keys() | theirs.keys()):
            if key not in ours or key not in theirs:
                print(f"{name}: {key} is in {'evaluation.json' if key in ours else 'the figures computed here'} only")
                differs = True
                continue
            difference = abs(ours[key] - theirs[key])
            largest = max(largest, difference)
            if not difference <= TOLERANCE:
                print(f"{name}: {key} is {ours[key]!r} in evaluation.json, and {theirs[key]!r} computed here")
                differs = True
        print(f"{name}: {len(theirs)} figures of {theirs['steps']} steps: largest difference {largest:.1e}")
    if differs:
        sys.exit("figures differ from scikit-learn's")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
