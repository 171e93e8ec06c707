"""Names, shapes and order of the backbones' state dicts, as the Python libraries give them.

    pip install torch==2.13.0 torchvision==0.28.0 timm==1.0.31 transformers==5.23.0
    python scripts/golden/state_dict_names.py > packages/network/test/golden/state-dict-names.json
"""

import json

import timm
import torch
import torchvision
import transformers


def rows(module):
    return [[name, list(tensor.shape), str(tensor.dtype)] for name, tensor in module.state_dict().items()]


def text(**sizes):
    return rows(transformers.DistilBertModel(transformers.DistilBertConfig(**sizes)))


golden = {
    "source": "scripts/golden/state_dict_names.py @ "
    + ", ".join(f"{module.__name__} {module.__version__}" for module in (torch, torchvision, timm, transformers)),
    "torchvision": rows(torchvision.models.efficientnet_b0()),
    "timm": rows(timm.create_model("efficientnet_b0")),
    "distilbert": text(),
    "distilbertForMaskedLM": rows(transformers.DistilBertForMaskedLM(transformers.DistilBertConfig())),
}
print("{")
for key, value in golden.items():
    comma = "" if key == list(golden)[-1] else ","
    body = json.dumps(value) if isinstance(value, str) else "[\n" + ",\n".join(map(json.dumps, value)) + "\n]"
    print(f"{json.dumps(key)}: {body}{comma}")
print("}")
