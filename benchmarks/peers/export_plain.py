"""Exports a checkpoint as PyTorch users do, and quantises it as onnxruntime's users do.

    python export_plain.py CHECKPOINT VOCAB FOLDER

Writes plain.onnx (torch.onnx.export as the original calls it, with the length dynamic too), plain-int8.onnx (quantize_dynamic of it) and
the tokenizer's vocab.txt.
"""

import shutil
import sys
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

# The wheel of torchvision on the package index brings no operators for CPU builds of torch; only their names are asked for on import.
missing_operators = torch.library.Library('torchvision', 'DEF')
for name in ['nms', 'qnms']:
    missing_operators.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')

import torchvision  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from transformers import DistilBertConfig, DistilBertModel  # noqa: E402

checkpoint, vocabulary, folder = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])


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


network = Network()
missing, unexpected = network.load_state_dict(load_file(checkpoint), strict=False)
assert not unexpected and all(name.endswith('num_batches_tracked') for name in missing), (missing, unexpected)
network.eval()

batch, length = torch.export.Dim('batch', min=1, max=256), torch.export.Dim('length', min=2, max=512)
# Exporting needs an example with more than one row and unequal sizes, so that nothing is taken for a constant.
example = (torch.randn(2, 3, 224, 224), torch.randint(1000, 2000, (2, 24)), torch.ones(2, 24, dtype=torch.long))
plain = folder / 'plain.onnx'
torch.onnx.export(
    network,
    example,
    str(plain),
    opset_version=18,
    dynamo=True,
    external_data=True,
    input_names=['image', 'input_ids', 'attention_mask'],
    output_names=['logits'],
    dynamic_shapes=({0: batch}, {0: batch, 1: length}, {0: batch, 1: length}),
)
# quantize_dynamic takes weights apart that the exporter's notes on shapes still describe as they were.
unnoted = onnx.load(plain)
del unnoted.graph.value_info[:]
quantize_dynamic(
    unnoted,
    folder / 'plain-int8.onnx',
    weight_type=QuantType.QInt8,
    per_channel=True,
    op_types_to_quantize=['MatMul', 'Gemm', 'Attention'],
    use_external_data_format=True,
)
shutil.copy(vocabulary, folder / 'vocab.txt')
