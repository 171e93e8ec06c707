"""Writes packages/data/test/golden/augmentation.json: what Pillow makes of a small picture under each augmentation.

    pip install pillow==12.0.0
    python scripts/golden/augmentation.py

torchvision's RandomRotation and ColorJitter call exactly these functions on Pillow images.
"""

import json
import pathlib
import platform

import PIL
from PIL import Image, ImageEnhance, ImageOps

OUT = pathlib.Path(__file__).parents[2] / "packages/data/test/golden/augmentation.json"
SIZE = 17


def picture():
    """The formula that the test repeats: every byte value occurs, and no two rows are alike."""
    data = bytes((x * 37 + y * 91 + c * 53 + x * y * 7) % 256 for y in range(SIZE) for x in range(SIZE) for c in range(3))
    return Image.frombytes("RGB", (SIZE, SIZE), data)


def cases():
    image = picture()
    yield "flip", None, ImageOps.mirror(image)
    for degrees in (15, -7.3, 0.5, 90, 44):
        yield "rotate", degrees, image.rotate(degrees, Image.Resampling.BILINEAR)
    for factor in (0, 0.8, 0.913, 1, 1.2):
        yield "brightness", factor, ImageEnhance.Brightness(image).enhance(factor)
        yield "contrast", factor, ImageEnhance.Contrast(image).enhance(factor)
        yield "saturation", factor, ImageEnhance.Color(image).enhance(factor)


def main():
    golden = {
        "source": f"python scripts/golden/augmentation.py @python {platform.python_version()} pillow {PIL.__version__}",
        "size": SIZE,
        "cases": [{"name": name, "amount": amount, "pixels": image.tobytes().hex()} for name, amount, image in cases()],
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(golden, indent=1) + "\n")


main()
