#!/usr/bin/env python3
"""Compares a run's recorded log-probabilities with those of transformers and PEFT.

Needs torch, transformers, peft and gguf; the program itself needs none of them. Make a run to compare first:

    gfn-dist train --single --model MODEL --set data.train=FILE --set precision=fp32 --set lag=0 --set train.steps=4 \\
        --set train.warmup_steps=0 --set train.learning_rate=1e-3 --set samples.every=1 --set checkpoint.every=1 \\
        --set checkpoint.keep=10 --set rollout.max_new_tokens=64 --output runs/check
    scripts/check-peft.py MODEL runs/check 4
"""
import json
import os
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

if len(sys.argv) != 4:
    sys.exit(__doc__)
model_path, run, step = sys.argv[1], sys.argv[2], int(sys.argv[3])
if model_path.endswith(".gguf"):
    folder, name = os.path.split(os.path.abspath(model_path))
    base = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
else:
    base = AutoModelForCausalLM.from_pretrained(model_path, dtype=torch.float32)
# With lag 0, what was sampled for step n comes from the adapter after step n - 1.
policy = PeftModel.from_pretrained(base, f"{run}/checkpoints/step-{step - 1}").eval()

tokens, largest, largest_without = 0, 0.0, 0.0
for line in open(f"{run}/samples/step-{step}.jsonl", encoding="utf-8"):
    sample = json.loads(line)
    assert sample["policy_version"] == step - 1, "set lag=0 in the run"
    prompt, response = sample["prompt_tokens"], sample["tokens"]
    if not response:
        continue
    ids = torch.tensor([prompt + response])
    recorded = torch.tensor(sample["logprobs"])

    def difference():
        with torch.no_grad():
            scores = torch.log_softmax(policy(ids).logits[0].float(), -1)
        positions = torch.arange(len(prompt) - 1, ids.shape[1] - 1)
        return (scores[positions, ids[0, len(prompt):]] - recorded).abs().max().item()

    largest = max(largest, difference())
    with policy.disable_adapter():
        largest_without = max(largest_without, difference())
    tokens += len(response)
print(f"{tokens} tokens: largest difference {largest:.2e} with the adapter, {largest_without:.2e} without it")
if not largest < 1e-3:
    sys.exit("the adapter does not give the same log-probabilities in PEFT")
