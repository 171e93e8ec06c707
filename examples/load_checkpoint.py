"""Opens a checkpoint in Python: its names, shapes and metadata with the standard library, the network itself with PyTorch.

    python examples/load_checkpoint.py checkpoints/best_model_demo.safetensors
    pip install torch torchvision transformers safetensors   # for --torch
    python examples/load_checkpoint.py checkpoints/best_model_demo.safetensors --torch

With --torch the state dictionary is loaded with strict=True into torchvision's EfficientNet and Hugging Face's DistilBERT, and the
network answers for a grey picture and the words "[CLS] [SEP]".
"""

import json
import math
import struct
import sys


def read_header(path):
    """Names with dtype and shape, and the checkpoint's metadata: a .safetensors file begins with both, as JSON."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    metadata = json.loads(header.pop("__metadata__")["crosscheck"])
    return header, metadata


def build(architecture):
    """The network of a checkpoint's architecture, with the module names that its weights carry."""
    from torch import cat, nn
    from torchvision.models.efficientnet import EfficientNet, MBConvConfig
    from transformers import DistilBertConfig, DistilBertModel

    vision, text = architecture["vision"], architecture["text"]
    embedding, hidden = architecture["embeddingDim"], architecture["fusionHiddenDim"]
    stages, channels = [], vision["stemChannels"]
    for stage in vision["stages"]:
        stages.append(
            MBConvConfig(stage["expand"], stage["kernel"], stage["stride"], channels, stage["channels"], stage["repeats"])
        )
        channels = stage["channels"]
    efficientnet = EfficientNet(stages, dropout=0.0, last_channel=vision["headChannels"])
    efficientnet.classifier = nn.Identity()
    distilbert = DistilBertModel(
        DistilBertConfig(
            vocab_size=text["vocabSize"],
            max_position_embeddings=text["maxPositions"],
            dim=text["hiddenSize"],
            n_layers=text["layers"],
            n_heads=text["heads"],
            hidden_dim=text["feedForwardSize"],
        )
    )

    def branch(backbone, width):
        projection = nn.Sequential(
            nn.Linear(width, embedding), nn.ReLU(), nn.Dropout(0.3), nn.Linear(embedding, embedding)
        )
        return nn.ModuleDict({"backbone": backbone, "projection": projection})

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.vision_branch = branch(efficientnet, vision["headChannels"])
            self.text_branch = branch(distilbert, text["hiddenSize"])
            self.fusion = nn.Sequential(
                *(nn.Linear(2 * embedding, hidden), nn.ReLU(), nn.Dropout(0.5)),
                *(nn.Linear(hidden, hidden // 2), nn.ReLU(), nn.Dropout(0.25)),
                nn.Linear(hidden // 2, 1),
            )

        def forward(self, image, input_ids, attention_mask):
            picture = self.vision_branch["backbone"](image)
            words = self.text_branch["backbone"](input_ids, attention_mask).last_hidden_state[:, 0]
            halves = [self.vision_branch["projection"](picture), self.text_branch["projection"](words)]
            return self.fusion(cat(halves, dim=1))  # [B, 1], the logit of FAKE

    return Network()


def main(path, *options):
    tensors, metadata = read_header(path)
    for name in ("vision_branch.projection.0.weight", "text_branch.projection.0.weight", "fusion.0.weight", "fusion.6.weight"):
        print(f"{name:40} {tensors[name]['dtype']} {tensors[name]['shape']}")
    floats = [tensor["shape"] for tensor in tensors.values() if tensor["dtype"] == "F32"]
    print(f"{len(tensors)} tensors, {sum(math.prod(shape) for shape in floats):,} numbers, version {metadata['version']}")
    print(f"labels {metadata['labels']}, FAKE above {metadata['threshold']}, pictures of {metadata['preprocessing']['imageSize']} pixels")
    if "--torch" not in options:
        return

    import torch
    from safetensors.torch import load_file

    network = build(metadata["architecture"])
    print(network.load_state_dict(load_file(path), strict=True))
    network.eval()
    side = metadata["preprocessing"]["imageSize"]
    with torch.no_grad():
        logit = network(torch.zeros(1, 3, side, side), torch.tensor([[2, 3]]), torch.ones(1, 2, dtype=torch.int64))
    print(f"probability of FAKE {torch.sigmoid(logit / metadata['temperature']).item():.4f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
