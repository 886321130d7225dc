#!/usr/bin/env python3
"""Compares the step scores of a reward model with those that transformers and PEFT compute in float32.

    scripts/check-reward-model.py MODEL FOLDER SAMPLES       # of samples, by the tokens that their lines have
    scripts/check-reward-model.py MODEL FOLDER STEPS SCORES  # of labelled steps {prompt, completions}, from their text

FOLDER has adapter_config.json, adapter_model.safetensors and reward_head.safetensors (a run's adapter/). Needs torch, transformers,
peft, safetensors and gguf; the program itself needs none of them. SAMPLES and SCORES come from

    gfn-dist sample FILE --model MODEL --set reward_model=FOLDER --set precision=fp32 --limit 8 --output samples.jsonl
    gfn-dist reward --model MODEL --set data.evaluate=STEPS --set precision=fp32 … --output RUN         # RUN/scores.jsonl

Texts become tokens as the program makes them: the prompt by the base's own chat template, and each step by itself with a newline
behind it. That is exact for byte-level tokenizers, not for SentencePiece. The functions below are all that it takes to use a reward
model from Python.
"""
import json
import os
import re
import sys

import torch
from peft import PeftModel
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer


INSTRUCTION = 'Solve the problem. Think step by step, one step per line. End with a line "#### " followed by the answer alone.'


def load(model_path, folder):
    """The base with the adapter, the head's tensors, the form of its prompts, and the tokenizer."""
    directory, gguf = model_path, {}
    if model_path.endswith(".gguf"):
        directory, name = os.path.split(os.path.abspath(model_path))
        gguf = {"gguf_file": name}
    base = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, **gguf)
    model = PeftModel.from_pretrained(base, folder).eval()
    with safe_open(f"{folder}/reward_head.safetensors", framework="pt") as file:
        head = {name: file.get_tensor(name) for name in file.keys()}
        template = file.metadata()["chat_template"]
    return model, head, template, AutoTokenizer.from_pretrained(directory, **gguf)


def pose(question, template, tokenizer):
    """The tokens of a prompt, as the program poses the question."""
    if template == "pathsum":
        return [tokenizer.convert_tokens_to_ids("<s>")] + tokenizer.encode(" " + question.strip(), add_special_tokens=False)
    if template == "plain":
        return tokenizer.encode(f"{INSTRUCTION}\n\nProblem: {question}\nSolution:\n")
    turns = [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": question}]
    text = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    return tokenizer.encode(text, add_special_tokens=False)


def write(steps, tokenizer):
    """The tokens of given steps, and how many of them precede each reading. GSM8K's notes <<1+1=2>> are left out, as in prompts."""
    tokens, places = [], []
    for step in steps:
        step = re.sub("<<.*?>>", "", step, flags=re.DOTALL)
        tokens += tokenizer.encode(step.rstrip() + "\n", add_special_tokens=False)
        places.append(len(tokens))
    return tokens, places


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


def from_samples(path, _, tokenizer):
    """What to score of each line, and its scores in the file: name, prompt, tokens, places, scores."""
    with open(path, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            yield line["problem_id"], line["prompt_tokens"], *read(line["tokens"], tokenizer), line["step_rewards"]


def from_steps(steps_path, scores_path, template, tokenizer):
    """The same of labelled steps, each line of the scores naming its line of the steps."""
    with open(steps_path, encoding="utf-8") as file:
        solutions = [json.loads(line) for line in file]
    with open(scores_path, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["dataset"] == os.path.basename(steps_path):
                solution = solutions[line["line"] - 1]
                prompt = pose(solution["prompt"], template, tokenizer)
                yield f"line {line['line']}", prompt, *write(solution["completions"], tokenizer), line["step_rewards"]


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    model, head, template, tokenizer = load(sys.argv[1], sys.argv[2])
    source = from_samples if len(sys.argv) == 4 else from_steps
    steps, largest, largest_without = 0, 0.0, 0.0
    for name, prompt, tokens, places, recorded in source(*sys.argv[3:], template, tokenizer):
        scores = step_rewards(model, head, prompt, tokens, places)
        if len(scores) != len(recorded):
            sys.exit(f"{name}: {len(scores)} steps here, {len(recorded)} in the file")
        largest = max(largest, (scores - torch.tensor(recorded)).abs().max().item())
        with model.disable_adapter():
            without = step_rewards(model, head, prompt, tokens, places)
        largest_without = max(largest_without, (without - torch.tensor(recorded)).abs().max().item())
        steps += len(scores)
    print(f"{steps} steps: largest difference {largest:.2e} with the adapter, {largest_without:.2e} without it")
    if steps == 0 or not largest < 1e-3:
        sys.exit("transformers and PEFT do not give the same scores")
