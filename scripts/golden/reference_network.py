"""The network in PyTorch, under the names of Crosscheck's checkpoints, with weights and inputs from formulas.

    pip install torch==2.13.0 torchvision==0.28.0 transformers==5.23.0 numpy==2.4.6

EfficientNet-B0 is torchvision's and DistilBERT is Hugging Face's; the heads are written as the original has them.
`packages/engine/test/formula.ts` repeats the formulas, so goldens hold results only.
"""

import importlib.util
import pathlib
import re

import numpy as np
import torch
from torch import nn


def declare_missing_operators():
    """PyPI's torchvision may carry CUDA operators only; on a CPU torch it imports once their names exist."""
    package = pathlib.Path(importlib.util.find_spec("torchvision").submodule_search_locations[0])
    library = torch.library.Library("torchvision", "FRAGMENT")
    names = re.findall(r'register_(?:fake|meta)\("(?:torchvision::)?(\w+)"\)', (package / "_meta_registrations.py").read_text())
    for name in sorted(set(names)):
        try:
            library.define(f"{name}(Tensor x) -> Tensor")
        except RuntimeError:
            pass  # this torchvision brings it
    return library


_library = declare_missing_operators()

import torchvision  # noqa: E402
import transformers  # noqa: E402
from torchvision.models.efficientnet import EfficientNet, MBConvConfig  # noqa: E402
from transformers import DistilBertConfig, DistilBertModel  # noqa: E402

FULL = {
    "vision": {
        "stemChannels": 32,
        "stages": [
            # expand, channels, repeats, stride, kernel
            (1, 16, 1, 1, 3),
            (6, 24, 2, 2, 3),
            (6, 40, 2, 2, 5),
            (6, 80, 3, 2, 3),
            (6, 112, 3, 1, 5),
            (6, 192, 4, 2, 5),
            (6, 320, 1, 1, 3),
        ],
        "headChannels": 1280,
    },
    "text": {"vocabSize": 30522, "maxPositions": 512, "hiddenSize": 768, "layers": 6, "heads": 12, "feedForwardSize": 3072},
    "embeddingDim": 512,
    "fusionHiddenDim": 256,
    "imageSize": 224,
}

TINY = {
    "vision": {"stemChannels": 8, "stages": [(1, 8, 1, 1, 3), (4, 16, 2, 2, 5), (6, 24, 2, 2, 3)], "headChannels": 64},
    "text": {"vocabSize": 120, "maxPositions": 40, "hiddenSize": 32, "layers": 2, "heads": 4, "feedForwardSize": 64},
    "embeddingDim": 24,
    "fusionHiddenDim": 16,
    "imageSize": 48,
}


def efficientnet(sizes):
    settings, inputs = [], sizes["stemChannels"]
    for expand, channels, repeats, stride, kernel in sizes["stages"]:
        settings.append(MBConvConfig(expand, kernel, stride, inputs, channels, repeats))
        inputs = channels
    network = EfficientNet(settings, dropout=0.0, stochastic_depth_prob=0.0, last_channel=sizes["headChannels"])
    network.classifier = nn.Identity()
    return network


def distilbert(sizes):
    return DistilBertModel(
        DistilBertConfig(
            vocab_size=sizes["vocabSize"],
            max_position_embeddings=sizes["maxPositions"],
            dim=sizes["hiddenSize"],
            n_layers=sizes["layers"],
            n_heads=sizes["heads"],
            hidden_dim=sizes["feedForwardSize"],
            dropout=0.0,
            attention_dropout=0.0,
        )
    )


class Branch(nn.Module):
    def __init__(self, backbone, features, embedding):
        super().__init__()
        self.backbone = backbone
        self.projection = nn.Sequential(
            nn.Linear(features, embedding), nn.ReLU(), nn.Dropout(0.0), nn.Linear(embedding, embedding)
        )


