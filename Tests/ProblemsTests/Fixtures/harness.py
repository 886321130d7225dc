"""Writes harness.jsonl: what lm-evaluation-harness's task gsm8k makes of texts, by its own regular expressions.

The two filters and the normalisation are those of lm_eval/tasks/gsm8k/gsm8k.yaml, lm_eval/filters/extraction.py and the
exact_match of lm_eval/api/metrics.py. Arguments: GSM8K's example_model_solutions.jsonl (for real responses), the output.
"""
import json, random, re, sys

STRICT, FLEXIBLE = re.compile(r"#### (\-?[0-9\.\,]+)"), re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")
IGNORE = [",", r"\$", r"(?s).*#### ", r"\.$"]


def extract(regex, text, select):
    found = regex.findall(text)
    if not found:
        return "[invalid]"
    match = found[select]
    if isinstance(match, tuple):
        match = [m for m in match if m]
        match = match[0] if match else "[invalid]"
    return match.strip()


def equal(prediction, gold):
    for expression in IGNORE:
        prediction, gold = re.sub(expression, "", prediction), re.sub(expression, "", gold)
    return prediction.lower() == gold.lower()


rng = random.Random(20)
texts = []
for line in list(open(sys.argv[1]))[:30]:
    row = json.loads(line)
    for key in ("6b_finetuning", "175b_verification"):
        solution = row[key]["solution"][-120:]
        texts.append((solution, row["ground_truth"][-40:].replace("A: ", "#### ")))
        texts.append((solution.replace("A: ", "#### "), row["ground_truth"][-40:].replace("A: ", "#### ")))
pieces = ["#### ", "####", "#", " ", "-", "--", "$", ".", ",", "7", "42", "1,234", "3.50", "\n", "x", "A", "apples", "−", "%", "1/2", "[invalid]", "5.\n"]
for _ in range(300):
    text = "".join(rng.choice(pieces) for _ in range(rng.randrange(0, 9)))
    gold = rng.choice(["7", "42", "1,234", "3.50", "$7", "-7", "7.", "x\n#### 42", "742", "[INVALID]", "", "5"])
    texts.append((text, gold))
with open(sys.argv[2], "w") as out:
    for text, gold in texts:
        strict, flexible = extract(STRICT, text, 0), extract(FLEXIBLE, text, -1)
        row = {"text": text, "gold": gold, "strict": strict, "flexible": flexible,
               "strict_correct": equal(strict, gold), "flexible_correct": equal(flexible, gold)}
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
