"""Epochs of decoded, augmented and normalised batches from torchvision's transforms and torch's DataLoader, for comparison.

    python loading.py SAMPLES.json BATCH_SIZE WORKERS

The operations are those of our default augmentation. Answers one line of JSON for every epoch number read from the standard input,
and the peak memory of this process (workers not counted) at its end.
"""

import json
import resource
import sys
import time
from pathlib import Path

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

# The wheel of torchvision on the package index brings no operators for CPU builds of torch; only their names are asked for on import.
missing_operators = torch.library.Library('torchvision', 'DEF')
for name in ['nms', 'qnms']:
    missing_operators.define(f'{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor')

from torchvision import transforms  # noqa: E402
from torchvision.transforms import InterpolationMode  # noqa: E402

file, batch_size, workers = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])


class Posts(Dataset):
    def __init__(self) -> None:
        self.samples = json.loads(file.read_text())
        self.transform = transforms.Compose([
            transforms.Resize((224, 224), InterpolationMode.BILINEAR),
            transforms.RandomHorizontalFlip(),
            transforms.RandomRotation(15, InterpolationMode.BILINEAR),
            transforms.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ])

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int):
        sample = self.samples[index]
        return self.transform(Image.open(sample['imagePath']).convert('RGB')), sample['label']


def processor_seconds() -> float:
    """Of this process and of its workers, which /proc counts while they live."""
    ticks = 0
    for pid in [str(worker.pid) for worker in batches._workers] if batches else []:
        fields = Path(f'/proc/{pid}/stat').read_text().rsplit(') ', 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / 100


torch.manual_seed(0)
loader = DataLoader(Posts(), batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
batches = None
print(json.dumps({'ready': True, 'version': f'torch {torch.__version__}'}), flush=True)
for line in sys.stdin:
    start, start_of_work = time.perf_counter(), processor_seconds()
    batches = iter(loader)
    count = sum(len(labels) for _, labels in batches)
    seconds, cpu_seconds = time.perf_counter() - start, processor_seconds() - start_of_work
    print(json.dumps({'seconds': seconds, 'cpuSeconds': cpu_seconds, 'count': count}), flush=True)
print(json.dumps({'peakBytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}), flush=True)
