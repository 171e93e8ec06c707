"""Epochs of the frozen phase with PyTorch, for comparison: both backbones run for every batch, the heads learn.

    python frozen.py FOLDER VARIANT BATCH_SIZE WORKERS THREADS

FOLDER holds the posts that the harness has made. Variants:
    original   the recipe as the original trains: NCHW, texts padded to 128 tokens, backbones in training mode without gradients
    tuned      channels_last, texts padded to the longest of the batch, backbones in evaluation mode, fused AdamW

Answers one line of JSON for every epoch number read from the standard input, and the peak memory of this process at its end.
"""

import json
import resource
import sys
import time
from pathlib import Path

import torch
from network import Network
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

folder, variant, batch_size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
workers, threads = int(sys.argv[4]), int(sys.argv[5])
torch.set_num_threads(threads)
torch.manual_seed(0)
is_tuned = variant == 'tuned'


class Posts(Dataset):
    def __init__(self) -> None:
        self.posts = json.loads((folder / 'posts.json').read_text())
        self.transform = transforms.Compose([
            transforms.Resize((224, 224)),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ])

    def __len__(self) -> int:
        return len(self.posts)

    def __getitem__(self, index: int):
        post = self.posts[index]
        return self.transform(Image.open(post['imagePath']).convert('RGB')), post['ids'], post['label']


def collate(posts):
    images, texts, labels = zip(*posts)
    length = max(map(len, texts)) if is_tuned else 128
    ids = torch.zeros(len(texts), length, dtype=torch.long)
    mask = torch.zeros(len(texts), length, dtype=torch.long)
    for row, text in enumerate(texts):
        ids[row, : len(text)] = torch.tensor(text)
        mask[row, : len(text)] = 1
    image = torch.stack(images)
    if is_tuned:
        image = image.contiguous(memory_format=torch.channels_last)
    return image, ids, mask, torch.tensor(labels, dtype=torch.float32)


model = Network()
backbones = [model.vision_branch.backbone, model.text_branch.backbone]
for backbone in backbones:
    backbone.requires_grad_(False)
model.train()
if is_tuned:
    model = model.to(memory_format=torch.channels_last)
    for backbone in backbones:
        backbone.eval()
learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(learning, lr=2e-5, weight_decay=0.01, fused=is_tuned)
criterion = nn.BCEWithLogitsLoss()
loader = DataLoader(
    Posts(), batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0, collate_fn=collate
)

print(json.dumps({'ready': True, 'version': f'torch {torch.__version__}'}), flush=True)
for line in sys.stdin:
    start, start_of_work = time.perf_counter(), time.process_time()
    for image, ids, mask, label in loader:
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(model(image, ids, mask).squeeze(1), label)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_of_work
    print(json.dumps({'seconds': seconds, 'cpuSeconds': cpu_seconds, 'loss': loss.item()}), flush=True)
print(json.dumps({'peakBytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}), flush=True)
