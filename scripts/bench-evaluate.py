#!/usr/bin/env python3
"""Times `gfn-dist evaluate` on 1,000 problems with 8 right solutions of 150 words each, beside Google's rouge_score.

    pip install rouge_score
    scripts/bench-evaluate.py [PROGRAM]        default: .build/release/gfn-dist

The program counts everything it counts, from the file to the table, on one core. rouge_score only compares the solutions pair by pair, those
of the first 25 problems, and its time is scaled to all. Three rounds, one after the other; the ratio is of each round.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

from rouge_score import rouge_scorer

PROBLEMS, SAMPLES, WORDS, COMPARED, ROUNDS = 1000, 8, 150, 25, 3
program = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", ".build", "release", "gfn-dist")


def line(chance):
    """Ten words; the last five may be an equation."""
    words = [chance.choice(vocabulary) for _ in range(10)]
    if chance.random() < 0.5:
        a, b = chance.randrange(2, 60), chance.randrange(2, 30)
        words[5:] = [str(a), "+", str(b), "=", str(a + b)]
    return " ".join(words) + "."


def solutions(chance, answer):
    """Variants of one solution of 15 lines, from nearly equal to quite different."""
    base = [line(chance) for _ in range(WORDS // 10)]
    for _ in range(SAMPLES):
        lines = list(base)
        for _ in range(chance.randrange(WORDS // 10)):
            lines[chance.randrange(len(lines))] = line(chance)
        yield "\n".join(lines) + f"\n#### {answer}"


chance = random.Random(1)
letters = [[a + b + c for a in "bcdfglmnprst" for b in "aeiou" for c in "dlmnrst"] for _ in range(3)]
vocabulary = ["".join(chance.choice(syllables) for syllables in letters[: 1 + k % 3]) for k in range(1600)]
groups = [list(solutions(chance, problem % 97)) for problem in range(PROBLEMS)]
scorer = rouge_scorer.RougeScorer(["rougeL"])


def threshold_count(texts, threshold):
    kept = []
    for index, text in enumerate(texts):
        if all(scores[min(index, other), max(index, other)] < threshold for other in kept):
            kept.append(index)
    return len(kept)


with tempfile.TemporaryDirectory() as folder:
    problems, samples = os.path.join(folder, "problems.jsonl"), os.path.join(folder, "samples.jsonl")
    with open(problems, "w") as file:
        for problem in range(PROBLEMS):
            file.write(json.dumps({"question": f"Problem {problem}", "answer": str(problem % 97)}) + "\n")
    with open(samples, "w") as file:
        for problem, texts in enumerate(groups):
            for index, text in enumerate(texts):
                file.write(json.dumps({"problem_id": problem, "sample_index": index, "text": text}) + "\n")
    ratios = []
    for _ in range(ROUNDS):
        start = time.monotonic()
        output = subprocess.run([program, "evaluate", problems, "--samples", samples, "--json", "--threads", "1"], check=True, capture_output=True)
        ours = time.monotonic() - start
        start = time.monotonic()
        counts = {0.6: 0, 0.7: 0, 0.8: 0}
        for texts in groups[:COMPARED]:
            scores = {
                (a, b): scorer.score(texts[a], texts[b])["rougeL"].fmeasure for b in range(len(texts)) for a in range(b)
            }
            for threshold in counts:
                counts[threshold] += threshold_count(texts, threshold)
        theirs = (time.monotonic() - start) * PROBLEMS / COMPARED
        ratios.append(theirs / ours)
        print(f"gfn-dist evaluate {ours:.2f} s, rouge_score {theirs:.0f} s (scaled), ratio {theirs / ours:.0f}")
    distinct = next(iter(json.loads(output.stdout)["temperatures"].values()))["distinct_correct"]
    print(f"median ratio {statistics.median(ratios):.0f}; distinct at 0.7: {distinct['rouge_l_0.7']:.3f} a problem, "
          f"by rouge_score {counts[0.7] / COMPARED:.3f} of the first {COMPARED}")
