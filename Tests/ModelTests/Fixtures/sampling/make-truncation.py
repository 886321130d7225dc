"""Writes truncation.json: the tokens that the warpers of transformers (5.23.0, PyTorch) leave of rows of logits.

Run it as `python make-truncation.py`, in its folder. Logits are whole numbers, to be divided by `scale`, or null for minus
infinity. A kept set is one string of hexadecimal digits: token t is bit t % 4 of digit t / 4. It is null where transformers
leaves the set open, because tokens with equal logits are on both sides of top-p's cut, or where a comparison is too close to
rely on its rounding.
"""

import json

import numpy
import torch
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper, MinPLogitsWarper

SCALE = 4096
MARGIN = 1e-5

# (temperature, top_k, top_p, min_p)
SETTINGS = [
    (1.0, 1, 1.0, 0.0),
    (1.0, 5, 1.0, 0.0),
    (0.7, 50, 1.0, 0.0),
    (1.0, 2000, 1.0, 0.0),
    (1.0, 0, 0.9, 0.0),
    (0.6, 0, 0.95, 0.0),
    (1.5, 0, 0.3, 0.0),
    (1.0, 0, 0.0, 0.0),
    (1.0, 0, 1.0, 0.05),
    (2.0, 0, 1.0, 0.3),
    (0.5, 0, 1.0, 1.0),
    (0.8, 20, 0.8, 0.0),
    (1.0, 50, 0.95, 0.1),
    (1.3, 7, 0.99, 0.02),
]


def make_rows(random):
    """40 rows of whole numbers; None is minus infinity."""
    rows = []
    for index in range(40):
        size = [17, 31, 64, 100, 129, 200, 257, 1000][index % 8] if index < 16 else int(random.integers(17, 220))
        spread = [0.05, 0.7, 2, 4, 9][index % 5]
        row = numpy.round(random.normal(size=size) * spread * SCALE).astype(int).tolist()
        shape = index % 7
        if shape == 1:  # one token is all but certain
            row[int(random.integers(size))] = 30 * SCALE
        elif shape == 2:  # coarse numbers: many are equal
            row = [round(z / SCALE) * SCALE for z in row]
        elif shape == 3:  # half of them impossible
            row = [None if random.random() < 0.5 else z for z in row]
            row[size // 2] = SCALE
        elif shape == 4:  # the last of the five largest has equals
            order = numpy.argsort(row)[::-1]
            for token in order[4:9]:
                row[token] = row[order[4]]
        elif shape == 5 and index > 20:  # fewer possible ones than some settings keep
            few = set(random.choice(size, 3, replace=False).tolist())
            row = [z if token in few else None for token, z in enumerate(row)]
        rows.append(row)
    return rows


def warpers(temperature, top_k, top_p, min_p):
    """Those that `generate` makes of such settings, in its order."""
    made = [] if temperature == 1 else [TemperatureLogitsWarper(temperature)]
    if top_k:
        made.append(TopKLogitsWarper(top_k=top_k))
    if top_p < 1:
        made.append(TopPLogitsWarper(top_p=top_p))
    if min_p:
        made.append(MinPLogitsWarper(min_p=min_p))
    return made


def warped(scores, settings):
    for warper in warpers(*settings):
        scores = warper(None, scores)
    return scores[0]


def is_decided(scores, settings):
    """Whether no comparison is within MARGIN of its boundary, and top-p divides no equals."""
    temperature, top_k, top_p, min_p = settings
    scores = warped(scores, (temperature, top_k, 1, 0))
    p = torch.softmax(scores, -1).numpy()
    if top_p < 1:
        order = numpy.sort(scores.numpy())
        after = numpy.cumsum(numpy.sort(p))
        # The last token is kept whatever its sum, and the sum of tokens without probability is exactly 0.
        if (numpy.abs(after[:-1] - (1 - top_p))[after[:-1] > 0] < MARGIN).any():
            return False
        cut = min(int((after <= 1 - top_p).sum()), len(order) - 1)
        if cut > 0 and order[cut] == order[cut - 1]:
            return False
        p = torch.softmax(warped(scores[None], (1, 0, top_p, 0)), -1).numpy()
    ratio = p / p.max()
    return not min_p or not ((numpy.abs(ratio / min_p - 1) < MARGIN) & (ratio != 1)).any()


def digits(kept):
    bits = sum(1 << token for token, is_kept in enumerate(kept) if is_kept)
    return format(bits, "x").rjust((len(kept) + 3) // 4, "0")[::-1]


rows, decided = [], [0] * len(SETTINGS)
for logits in make_rows(numpy.random.default_rng(5)):
    exact = torch.tensor([[float("-inf") if z is None else z / SCALE for z in logits]], dtype=torch.float64)
    kept = []
    for index, settings in enumerate(SETTINGS):
        if not is_decided(exact, settings):
            kept.append(None)
            continue
        sets = [torch.isfinite(warped(scores, settings)).tolist() for scores in (exact, exact.float())]
        assert sets[0] == sets[1] and any(sets[0]), (index, settings)
        kept.append(digits(sets[0]))
        decided[index] += 1
    rows.append({"logits": logits, "kept": kept})
assert min(decided) >= 25, decided
print("rows with a set, by setting:", decided)

with open("truncation.json", "w") as file:
    names = ["temperature", "topK", "topP", "minP"]
    file.write('{"scale": %d,\n"settings": [\n' % SCALE)
    file.write(",\n".join(json.dumps(dict(zip(names, settings))) for settings in SETTINGS) + '],\n"rows": [\n')
    file.write(",\n".join(json.dumps(row, separators=(",", ":")) for row in rows) + "]}\n")
