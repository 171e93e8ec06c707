"""The original's batch mode in its design: row after row, PyTorch in eager mode, texts padded to 128 tokens.

    python inference_original.py CHECKPOINT VOCAB_FOLDER CSV

Prints rows per second; loading the model is not counted.
"""

import csv
import sys
import time
from pathlib import Path

import torch
from network import load_network
from PIL import Image
from torchvision import transforms
from transformers import DistilBertTokenizer

network = load_network(Path(sys.argv[1]))
tokenizer = DistilBertTokenizer.from_pretrained(sys.argv[2])
prepare = transforms.Compose(
    [
        transforms.Resize((224, 224)),
        transforms.ToTensor(),
        transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ]
)


def judge(path: str, text: str) -> float:
    image = prepare(Image.open(path).convert('RGB'))[None]
    encoded = tokenizer(text, max_length=128, padding='max_length', truncation=True, return_tensors='pt')
    with torch.no_grad():
        return torch.sigmoid(network(image, encoded['input_ids'], encoded['attention_mask'])).item()


with open(sys.argv[3], newline='') as file:
    rows = list(csv.DictReader(file))
judge(rows[0]['image_path'], rows[0]['text_content'])
started = time.perf_counter()
probabilities = [judge(row['image_path'], row['text_content']) for row in rows]
print(len(rows) / (time.perf_counter() - started))
