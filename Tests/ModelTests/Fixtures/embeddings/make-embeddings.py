"""Writes embeddings.json: mean hidden states over responses by transformers (5.23.0), in single precision.

Run it as `python make-embeddings.py`, in its folder.
"""

import json

import torch
from transformers import AutoModelForCausalLM

GROUPS = [
    {"prompt": [1, 81, 22, 14], "responses": [[285, 33, 7, 19], [5], [], [285, 33, 8]]},
    {"prompt": [40], "responses": [[41, 41, 12, 9, 100, 77, 3, 2, 250]]},
]

model = AutoModelForCausalLM.from_pretrained("../nano-tied-f32/checkpoint", dtype=torch.float32).eval()
for group in GROUPS:
    group["embeddings"] = []
    for response in group["responses"]:
        with torch.no_grad():
            hidden = model.model(input_ids=torch.tensor([group["prompt"] + response])).last_hidden_state[0]
        own = hidden[len(group["prompt"]) :]
        mean = own.double().mean(0) if response else torch.zeros(hidden.shape[1])
        group["embeddings"].append([round(x, 8) for x in mean.tolist()])

with open("embeddings.json", "w") as file:
    file.write("[" + ",\n".join(json.dumps(group) for group in GROUPS) + "]\n")
