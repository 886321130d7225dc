"""Makes step_figures.jsonl beside this file:

    pip install scikit-learn==1.9.1 numpy==2.4.6
    python step_figures.py

Each row has solutions as lists of [score, label] and weights of the solutions; `plain` are the figures with all weights 1, `weighted`
those with the weights, which steps have from their solutions. All are scikit-learn's: the calibration error is made of the bins of
its calibration_curve, and the first-error figures of its accuracy_score over the places of the first errors. scikit-learn has no
calibration_curve with weights: that calibration error is of the steps repeated as often as they weigh.
"""

import json
import pathlib
import warnings

import numpy as np
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, roc_auc_score

warnings.filterwarnings("error")
folder = pathlib.Path(__file__).parent
BINS = 10


def bins(scores, labels):
    good, mean = calibration_curve(labels, scores, n_bins=BINS, strategy="uniform", pos_label=1)
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], scores), minlength=BINS)
    kept = counts[counts > 0]
    error = float(np.sum(np.abs(good - mean) * kept) / len(scores))
    return error, {"counts": counts.tolist(), "mean_scores": mean.tolist(), "good_shares": good.tolist()}


def first(values):
    return next((place for place, good in enumerate(values) if not good), -1)


def first_error(solutions, weights):
    truth = np.array([first([label for _, label in solution]) for solution in solutions])
    judged = np.array([first([score >= 0.5 for score, _ in solution]) for solution in solutions])
    parts = []
    for part in (truth >= 0, truth < 0):
        part = part & (weights > 0)
        parts.append(float(accuracy_score(truth[part], judged[part], sample_weight=weights[part])) if part.any() else None)
    f1 = None
    if None not in parts:
        f1 = 2 * parts[0] * parts[1] / (parts[0] + parts[1]) if sum(parts) > 0 else 0.0
    return {"found_errors": parts[0], "accepted_solutions": parts[1], "f1": f1}


def figures(solutions, weights):
    scores = np.array([score for solution in solutions for score, _ in solution])
    labels = np.array([label for solution in solutions for _, label in solution])
    weight = np.array([w for solution, w in zip(solutions, weights) for _ in solution], dtype=float)
    if weight.sum() == 0:
        return None
    kept = weight > 0
    two = len(set(labels[kept])) == 2
    repeats = weight.astype(int)
    return {
        "good_share": float(np.average(labels, weights=weight)),
        "accuracy": float(accuracy_score(labels, scores >= 0.5, sample_weight=weight)),
        "auc": float(roc_auc_score(labels, scores, sample_weight=weight)) if two else None,
        "log_loss": float(log_loss(labels, scores, sample_weight=weight, labels=[0, 1])),
        "brier": float(brier_score_loss(labels, scores, sample_weight=weight, labels=[0, 1], pos_label=1)),
        "calibration_error": bins(np.repeat(scores, repeats), np.repeat(labels, repeats))[0],
    } | first_error(solutions, np.asarray(weights))


def cases(random):
    yield "one good step", [[[0.75, 1]]]
    yield "one bad step", [[[0.75, 0]]]
    yield "exactly a half", [[[0.5, 1], [0.5, 0]], [[0.5, 0]], [[0.5, 1]]]
    yield "0 and 1, right and wrong", [[[0.0, 0], [1.0, 1]], [[1.0, 0], [0.0, 1]], [[1.0, 1]]]
    yield "all good", [[[0.9, 1], [0.4, 1]], [[0.6, 1]]]
    yield "all bad", [[[0.1, 0], [0.4, 0]], [[0.7, 0], [0.2, 0]]]
    yield "no first error found, none accepted", [[[0.2, 1], [0.7, 1]], [[0.9, 0]]]
    # What ends a bin is 0.1 · k as a double, which is not always the double nearest to k / 10.
    edges = [k / 10 for k in range(11)] + [k * 0.1 for k in range(10)]
    edges += [float(np.nextafter(edge, 0)) for edge in edges[1:]] + [float(np.nextafter(edge, 1)) for edge in edges[:10]]
    yield "edges of bins", [[[edge, int(random.random() < edge)]] for edge in edges]
    yield "two bins only", [[[float(random.choice([0.03, 0.97])), int(random.integers(2))] for _ in range(3)] for _ in range(9)]
    for kind in ["fine", "ties"]:
        for size in [20, 60]:
            solutions = []
            for _ in range(size):
                steps = []
                for _ in range(int(random.integers(1, 8))):
                    score = float(random.beta(2, 0.7))
                    score = round(score * 8) / 8 if kind == "ties" else score
                    steps.append([score, int(random.random() < 0.15 + 0.8 * score)])
                solutions.append(steps)
            yield f"{size} solutions, {kind}", solutions


random = np.random.default_rng(7)
with open(folder / "step_figures.jsonl", "w") as out:
    for name, solutions in cases(random):
        weights = [int(weight) for weight in random.poisson(1, len(solutions))]
        scores = np.array([score for solution in solutions for score, _ in solution])
        labels = np.array([label for solution in solutions for _, label in solution])
        row = {
            "name": name, "solutions": solutions, "weights": weights, "plain": figures(solutions, [1] * len(solutions)),
            "weighted": figures(solutions, weights), "bins": bins(scores, labels)[1],
        }
        out.write(json.dumps(row) + "\n")
