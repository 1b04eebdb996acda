"""A table and a network's settings, as JSON, to a fitted model of PyTorch; prints its accuracy."""

from __future__ import annotations

import json
import sys
from itertools import pairwise

import torch
from benchmarks.prompts.table import read

given = json.loads(sys.argv[1])
inputs, classes, inputs_aside, classes_aside = map(torch.from_numpy, read(given))
layers: list[torch.nn.Module] = []
for before, after in pairwise([inputs.shape[1], *given["hidden"], int(classes.max()) + 1]):
    layers += [torch.nn.Linear(before, after), torch.nn.ReLU()]
model = torch.nn.Sequential(*layers[:-1])
weights = [parameter for parameter in model.parameters() if parameter.ndim == 2]
biases = [parameter for parameter in model.parameters() if parameter.ndim == 1]
groups = [{"params": weights, "weight_decay": given["l2"]}, {"params": biases}]
optimizer = torch.optim.Adam(groups, lr=given["rate"], fused=True)
for _ in range(given["epochs"]):
    for rows in torch.randperm(len(inputs)).split(given["batch"]):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs[rows]), classes[rows]).backward()
        optimizer.step()
with torch.inference_mode():
    found = model(inputs_aside).argmax(dim=1)
print((found == classes_aside).double().mean().item())
