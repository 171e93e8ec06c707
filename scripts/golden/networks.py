"""Writes packages/engine/test/golden/network-*.json: what the PyTorch network computes, stage by stage, and its gradients.

    pip install torch==2.13.0 torchvision==0.28.0 transformers==5.23.0 numpy==2.4.6
    python scripts/golden/networks.py

Weights and inputs are formulas (reference_network.py), so the files hold results: of every tensor its norm and some of its values.
"""

import json
import pathlib
import platform

import torch
from reference_network import FULL, TINY, build, inputs, sampled, versions

OUT = pathlib.Path(__file__).parents[2] / "packages/engine/test/golden"
OBSERVED = 48
GRADIENT = 6

CASES = {
    "one-eval": {"lengths": [12], "training": False},
    "one-train": {"lengths": [12], "training": True},
    "padded-eval": {"lengths": [16, 9, 5], "training": False},
    "padded-train": {"lengths": [16, 9, 5], "training": True},
    "unpadded-eval": {"lengths": [14, 14, 14], "training": False},
    "unpadded-train": {"lengths": [14, 14, 14], "training": True},
}


def watched(network):
    """Modules whose outputs are kept: stages and blocks, layers, projections."""
    vision, text = network.vision_branch, network.text_branch
    yield "vision_branch.backbone.features.0", vision.backbone.features[0]
    for stage in range(1, len(vision.backbone.features) - 1):
        for block, module in enumerate(vision.backbone.features[stage]):
            yield f"vision_branch.backbone.features.{stage}.{block}", module
    last = len(vision.backbone.features) - 1
    yield f"vision_branch.backbone.features.{last}", vision.backbone.features[last]
    yield "vision_branch.projection", vision.projection
    yield "text_branch.backbone.embeddings", text.backbone.embeddings
    for layer, module in enumerate(text.backbone.transformer.layer):
        yield f"text_branch.backbone.transformer.layer.{layer}", module
    yield "text_branch.projection", text.projection


def watch(network):
    outputs = {}

    def keep(name):
        def hook(_module, _inputs, output):
            outputs[name] = output[0] if isinstance(output, tuple) else output

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in watched(network)]
    return outputs, handles


def run(sizes, case):
    network = build(sizes)
    network.train(case["training"])
    outputs, handles = watch(network)
    batch, labels = inputs(sizes, case["lengths"])
    logits = network(**batch)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, labels)
    result = {
        **case,
        "logits": logits.reshape(-1).tolist(),
        "loss": loss.item(),
        "observed": {name: sampled(name, output, OBSERVED) for name, output in outputs.items()},
    }
    for handle in handles:
        handle.remove()
    return network, loss, result


def gradients(network, loss):
    loss.backward()
    return {name: sampled(name, parameter.grad, GRADIENT) for name, parameter in network.named_parameters()}


def statistics(network):
    """Running statistics after one training step."""
    return {name: sampled(name, tensor, GRADIENT) for name, tensor in network.state_dict().items() if "running" in name}


def write(name, content):
    source = f"python scripts/golden/networks.py @ python {platform.python_version()}, {versions()}"
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in {"source": source, **content}.items())
    (OUT / name).write_text("{\n" + lines + "\n}\n")
    print(name, (OUT / name).stat().st_size)


def main():
    torch.manual_seed(0)
    for size, sizes in (("full", FULL), ("tiny", TINY)):
        for name, case in CASES.items():
            network, loss, result = run(sizes, case)
            print(size, name, [round(x, 4) for x in result["logits"]], round(result["loss"], 6))
            print({key.split(".", 2)[-1]: round(value[0], 2) for key, value in result["observed"].items()})
            write(f"network-{size}-{name}.json", result)
            if name in ("padded-train", "padded-eval"):
                content = {"gradients": gradients(network, loss)}
                if case["training"]:
                    content["statistics"] = statistics(network)
                write(f"network-{size}-{name}-gradients.json", content)


main()
