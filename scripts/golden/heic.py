"""HEIC and BMP of several kinds, and what Pillow makes of them: open, turn, convert('RGB'), resize to 64 x 64 with BILINEAR.

    python scripts/golden/heic.py   # writes packages/preprocess/test/golden/heic/

Requirements: pillow==13.0.0 pillow-heif==1.8.1 numpy==2.4.6 (node scripts/python-env.mjs golden-heic pillow==13.0.0 pillow-heif==1.8.1 numpy==2.4.6).
`<name>.png` is the result. libheif turns by the file's own property; Pillow's plugin then says that nothing is left to turn.
"""

import struct
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

OUT = Path(__file__).resolve().parents[2] / "packages/preprocess/test/golden/heic"
pillow_heif.register_heif_opener()

WIDTH, HEIGHT = 150, 110
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
PLANES = [127 + 120 * np.sin(X / 17 + Y / 31), 127 + 120 * np.cos(X / 23 - Y / 19), (X * 255 / WIDTH + Y * 255 / HEIGHT) / 2]
scene = Image.fromarray(np.stack(PLANES, axis=2).clip(0, 255).astype("u1"))
scene.paste((250, 10, 20), (10, 60, 60, 100))  # turned pictures are seen to be


def bitfields() -> bytes:
    """16 bits for a pixel, 5-6-5, rows from the top down; Pillow reads it, and cannot write it."""
    rgb = np.asarray(scene).astype("u2")
    packed = (rgb[..., 0] >> 3 << 11) | (rgb[..., 1] >> 2 << 5) | (rgb[..., 2] >> 3)
    data = packed.astype("<u2").tobytes()  # an even width: rows need no padding
    info = struct.pack("<IiiHHIIiiII", 40, WIDTH, -HEIGHT, 1, 16, 3, len(data), 2835, 2835, 0, 0)
    masks = struct.pack("<III", 0xF800, 0x07E0, 0x001F)
    start = 14 + len(info) + len(masks)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + info + masks + data


def runs() -> bytes:
    """Runs of 8 (BI_RLE8): encoded, absolute, end of line; Pillow reads it, and cannot write it."""
    indices = np.asarray(scene.convert("P"))
    palette = np.asarray(scene.convert("P").getpalette(), dtype="u1").reshape(-1, 3)
    entries = np.zeros((256, 4), dtype="u1")
    entries[: len(palette), :3] = palette[:, ::-1]
    body = b""
    for row in indices[::-1]:
        body += bytes([0, 101]) + row[:101].tobytes() + b"\0"
        for value in row[101:]:
            body += bytes([1, value])
        body += b"\0\0"
    body += b"\0\1"
    info = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 8, 1, len(body), 2835, 2835, 256, 0)
    start = 14 + len(info) + 1024
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info + entries.tobytes() + body


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    turned = scene.copy()
    turned.getexif()[0x0112] = 6
    scene.save(OUT / "plain.heic", quality=90)
    turned.save(OUT / "turned.heic", quality=90)
    translucent = scene.copy()
    translucent.putalpha(200)
    translucent.save(OUT / "alpha.heic", quality=90)
    scene.save(OUT / "true-colour.bmp")
    scene.convert("P").save(OUT / "palette.bmp")
    scene.convert("L").save(OUT / "grey.bmp")
    scene.convert("1").save(OUT / "one-bit.bmp")
    translucent.save(OUT / "with-alpha.bmp")
    (OUT / "runs.bmp").write_bytes(runs())
    (OUT / "bitfields-565.bmp").write_bytes(bitfields())
    for file in sorted(OUT.glob("*.heic")) + sorted(OUT.glob("*.bmp")):
        image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
        image.resize((64, 64), Image.Resampling.BILINEAR).save(OUT / f"{file.name}.png")


main()