class Network(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        embedding, hidden = sizes["embeddingDim"], sizes["fusionHiddenDim"]
        self.vision_branch = Branch(efficientnet(sizes["vision"]), sizes["vision"]["headChannels"], embedding)
        self.text_branch = Branch(distilbert(sizes["text"]), sizes["text"]["hiddenSize"], embedding)
        self.fusion = nn.Sequential(
            nn.Linear(2 * embedding, hidden), nn.ReLU(), nn.Dropout(0.0),
            nn.Linear(hidden, hidden // 2), nn.ReLU(), nn.Dropout(0.0),
            nn.Linear(hidden // 2, 1),
        )  # fmt: skip

    def forward(self, image, input_ids, attention_mask):
        vision = self.vision_branch.backbone(image)
        text = self.text_branch.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state[:, 0]
        both = torch.cat([self.vision_branch.projection(vision), self.text_branch.projection(text)], dim=1)
        return self.fusion(both)


def hash_bits(name, count):
    """`count` 32-bit numbers that follow from the name (FNV-1a) and the position (Wellons' lowbias32)."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    x = (np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(seed)).astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


def uniform(name, count):
    """Float64 in [-1, 1)."""
    return hash_bits(name, count) / 2.0**31 - 1.0


def formula_weight(name, shape):
    count = int(np.prod(shape, dtype=np.int64))
    values = uniform(name, count)
    if name.endswith("running_mean") or name.endswith("bias"):
        values = 0.1 * values
    elif name.endswith("running_var"):
        values = 1 + 0.5 * values
    elif len(shape) == 1:
        values = 1 + 0.2 * values
    elif "embeddings" in name:
        values = 0.05 * values
    else:
        values = np.sqrt((6.3 if len(shape) == 4 else 3) / np.prod(shape[1:])) * values
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def build(sizes):
    network = Network(sizes)
    state = {
        name: formula_weight(name, tuple(tensor.shape)) if tensor.is_floating_point() else torch.zeros_like(tensor)
        for name, tensor in network.state_dict().items()
    }
    network.load_state_dict(state, strict=True)
    return network


def inputs(sizes, lengths, name="batch"):
    """A batch of as many samples as there are lengths, padded to the longest; labels alternate from 0."""
    size, longest, side = len(lengths), max(lengths), sizes["imageSize"]
    image = uniform(f"{name}.pixels", size * side * side * 3).reshape(size, side, side, 3)  # NHWC
    tiles = uniform(f"{name}.tiles", size * 4 * 4 * 3).reshape(size, 4, 4, 3)  # what a mean over pixels leaves standing
    image = image + 2 * tiles.repeat(side // 4, axis=1).repeat(side // 4, axis=2)
    ids = 1 + hash_bits(f"{name}.ids", size * longest).reshape(size, longest) % (sizes["text"]["vocabSize"] - 1)
    mask = np.arange(longest)[None, :] < np.array(lengths)[:, None]
    return {
        "image": torch.from_numpy(np.ascontiguousarray(image.transpose(0, 3, 1, 2)).astype(np.float32)),
        "input_ids": torch.from_numpy((ids * mask).astype(np.int64)),
        "attention_mask": torch.from_numpy(mask.astype(np.int64)),
    }, torch.tensor([[float(i % 2)] for i in range(size)])


def sample_positions(name, count, most):
    """Positions of which a golden keeps the values: all of a short tensor, else `most` of them."""
    return np.arange(count) if count <= most else hash_bits(f"{name}.sample", most).astype(np.int64) % count


def sampled(name, tensor, most):
    """[norm, values…] with 7 digits."""
    flat = tensor.detach().double().reshape(-1).numpy()
    values = [float(np.linalg.norm(flat)), *flat[sample_positions(name, flat.size, most)]]
    return [float(f"{value:.7g}") for value in values]


def versions():
    return ", ".join(f"{m.__name__} {m.__version__}" for m in (torch, torchvision, transformers))
