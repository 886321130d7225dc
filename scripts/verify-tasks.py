#!/usr/bin/env python3
"""Writes the tasks of `gfn-dist verify`: every legal response and its log reward, one file per task.

    scripts/verify-tasks.py [FOLDER]       # or else the program's resources

Each task is a function below: its rule, and what the task is for. A test computes the ends and rewards of each again, from the same
rule written a second time. To add a task, add a function and its name to TASKS. All texts are in PathSum's vocabulary, so that the
shipped base can be trained on them: " 0" to " 99" with their blank, the digits, + - *, the colon and the newline are one token each.
"""
import math
import os
import sys
from itertools import product

WIDTH = 138
# With these, log R is the listed number and nothing else; see docs/reward.md for what they mean.
LISTED = {"reward.process": 1, "reward.correct": 0, "reward.unfinished": 0, "reward.reference": 0}


def spell(numbers):
    """The text of numbers, one token each."""
    return "".join(f" {number}" for number in numbers)


def numbers():
    """Numbers of up to three digits, as number generation of Hu et al. (arXiv 2310.04363) but with modes: a response may end anywhere,
    its probability rises and falls four times over 0 to 99, and there are ten times as many ends that should hardly ever be given."""
    ends = {}
    for length in range(4):
        for digits in product(range(10), repeat=length):
            text = "".join(map(str, digits))
            is_canonical = 1 <= length <= 2 and text == str(int(text))
            ends[spell(digits)] = 2 * math.cos(2 * math.pi * int(text) / 25) if is_canonical else -8
    return {"about": "Numbers of up to three digits, where those from 0 to 99 without a leading zero have a reward with four peaks.",
            "correct": -4, "settings": LISTED, "problems": {" 0 0:": ends}}


def steps(value):
    """The right steps of PathSum from a value: operator, digit and result."""
    results = [("+", digit, value + digit) for digit in range(1, 10)] + [("-", digit, value - digit) for digit in range(1, 10)]
    results += [("*", digit, value * digit) for digit in range(2, 10)]
    return [step for step in results if 0 <= step[2] <= 99]


def write(*lines):
    """The text of steps."""
    return "".join(f"{operator}{digit} {result}\n" for operator, digit, result in lines)


def pathsum_tool():
    """PathSum with a calculator: a step's result is always right, so the choice is of operators and digits alone. Many ends, of which
    a few are worth giving, and a reward that only the end shows."""
    problems = {}
    for start, target in [(7, 20), (37, 44), (81, 72)]:
        ends = {}
        for first in steps(start):
            ends[write(first)] = 0 if first[2] == target else -8
            for second in steps(first[2]):
                ends[write(first, second)] = 0 if second[2] == target else -8
        problems[f" {start} {target}:"] = ends
    return {"about": "PathSum in at most two steps whose results are always right, rewarded when the last one is the target.",
            "correct": -4, "settings": LISTED, "problems": problems}


def prefixes():
    """Ends that begin with one another: a spine of twelve tokens with ends on it, and six leaves beside each of its last tokens. Most
    of a response is shared, so that an error in the flow of one state shows in all that lie behind it."""
    spine = list(range(1, 13))

    def reward(depth, leaf):
        return ((7 * depth * depth + 5 * depth * leaf + 3 * leaf) % 13 - 6) / 2

    ends = {}
    for depth in range(2, 13):
        if depth in (2, 3, 5, 8, 11, 12):
            ends[spell(spine[:depth])] = reward(depth, 6)
        if 5 <= depth <= 11:
            for leaf in range(6):
                ends[spell(spine[:depth] + [20 + leaf])] = reward(depth, leaf)
    return {"about": "Ends that share long prefixes: along a path of twelve tokens, and beside its last ones.",
            "settings": LISTED, "problems": {" 1 12:": ends}}


def rootless():
    """Twelve first tokens, each with a tree of its own, and the root is no end. The trees share no state that may end and differ much
    in mass, so that a method which balances only between states that may end never compares one first token with another."""
    ends = {}
    for first in range(12):
        shift = -3 + 6 * (5 * first % 12) / 11
        for length in range(3):
            for rest in product(range(4), repeat=length):
                variation = (sum((3 + 2 * place) * digit for place, digit in enumerate(rest)) + length + first) % 5 / 4 - 0.5
                ends[spell((10 + first, *rest))] = shift + variation
    return {"about": "Twelve trees of very different mass, one for each first token, and no end at the root.",
            "settings": LISTED, "problems": {" 12 4:": ends}}


def answers(start, target, width):
    """Answers to a PathSum problem of one and two steps: first steps, and behind each that is right, last steps whose right result is
    at most `width` from the target. Each comes with its right result and with the target stated whatever the result is.

    Yields text, steps and whether all is right and leads to the target."""
    for first in steps(start):
        yield from stated((), first, target)
        for second in steps(first[2]):
            if abs(second[2] - target) <= width:
                yield from stated((first,), second, target)


def stated(before, last, target):
    """A last step with its right result, and, if that is not the target, with the target in its place."""
    yield write(*before, last), (*before, last), last[2] == target
    if last[2] != target:
        claim = (last[0], last[1], target)
        yield write(*before, claim), (*before, claim), False


