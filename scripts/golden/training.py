"""Writes packages/engine/test/golden/training.json and schedules.json: twenty steps of training in PyTorch, and its schedules.

    pip install torch==2.13.0 torchvision==0.28.0 transformers==5.23.0 numpy==2.4.6
    python scripts/golden/training.py

The small network of reference_network.py, dropout off, a new batch in every step.
"""

import json
import pathlib
import platform

import torch
from reference_network import TINY, build, inputs, sampled, versions
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

OUT = pathlib.Path(__file__).parents[2] / "packages/engine/test/golden"
STEPS = 20
LENGTHS = [11, 7, 14, 9]
MOST = 6


def adamw_one_cycle(network):
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.01)
    return optimizer, OneCycleLR(optimizer, max_lr=1e-3, total_steps=STEPS, pct_start=0.1, anneal_strategy="cos")


def adam_cosine(network):
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-4, weight_decay=0.01)
    return optimizer, CosineAnnealingLR(optimizer, T_max=STEPS, eta_min=1e-5)


def frozen(network):
    """The original's first phase: backbones do not learn, but run in training mode. Vectors do not decay; text heads learn at half the rate."""
    for branch in (network.vision_branch, network.text_branch):
        branch.backbone.requires_grad_(False)
    learning = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
    groups = [
        {"params": [p], "weight_decay": 0.1 if p.ndim > 1 else 0.0, "lr": 2e-3 * (0.5 if name.startswith("text") else 1.0)}
        for name, p in learning
    ]
    optimizer = torch.optim.AdamW(groups, betas=(0.8, 0.99), eps=1e-7)
    return optimizer, None


def train(make):
    network = build(TINY).train()
    optimizer, scheduler = make(network)
    losses, norms = [], []
    for step in range(STEPS):
        batch, labels = inputs(TINY, LENGTHS, f"step{step}")
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(**batch), labels)
        optimizer.zero_grad()
        loss.backward()
        learning = [p for p in network.parameters() if p.requires_grad]
        norms.append(float(torch.nn.utils.clip_grad_norm_(learning, 1.0)))
        optimizer.step()
        if scheduler:
            scheduler.step()
        losses.append(loss.item())
    state = {name: sampled(name, tensor, MOST) for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
    print(make.__name__, [round(x, 4) for x in losses], [round(x, 2) for x in norms])
    return {"losses": losses, "gradientNorms": norms, "state": state}


def rates(make, steps):
    """Learning rate and beta1 of every step."""
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=1e-3)
    scheduler = make(optimizer)
    result = []
    for _ in range(steps):
        group = optimizer.param_groups[0]
        result.append([group["lr"], group["betas"][0]])
        optimizer.step()
        scheduler.step()
    return result


def schedules():
    for total, options in ((20, {}), (137, {}), (50, {"pct_start": 0.3, "div_factor": 10, "final_div_factor": 100})):
        options = {"max_lr": 3e-4, "total_steps": total, "pct_start": 0.1, **options}
        yield {"kind": "one_cycle", "options": options, "rates": rates(lambda o, kw=options: OneCycleLR(o, **kw), total)}
    fixed = {"max_lr": 3e-4, "total_steps": 40, "pct_start": 0.1, "cycle_momentum": False}
    yield {"kind": "one_cycle", "options": fixed, "rates": rates(lambda o: OneCycleLR(o, **fixed), 40)}
    cosine = {"T_max": 30, "eta_min": 1e-6}
    yield {"kind": "cosine", "options": cosine, "rates": rates(lambda o: CosineAnnealingLR(o, **cosine), 30)}


def write(name, content):
    source = f"python scripts/golden/training.py @ python {platform.python_version()}, {versions()}"
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in {"source": source, **content}.items())
    (OUT / name).write_text("{\n" + lines + "\n}\n")
    print(name, (OUT / name).stat().st_size)


def main():
    write("training.json", {make.__name__: train(make) for make in (adamw_one_cycle, adam_cosine, frozen)})
    write("schedules.json", {"schedules": list(schedules())})


main()
