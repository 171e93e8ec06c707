"""The original's network in PyTorch, by the names of its checkpoints: torchvision's EfficientNet-B0, transformers' DistilBERT, late fusion."""

from pathlib import Path

import torch
from torch import nn

# The wheel of torchvision on the package index brings no operators for CPU builds of torch; only their names are asked for on import.
missing_operators = torch.library.Library('torchvision', 'DEF')
for name in ['nms', 'qnms']:
    missing_operators.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')

import torchvision  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers import DistilBertConfig, DistilBertModel  # noqa: E402


class Branch(nn.Module):
    def __init__(self, backbone: nn.Module, features: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.projection = nn.Sequential(nn.Linear(features, 512), nn.ReLU(), nn.Dropout(0.3), nn.Linear(512, 512))


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        efficientnet = torchvision.models.efficientnet_b0()
        efficientnet.classifier = nn.Identity()
        self.vision_branch = Branch(efficientnet, 1280)
        self.text_branch = Branch(DistilBertModel(DistilBertConfig()), 768)
        self.fusion = nn.Sequential(
            *[nn.Linear(1024, 256), nn.ReLU(), nn.Dropout(0.3)],
            *[nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.15)],
            nn.Linear(128, 1),
        )

    def forward(self, image, input_ids, attention_mask):
        vision = self.vision_branch.projection(self.vision_branch.backbone(image))
        states = self.text_branch.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        text = self.text_branch.projection(states[:, 0])
        return self.fusion(torch.cat([vision, text], dim=1))


def load_network(checkpoint: Path) -> Network:
    network = Network()
    missing, unexpected = network.load_state_dict(load_file(checkpoint), strict=False)
    assert not unexpected and all(name.endswith('num_batches_tracked') for name in missing), (missing, unexpected)
    return network.eval()
