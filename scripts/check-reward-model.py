#!/usr/bin/env python3
"""Compares the step scores of a reward model with those that transformers and PEFT compute.

Needs torch, transformers, peft, safetensors and gguf; the program itself needs none of them. Make samples to compare first:

    gfn-dist sample FILE --model MODEL --set reward_model=FOLDER --set precision=fp32 --limit 8 --output samples.jsonl
    scripts/check-reward-model.py MODEL FOLDER samples.jsonl

FOLDER has adapter_config.json, adapter_model.safetensors and reward_head.safetensors (a run's adapter/). The functions below are
all that it takes to use a reward model from Python.
"""
import json
import os
import sys

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer


def load(model_path, folder):
    """The base with the adapter, the head, and the tokenizer."""
    directory, gguf = model_path, {}
    if model_path.endswith(".gguf"):
        directory, name = os.path.split(os.path.abspath(model_path))
        gguf = {"gguf_file": name}
    base = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, **gguf)
    model = PeftModel.from_pretrained(base, folder).eval()
    return model, load_file(f"{folder}/reward_head.safetensors"), AutoTokenizer.from_pretrained(directory, **gguf)


def read(tokens, tokenizer):
    """What is fed of a response, and how many of its tokens precede each reading: behind each line that is not blank."""
    texts = [tokenizer.decode([token]) for token in tokens]
    places, has_text = [], False
    for index, text in enumerate(texts[:-1]):
        has_text = has_text or not text.isspace()
        if has_text and text.endswith("\n"):
            places.append(index + 1)
            has_text = False
    if not texts or not texts[-1].endswith("\n"):
        # The line end of the last step, as the continuation of a text: "\n" behind a word, without what marks a beginning.
        tokens = tokens + tokenizer.encode("a\n", add_special_tokens=False)[len(tokenizer.encode("a", add_special_tokens=False)):]
    return tokens, places + [len(tokens)]


@torch.no_grad()
def step_rewards(model, head, prompt, tokens, places):
    """p of each step: the sigmoid of the head on the final norm's output where the step ends."""
    hidden = model.base_model.model.model(torch.tensor([prompt + tokens])).last_hidden_state[0]
    logits = hidden[[len(prompt) + place - 1 for place in places]] @ head["weight"][0] + head["bias"]
    return torch.sigmoid(logits)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    model, head, tokenizer = load(sys.argv[1], sys.argv[2])
    steps, largest = 0, 0.0
    with open(sys.argv[3], encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            tokens, places = read(line["tokens"], tokenizer)
            scores = step_rewards(model, head, line["prompt_tokens"], tokens, places)
            recorded = torch.tensor(line["step_rewards"])
            assert scores.shape == recorded.shape, f"{line['problem_id']}: {len(scores)} steps here, {len(recorded)} in the file"
            largest = max(largest, (scores - recorded).abs().max().item())
            steps += len(scores)
    print(f"{steps} steps: largest difference {largest:.2e}")
    if not largest < 1e-3:
        sys.exit("transformers and PEFT do not give the same scores")
