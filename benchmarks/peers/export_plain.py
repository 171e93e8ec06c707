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
from network import load_network

checkpoint, vocabulary, folder = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
network = load_network(checkpoint)
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
