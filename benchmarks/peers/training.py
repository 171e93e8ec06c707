"""Fine-tuning steps with PyTorch, for comparison: torchvision's EfficientNet-B0, transformers' DistilBERT and late fusion.

    python training.py FOLDER VARIANT BATCH_SIZE THREADS [cpu | cuda]

FOLDER holds the samples that the harness has made. Variants:
    original   the recipe as the original trains: eager, NCHW, texts padded to 128 tokens, AdamW as it comes
    tuned      channels_last, fused AdamW, texts padded to the longest of the batch
    bf16       tuned, under bfloat16 autocast
    frozen     the vision backbone alone, in evaluation mode and channels_last

Answers one line of JSON for every batch number read from the standard input, and the peak memory at its end.
"""

import json
import resource
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import nn

# The wheel of torchvision on the package index brings no operators for CPU builds of torch; only their names are asked for on import.
missing_operators = torch.library.Library('torchvision', 'DEF')
for name in ['nms', 'qnms']:
    missing_operators.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')

import torchvision  # noqa: E402
from transformers import DistilBertConfig, DistilBertModel  # noqa: E402

folder, variant, batch_size, threads = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
device = sys.argv[5] if len(sys.argv) > 5 else 'cpu'
torch.set_num_threads(threads)
torch.manual_seed(0)
is_tuned = variant != 'original'


def projection(features: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(features, 512), nn.ReLU(), nn.Dropout(0.3), nn.Linear(512, 512))


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.vision = torchvision.models.efficientnet_b0()
        self.vision.classifier = nn.Identity()
        self.text = DistilBertModel(DistilBertConfig())
        self.project_vision = projection(1280)
        self.project_text = projection(768)
        self.fusion = nn.Sequential(
            *[nn.Linear(1024, 256), nn.ReLU(), nn.Dropout(0.3)],
            *[nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.15)],
            nn.Linear(128, 1),
        )

    def forward(self, image, ids, mask):
        vision = self.project_vision(self.vision(image))
        text = self.project_text(self.text(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0])
        return self.fusion(torch.cat([vision, text], dim=1)).squeeze(1)


class Samples:
    """Pictures [N, 3, 224, 224], token ids [N, 128] and their lengths, as the harness has written them."""

    def __init__(self, folder: Path) -> None:
        self.lengths = np.fromfile(folder / 'lengths.i32', np.int32)
        count = len(self.lengths)
        self.images = np.memmap(folder / 'images.f32', np.float32, 'r', shape=(count, 224, 224, 3))
        self.ids = np.fromfile(folder / 'ids.i32', np.int32).reshape(count, 128)
        self.labels = np.fromfile(folder / 'labels.f32', np.float32)

    def batch(self, number: int):
        rows = np.arange(number * batch_size, (number + 1) * batch_size) % len(self.lengths)
        length = int(self.lengths[rows].max()) if is_tuned else 128
        image = torch.from_numpy(np.ascontiguousarray(self.images[rows])).permute(0, 3, 1, 2)
        layout = torch.channels_last if is_tuned else torch.contiguous_format
        mask = np.arange(length)[None] < self.lengths[rows][:, None]
        ids = self.ids[rows, :length].astype(np.int64)
        words = [torch.from_numpy(part) for part in (ids, mask.astype(np.int64), self.labels[rows])]
        return [image.contiguous(memory_format=layout), *words]


def trainer(model: Network):
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, weight_decay=0.01, fused=is_tuned)
    criterion = nn.BCEWithLogitsLoss()
    model.train()

    def step(batch) -> float:
        image, ids, mask, label = (part.to(device) for part in batch)
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16) if variant == 'bf16' else nullcontext():
            loss = criterion(model(image, ids, mask).float(), label)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step


def judge(model: Network):
    model.eval()

    @torch.no_grad()
    def step(batch) -> float:
        return model.vision(batch[0].to(device)).mean().item()

    return step


samples = Samples(folder)
model = Network().to(device)
if is_tuned:
    model = model.to(memory_format=torch.channels_last)
step = judge(model) if variant == 'frozen' else trainer(model)
print(json.dumps({'ready': True, 'version': f'torch {torch.__version__}'}), flush=True)
for line in sys.stdin:
    batch = samples.batch(int(line))
    start, start_of_work = time.perf_counter(), time.process_time()
    loss = step(batch)
    if device == 'cuda':
        torch.cuda.synchronize()
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_of_work
    print(json.dumps({'seconds': seconds, 'cpuSeconds': cpu_seconds, 'loss': loss}), flush=True)
print(json.dumps({'peakBytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}), flush=True)
