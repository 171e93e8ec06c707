"""Small files of torch.save, with what is in them.

    pip install torch==2.13.0 numpy==2.4.6 omegaconf==2.3.1
    python scripts/golden/pth.py packages/weights/test/fixtures/pth
"""

import json
import os
import sys

import numpy as np
import torch
from omegaconf import OmegaConf

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)


def save(name, value, **options):
    torch.save(value, os.path.join(folder, name), **options)


counting = torch.arange(24, dtype=torch.float32)
views = {
    "contiguous": counting.reshape(2, 3, 4).clone(),
    "transposed": counting.reshape(4, 6).clone().t(),
    "permuted": counting.reshape(2, 3, 4).clone().permute(2, 0, 1),
    "channels_last": counting.reshape(1, 2, 3, 4).clone().contiguous(memory_format=torch.channels_last),
    "slice_of_shared": counting[5:17].reshape(3, 4),
    "every_second_of_shared": counting[1::2],
    "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
    "scalar": torch.tensor(2.5),
    "empty": torch.empty(0, 3),
    "parameter": torch.nn.Parameter(torch.tensor([1.0, -1.0])),
}
values = torch.tensor([0, 1, 100])
types = {
    str(t).removeprefix("torch."): values.to(t)
    for t in (
        torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
    )
}  # fmt: skip
state_dict = {**views, **types}

model = torch.nn.Sequential()
model.add_module("fusion", torch.nn.Sequential(*[torch.nn.Identity()] * 6, torch.nn.Linear(2, 1)))
model.add_module("norm", torch.nn.BatchNorm1d(2))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
model.fusion(torch.ones(2)).sum().backward()
optimizer.step()
with torch.no_grad():
    model.fusion[6].weight.copy_(torch.tensor([[0.5, -0.25]]))
    model.fusion[6].bias.copy_(torch.tensor([0.125]))
original = {
    "epoch": 4,
    "model_state_dict": model.state_dict(),
    "optimizer_state_dict": optimizer.state_dict(),
    "val_loss": np.float64(0.411),
    "val_accuracy": 0.842,
    "config": OmegaConf.create({"training": {"lr": 2e-5, "dims": [1, 2], "none": None, "version": "${training.lr}"}}),
}

save("state-dict.pth", state_dict)
save("protocol-4.pth", state_dict, pickle_protocol=4)
save("before-1.6.pth", state_dict, _use_new_zipfile_serialization=False)
save("original.pth", original)
save("whole-module.pth", torch.nn.Linear(1, 1))
save("not-tensors.pth", {"epoch": 1, "names": ["a"]})
expected = {
    name: {"shape": list(tensor.shape), "values": tensor.detach().double().flatten().tolist()} for name, tensor in state_dict.items()
}
with open(os.path.join(folder, "state-dict.json"), "w") as file:
    json.dump({"source": f"scripts/golden/pth.py @ torch {torch.__version__}", "tensors": expected}, file)
