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


def solutions(chance, vocabulary, answer):
    """Variants of one solution, from nearly equal to half different."""
    base = [chance.choice(vocabulary) for _ in range(WORDS - 2)]
    for _ in range(SAMPLES):
        words = list(base)
        for _ in range(chance.randrange(WORDS // 2)):
            words[chance.randrange(len(words))] = chance.choice(vocabulary)
        yield " ".join(words) + f"\n#### {answer}"


chance = random.Random(1)
vocabulary = [f"{chance.choice('bcdfglmnprst')}{chance.choice('aeiou')}{chance.choice('dlmnrst')}{k % 40 or ''}" for k in range(2000)]
groups = [list(solutions(chance, vocabulary, problem % 97)) for problem in range(PROBLEMS)]
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
