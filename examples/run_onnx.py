"""Judges a post with the exported model in Python, from the files of the artifact folder alone.

    pip install onnxruntime tokenizers pillow numpy
    python examples/run_onnx.py artifact photo.jpg "The words of the post"
    python examples/run_onnx.py artifact --self-check      # the post that the export was checked with, and its logit
"""

import base64
import io
import json
import pathlib
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps
from tokenizers import Tokenizer


class Detector:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.artifact = json.loads((folder / "artifact.json").read_text())
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(self.artifact["preprocessing"]["maxTokens"])
        self.session = onnxruntime.InferenceSession(folder / "multimodal_model.onnx", providers=["CPUExecutionProvider"])

    def pixels(self, image):
        """[1, 3, size, size], normalised as in training."""
        settings = self.artifact["preprocessing"]
        size = settings["imageSize"]
        image = ImageOps.exif_transpose(image).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        scaled = (np.asarray(image, np.float32) / 255 - np.float32(settings["mean"])) / np.float32(settings["std"])
        return scaled.transpose(2, 0, 1)[None]

    def logit(self, image, text):
        ids = self.tokenizer.encode(text.strip() or self.artifact["preprocessing"]["emptyText"]).ids
        inputs = {
            "image": self.pixels(image),
            "input_ids": np.array([ids], np.int64),
            "attention_mask": np.ones((1, len(ids)), np.int64),
        }
        (logits,) = self.session.run(["logits"], inputs)
        return float(logits[0, 0])

    def judge(self, image, text):
        probability = 1 / (1 + np.exp(-self.logit(image, text) / self.artifact["temperature"]))
        label = int(probability > self.artifact["threshold"])
        return {
            "prediction": self.artifact["labels"][str(label)],
            "probability_fake": round(float(probability), 4),
            "label_id": label,
        }


def main(folder, *post):
    detector = Detector(folder)
    if post == ("--self-check",):
        check = detector.artifact["selfCheck"]
        logit = detector.logit(Image.open(io.BytesIO(base64.b64decode(check["image"]))), check["text"])
        print(json.dumps({"expected": check["logit"], "got": logit}))
    else:
        picture, text = post
        print(json.dumps(detector.judge(Image.open(picture), text)))


if __name__ == "__main__":
    main(*sys.argv[1:])