def reference():
    """The target is the base's own distribution, tilted: log R is the log-probability under the base plus a number from -2 to 2. Right
    and wrong answers of one and two steps. No single step leads to the target: where one does, the base gives it more than 0.97 of
    these answers' probability, and no tilt would show. Here the likeliest has 0.11, and the tilt moves 0.39 of all."""
    ends = {}
    for text, lines, _ in answers(5, 24, 7):
        ends[text] = ((lines[-1][2] + 3 * lines[0][1] + 5 * len(lines)) % 9 - 4) / 2
    return {"about": "PathSum answers, right and wrong, rewarded by their likelihood under the base times a factor.",
            "settings": {**LISTED, "reward.reference": 1}, "problems": {" 5 24:": ends}}


def learned():
    """Two PathSum problems for a reward model, whose scores take the place of the listed numbers: these only say which answers are
    right. Right steps, and some that state the target falsely; the base gives no answer to them more than 0.13."""
    problems = {}
    for start, target, width in [(5, 27, 9), (11, 30, 10)]:
        problems[f" {start} {target}:"] = {text: 0 if right else -8 for text, _, right in answers(start, target, width)}
    return {"about": "PathSum answers to be scored by a reward model; the listed numbers only say which are right.",
            "correct": -4, "settings": LISTED, "reward_model": {"lora.rank": 16, "lora.alpha": 32, "train.steps": 150,
            "train.prompts_per_step": 32}, "problems": problems}


def bits():
    """All strings of twelve bits, as long as a list may be: only whole strings end, and many are local modes, since a reward for bits
    that equal those three places on competes with one for as many ones as zeros."""
    ends = {}
    for string in product(range(2), repeat=12):
        equal = sum(a == b for a, b in zip(string, string[3:]))
        ends[spell(string)] = 2 * equal / 3 - abs(sum(string) - 6) / 2
    return {"about": "All strings of twelve bits, rewarded for repeating themselves and for balance.",
            "settings": LISTED, "problems": {" 0 1:": ends}}


def sixteen():
    """Sixteen ends, for runs of a few seconds: all strings of at most three bits, the empty one included, and one of four."""
    strings = [string for length in range(4) for string in product(range(2), repeat=length)] + [(1, 1, 1, 1)]
    return {"about": "Sixteen strings of at most four bits, for quick runs.", "settings": LISTED,
            "problems": {" 1 6:": {spell(string): 4 * (5 * place % 16) / 15 - 2 for place, string in enumerate(strings)}}}


# Of training, where a thousand are more than it takes, or fewer: TB from random weights finds the single answers of `pathsum-tool` late.
STEPS = {"sixteen": 400, "prefixes": 500, "rootless": 500, "reference": 600, "learned": 600, "numbers": 800, "pathsum-tool": 1500}

TASKS = {"numbers": numbers, "pathsum-tool": pathsum_tool, "prefixes": prefixes, "rootless": rootless, "reference": reference,
         "learned": learned, "bits": bits, "sixteen": sixteen}


def quoted(text):
    """A text in YAML. Ours have no quotes and no backslashes of their own."""
    return '"' + text.replace("\n", "\\n") + '"'


def number(value):
    """Six significant digits; what rounding leaves of zero is zero."""
    text = f"{value:.6g}"
    return "0" if abs(float(text)) < 1e-9 else text


def packed(items, indent):
    """Items of a list between commas, as many on a line as fit."""
    lines, line = [], ""
    for item in items:
        if line and indent + len(line) + len(item) + 2 > WIDTH:
            lines.append(line)
            line = ""
        line += (" " if line else "") + item + ","
    # The last one has no comma behind it.
    return [" " * indent + line for line in [*lines, line[:-1]]]


def yaml(task):
    """A task's file."""
    lines = [f"about: {quoted(task['about'])}"]
    if "correct" in task:
        lines.append(f"correct: {task['correct']}")
    settings = ", ".join(f"{name}: {value}" for name, value in task["settings"].items())
    lines += [f"settings: {{{settings}}}"]
    if "reward_model" in task:
        lines += ["reward_model: {" + ", ".join(f"{name}: {value}" for name, value in task["reward_model"].items()) + "}"]
    lines += ["problems:"]
    for prompt, ends in task["problems"].items():
        lines += [f"  - prompt: {quoted(prompt)}", "    ends: {"]
        lines += packed([f"{quoted(text)}: {number(reward)}" for text, reward in ends.items()], 6)
        lines.append("    }")
    return "\n".join(lines) + "\n"


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../Sources/gfn-dist/Resources/verify")
    os.makedirs(folder, exist_ok=True)
    for name, rule in TASKS.items():
        with open(os.path.join(folder, f"{name}.yaml"), "w", encoding="utf-8", newline="\n") as file:
            task = rule()
            if name in STEPS:
                task["settings"] = {"train.steps": STEPS[name], **task["settings"]}
            file.write(yaml(task))


if __name__ == "__main__":
    main()
