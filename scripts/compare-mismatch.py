#!/usr/bin/env python3
"""How far the log-probabilities of a sampler are from those of the trainer that learns from its samples: here, and in transformers.

    scripts/compare-mismatch.py MODEL [TOKENS] > docs/results/mismatch.json

MODEL is a GGUF file or a Hugging Face folder, TOKENS how many sampled tokens to compare of each (4,096). Both sample eight solutions of each
prompt at temperature 1 in bf16, and then pass over the whole solutions, as a trainer does:

- gfn-dist: `sample`, then `score`.
- transformers: `generate` with its cache, prompts of a batch padded on the left, then one forward over prompts and solutions, as TRL's
  GRPOTrainer computes them. Samplers of another program (vLLM, SGLang) are further away than this.

Needs torch, transformers and gguf, which the program itself does not. GFN_BINARY names the program.
"""
import json
import os
import subprocess
import sys
import tempfile

import torch
import transformers

if not 2 <= len(sys.argv) <= 3:
    sys.exit(__doc__)
model_path, wanted = sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 4096
binary = os.environ.get("GFN_BINARY", ".build/release/gfn-dist")
SAMPLES, LENGTH = 8, 64
prompts = [f"Question: {7 * n % 90 + 3} apples and {n + 11} pears are in {n % 5 + 2} baskets. How many fruits are there?\nAnswer:"
           + " Let us think step by step." * (n % 3) for n in range(1 + wanted // (SAMPLES * LENGTH // 2))]


def gfn_dist():
    with tempfile.TemporaryDirectory() as folder:
        problems, samples = f"{folder}/problems.jsonl", f"{folder}/samples.jsonl"
        with open(problems, "w", encoding="utf-8") as file:
            for prompt in prompts:
                file.write(json.dumps({"prompt": prompt, "answer": "0"}) + "\n")
        options = ["--model", model_path, "--quiet", "--set", "precision=bf16", "--set", "data.chat_template=plain"]
        subprocess.run([binary, "sample", problems, *options, "--samples-per-problem", str(SAMPLES), "--max-new-tokens", str(LENGTH),
                        "--output", samples], check=True)
        scored = subprocess.run([binary, "score", samples, *options], check=True, capture_output=True, text=True).stdout
        with open(samples, encoding="utf-8") as file:
            for sampled, learned in zip(file, scored.splitlines(), strict=True):
                pairs = zip(json.loads(sampled)["logprobs"], json.loads(learned)["logprobs"], strict=True)
                yield from (abs(a - b) for a, b in pairs)


def load():
    if model_path.endswith(".gguf"):
        folder, name = os.path.split(os.path.abspath(model_path))
        options = {"gguf_file": name}
    else:
        folder, options = model_path, {}
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, padding_side="left", **options)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, **options).eval()


@torch.inference_mode()
def of_transformers():
    tokenizer, model = load()
    torch.manual_seed(1)
    for first in range(0, len(prompts), 4):
        batch = tokenizer([p for p in prompts[first:first + 4] for _ in range(SAMPLES)], return_tensors="pt", padding=True)
        out = model.generate(**batch, do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=LENGTH, return_dict_in_generate=True,
                             output_logits=True, pad_token_id=tokenizer.pad_token_id)
        start = batch["input_ids"].shape[1]
        response = out.sequences[:, start:]
        # A response ends with its first end token.
        ended = (response == tokenizer.eos_token_id).cumsum(1) - (response == tokenizer.eos_token_id).int()
        kept = ended == 0
        mask = torch.cat([batch["attention_mask"], kept.long()], 1)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        logits = model(input_ids=out.sequences, attention_mask=mask, position_ids=positions, use_cache=False).logits[:, start - 1:-1]

        def chosen(values):
            return values.float().log_softmax(-1).gather(-1, response.unsqueeze(-1)).squeeze(-1)

        yield from (chosen(torch.stack(out.logits, 1)) - chosen(logits)).abs()[kept].tolist()


def summary(name, differences):
    values = sorted(list(differences)[:wanted])
    count = len(values)
    edges = [1e-4, 1e-3, 1e-2, 1e-1]
    shares = [sum(v == 0 for v in values)] + [sum(low <= v < high and v > 0 for v in values) for low, high in zip([0] + edges, edges + [1e9])]
    return {
        "name": name, "tokens": count, "equal": shares[0] / count, "edges": edges, "shares": [s / count for s in shares[1:]],
        "mean": sum(values) / count, "median": values[count // 2], "99 %": values[int(0.99 * count)], "largest": values[-1],
    }


result = [summary("gfn-dist", gfn_dist()), summary(f"transformers {transformers.__version__}", of_transformers())]
print(json.dumps(result, indent=1))
