"""A service as a Python programmer who measures would write it: FastAPI on uvloop, micro-batches padded to their longest text, pictures
decoded in threads with Pillow's draft mode, one session per core.

    python serving_tuned.py FOLDER PORT MODEL SESSIONS THREADS

FOLDER holds MODEL and vocab.txt; THREADS is that of each session.
"""

import asyncio
import io
import queue
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, File, Form, UploadFile
from PIL import Image
from transformers import DistilBertTokenizerFast

folder, port, model = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
sessions, threads = int(sys.argv[4]), int(sys.argv[5])
largest_batch = 8
# One multiplication and one addition per value instead of three operations.
mean = np.array([0.485, 0.456, 0.406], dtype=np.float32)
std = np.array([0.229, 0.224, 0.225], dtype=np.float32)
gain, shift = 1 / (255 * std), -mean / std
tokenizer = DistilBertTokenizerFast.from_pretrained(str(folder)).backend_tokenizer
tokenizer.no_padding()
tokenizer.enable_truncation(128)
decoders = ThreadPoolExecutor(4)
waiting: queue.SimpleQueue = queue.SimpleQueue()
app = FastAPI()


def open_session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(folder / model), options, providers=['CPUExecutionProvider'])


def decode(data: bytes) -> np.ndarray:
    picture = Image.open(io.BytesIO(data))
    picture.draft('RGB', (224, 224))
    return np.asarray(picture.convert('RGB').resize((224, 224), Image.Resampling.BILINEAR))


def take_batch() -> list:
    batch = [waiting.get()]
    while len(batch) < largest_batch:
        try:
            batch.append(waiting.get_nowait())
        except queue.Empty:
            break
    return batch


def run_batch(session: onnxruntime.InferenceSession, batch: list) -> np.ndarray:
    size, length = len(batch), max(len(ids) for _, ids, _, _ in batch)
    image = np.empty((size, 3, 224, 224), dtype=np.float32)
    input_ids, attention_mask = np.zeros((2, size, length), dtype=np.int64)
    for row, (pixels, ids, _, _) in enumerate(batch):
        np.add(np.multiply(pixels, gain, dtype=np.float32), shift, out=image[row].transpose(1, 2, 0))
        input_ids[row, : len(ids)] = ids
        attention_mask[row, : len(ids)] = 1
    logits = session.run(None, {'image': image, 'input_ids': input_ids, 'attention_mask': attention_mask})[0]
    return 1 / (1 + np.exp(-logits[:, 0]))


def work(session: onnxruntime.InferenceSession) -> None:
    while True:
        batch = take_batch()
        try:
            results = [(future, float(p), None) for (_, _, future, _), p in zip(batch, run_batch(session, batch))]
        except Exception as error:
            results = [(future, None, error) for _, _, future, _ in batch]
        batch[0][3].call_soon_threadsafe(settle, results)


def settle(results: list) -> None:
    for future, probability, error in results:
        if future.cancelled():
            continue
        if error is None:
            future.set_result(probability)
        else:
            future.set_exception(error)


@app.get('/health')
def health() -> dict:
    return {'status': 'ok'}


@app.post('/predict')
async def predict(text: str = Form(...), image: UploadFile = File(...)) -> dict:
    loop = asyncio.get_running_loop()
    data = await image.read()
    pixels = await loop.run_in_executor(decoders, decode, data)
    future = loop.create_future()
    waiting.put((pixels, tokenizer.encode(text).ids, future, loop))
    probability = await future
    label = int(probability > 0.5)
    return {
        'filename': image.filename,
        'prediction': ['REAL', 'FAKE'][label],
        'probability_fake': probability,
        'confidence': probability if label else 1 - probability,
        'label_id': label,
    }


for _ in range(sessions):
    threading.Thread(target=work, args=(open_session(),), daemon=True).start()
uvicorn.run(app, host='127.0.0.1', port=port, access_log=False, log_level='warning')
