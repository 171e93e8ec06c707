"""The original's service in its design: FastAPI, one call of onnxruntime per request inside `async def`, texts padded to 128 tokens.

    python serving_original.py FOLDER PORT

FOLDER holds plain.onnx and vocab.txt. As the original does, it writes every upload to a file, opens that with Pillow and takes it away.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI, File, Form, HTTPException, UploadFile
from PIL import Image
from transformers import DistilBertTokenizer

folder, port = Path(sys.argv[1]), int(sys.argv[2])
uploads = tempfile.mkdtemp()
session = onnxruntime.InferenceSession(str(folder / 'plain.onnx'), providers=['CPUExecutionProvider'])
tokenizer = DistilBertTokenizer.from_pretrained(str(folder))
mean = np.array([0.485, 0.456, 0.406], dtype=np.float32)
std = np.array([0.229, 0.224, 0.225], dtype=np.float32)
app = FastAPI()


def encode_image(path: str) -> np.ndarray:
    picture = Image.open(path).convert('RGB').resize((224, 224), Image.Resampling.BILINEAR)
    pixels = (np.array(picture).astype(np.float32) / 255.0 - mean) / std
    return pixels.transpose(2, 0, 1)[None]


def judge(path: str, text: str) -> float:
    encoded = tokenizer(text, max_length=128, padding='max_length', truncation=True)
    ids, mask = (np.array(encoded[key], dtype=np.int64).reshape(1, 128) for key in ['input_ids', 'attention_mask'])
    logits = session.run(None, {'image': encode_image(path), 'input_ids': ids, 'attention_mask': mask})[0]
    return float((1 / (1 + np.exp(-logits)))[0][0])


@app.get('/health')
def health() -> dict:
    return {'status': 'ok'}


@app.post('/predict')
async def predict(text: str = Form(...), image: UploadFile = File(...)) -> dict:
    path = os.path.join(uploads, f'temp_{image.filename}')
    try:
        with open(path, 'wb') as file:
            shutil.copyfileobj(image.file, file)
        probability = judge(path, text)
    except Exception as error:
        raise HTTPException(status_code=500, detail=str(error)) from error
    finally:
        if os.path.exists(path):
            os.remove(path)
    label = int(probability > 0.5)
    return {
        'filename': image.filename,
        'prediction': ['REAL', 'FAKE'][label],
        'probability_fake': probability,
        'confidence': probability if label else 1 - probability,
        'label_id': label,
    }


uvicorn.run(app, host='127.0.0.1', port=port, access_log=False, log_level='warning')
