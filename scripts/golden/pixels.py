"""Pictures of every kind, and what Pillow makes of them: open, turn as EXIF says, convert('RGB'), resize to a square with BILINEAR.

    python scripts/golden/pixels.py   # writes packages/preprocess/test/golden/pixels/

Requirements: pillow==13.0.0 numpy==2.4.6 (node scripts/python-env.mjs golden-pixels pillow==13.0.0 numpy==2.4.6).
`expected/<name>.webp` is Pillow's result (lossless); `sha256` is that of the raw RGB bytes at 224 x 224.
"""

import hashlib
import json
import platform
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageCms, ImageDraw, ImageOps, features

OUT = Path(__file__).resolve().parents[2] / "packages/preprocess/test/golden/pixels"
RNG = np.random.default_rng(7)
cases: dict[str, dict] = {}


# --- Scenes ----------------------------------------------------------------------------------------------------------


def texture(width: int, height: int, roughness: float) -> np.ndarray:
    """Noise whose spectrum falls like a photograph's. [H, W, 3] in [0, 1]"""
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    falloff = 1 / np.maximum(np.hypot(fx, fy), 1 / max(width, height)) ** roughness
    planes = []
    for _ in range(3):
        spectrum = np.fft.rfft2(RNG.normal(size=(height, width))) * falloff
        plane = np.fft.irfft2(spectrum, s=(height, width))
        planes.append((plane - plane.min()) / np.ptp(plane))
    mixed = np.stack(planes, axis=2)
    return 0.6 * mixed.mean(axis=2, keepdims=True) + 0.4 * mixed


def scene(width: int, height: int, roughness: float = 1.3, words: str = "FLOOD") -> Image.Image:
    """A picture with soft texture, hard edges, thin lines and letters."""
    image = Image.fromarray((texture(width, height, roughness) * 255).astype("u1"))
    draw = ImageDraw.Draw(image)
    unit = min(width, height)
    for index in range(9):
        x, y = RNG.integers(0, width), RNG.integers(0, height)
        color = tuple(int(c) for c in RNG.integers(0, 256, 3))
        box = [x - unit // 9, y - unit // 12, x + unit // 8, y + unit // 14]
        [draw.rectangle, draw.ellipse][index % 2](box, fill=color)
        draw.line([x, y, int(RNG.integers(0, width)), int(RNG.integers(0, height))], fill=color, width=1 + index % 4)
    if unit > 60:
        draw.text((width // 10, height // 3), words, fill="white", font_size=unit // 6, stroke_width=2, stroke_fill="black")
    return image


def with_alpha(image: Image.Image) -> Image.Image:
    ramp = np.add.outer(np.arange(image.height), np.arange(image.width)) % 256
    image = image.copy()
    image.putalpha(Image.fromarray(ramp.astype("u1")))
    return image


def png_16_bit(array: np.ndarray, color_type: int) -> bytes:
    height, width, _ = array.shape
    rows = b"".join(b"\0" + array[y].astype(">u2").tobytes() for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def swapped_profile() -> bytes:
    """A colour profile that swaps red and green: whoever applies it is seen to."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)  # its date, else every run writes another file
    for index in range(struct.unpack(">I", profile[128:132])[0]):
        offset = 132 + 12 * index
        name = bytes(profile[offset : offset + 4])
        if name in (b"rXYZ", b"gXYZ"):
            profile[offset : offset + 4] = b"gXYZ" if name == b"rXYZ" else b"rXYZ"
    return bytes(profile)


# --- Cases -----------------------------------------------------------------------------------------------------------


def add(name: str, image: Image.Image | bytes, size: int = 80, exact: bool = True, **options) -> None:
    path = OUT / name
    if isinstance(image, bytes):
        path.write_bytes(image)
    else:
        image.save(path, **options)
    if path.stat().st_size > 100_000:
        raise SystemExit(f"{name}: {path.stat().st_size} bytes")
    with Image.open(path) as opened:
        turned = ImageOps.exif_transpose(opened)
        mode = turned.mode
        if mode == "P" and "transparency" in turned.info:
            turned = turned.convert("RGBA")
        rgb = turned.convert("RGB")
    square = rgb.resize((size, size), Image.Resampling.BILINEAR)
    square.save(OUT / "expected" / f"{name}.webp", lossless=True, quality=100, method=6)
    at_224 = rgb.resize((224, 224), Image.Resampling.BILINEAR).tobytes()
    cases[name] = {"file": name, "width": rgb.width, "height": rgb.height, "mode": mode, "size": size, "exact": exact, "sha256": hashlib.sha256(at_224).hexdigest()}


def add_jpegs() -> None:
    photo = scene(640, 480)
    add("photo.jpg", photo, exact=False, quality=80)
    add("photo-1024x768.jpg", scene(1024, 768, 1.5), exact=False, quality=70)
    add("progressive-444.jpg", scene(300, 200), quality=85, progressive=True, subsampling=0)
    add("odd-422.jpg", scene(301, 203), quality=75, subsampling=1)
    add("grey.jpg", scene(320, 240).convert("L"), exact=False, quality=80)
    add("cmyk.jpg", cmyk(260, 190), quality=85)
    add("profile.jpg", scene(200, 150), quality=80, icc_profile=swapped_profile())
    add("text-448x172.jpg", scene(448, 172, 2.5, "Breaking"), quality=85)
    add("large-2000x1500.jpg", scene(2000, 1500, 2.6), quality=50, progressive=True)
    add("large-3000x2100.jpg", scene(3000, 2100, 2.8), size=112, exact=False, quality=40, progressive=True)
    turned = scene(120, 80)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        add(f"exif-{orientation}.jpg", turned, quality=80, exif=exif)


def soft(width: int, height: int) -> Image.Image:
    """A photograph without hard edges, bright and dark but within what pixels can say."""
    return Image.fromarray((40 + 175 * texture(width, height, 1.4)).astype("u1"))


def add_soft_jpegs() -> None:
    """Baseline pictures in every form that is decoded straight to a square."""
    for name, options in {
        "420": {"subsampling": 2, "quality": 75},
        "420-restart": {"subsampling": 2, "quality": 75, "restart_marker_blocks": 5},
        "422-odd": {"subsampling": 1, "quality": 85},
        "444-optimized": {"subsampling": 0, "quality": 93, "optimize": True},
        "coarse": {"subsampling": 2, "quality": 12},
    }.items():
        odd = name.endswith("odd")
        add(f"soft-{name}.jpg", soft(381 if odd else 384, 283 if odd else 288), exact=False, **options)
    add("soft-grey.jpg", soft(380, 290).convert("L"), exact=False, quality=80)
    for orientation in (5, 6):
        exif = Image.Exif()
        exif[0x0112] = orientation
        add(f"soft-exif-{orientation}.jpg", soft(260, 340), exact=False, quality=80, exif=exif)


def cmyk(width: int, height: int) -> Image.Image:
    inks = 255 - np.asarray(scene(width, height))
    black = (texture(width, height, 1.5)[..., :1] * 140).astype("u1")
    return Image.merge("CMYK", [Image.fromarray(plane) for plane in np.concatenate([inks, black], axis=2).transpose(2, 0, 1).copy()])


def add_pngs() -> None:
    picture = scene(180, 130, 1.8)
    palette = picture.quantize(64)
    add("palette.png", palette, optimize=True)
    add("palette-one-transparent.png", palette, transparency=5, optimize=True)
    add("palette-alpha.png", palette, transparency=bytes(range(0, 256, 4)), optimize=True)
    add("alpha.png", with_alpha(picture), optimize=True)
    add("grey-alpha.png", with_alpha(picture.convert("L").convert("LA").convert("RGBA")).convert("LA"), optimize=True)
    add("key.png", picture, transparency=picture.getpixel((3, 3)), optimize=True)
    add("one-bit.png", picture.convert("1"), optimize=True)
    deep = np.asarray(scene(120, 90, 1.8)).astype(int) * 257
    deep = (deep + RNG.integers(-128, 128, deep.shape)).clip(0, 65535)
    add("rgb-16.png", png_16_bit(deep[:60, :80], 2))
    add("rgba-16.png", png_16_bit(np.concatenate([deep[::2, ::2], deep[::2, ::2, :1]], axis=2), 6))
    add("icon-16x16.png", scene(16, 16))
    add("pixel.png", Image.new("RGB", (1, 1), (12, 200, 77)))
    add("wide-2000x7.png", scene(2000, 7), optimize=True)
    add("tall-7x2000.png", scene(7, 2000), optimize=True)
    add("same-size.png", scene(80, 80), optimize=True)
    add("noise.png", Image.fromarray(RNG.integers(0, 256, (90, 120, 3), dtype="u1")))
    lines = Image.new("RGB", (3000, 2100), "white")
    draw = ImageDraw.Draw(lines)
    for width in range(1, 40):
        draw.line([tuple(int(v) for v in RNG.integers(0, [3000, 2100])) for _ in range(2)], fill=tuple(int(c) for c in RNG.integers(0, 256, 3)), width=width)
    add("lines-3000x2100.png", lines.quantize(64), size=112, exact=False, optimize=True)


def add_others() -> None:
    picture = scene(240, 160)
    frames = [picture.rotate(30 * turn) for turn in range(3)]
    add("lossy.webp", picture, quality=70)
    add("alpha.webp", with_alpha(picture), quality=70)
    add("lossless.webp", scene(100, 70), lossless=True)
    add("animated.webp", frames[0], save_all=True, append_images=frames[1:], quality=50)
    colors = [frame.quantize(48) for frame in frames]
    add("animated.gif", colors[0], save_all=True, append_images=colors[1:], duration=50)
    add("transparent.gif", picture.quantize(40), transparency=7)
    small = scene(150, 100)
    add("lzw.tif", small, compression="tiff_lzw")
    add("jpeg.tif", small, compression="jpeg")
    add("cmyk.tif", cmyk(90, 60), compression="tiff_lzw")
    add("alpha.tif", with_alpha(small.crop((0, 0, 70, 50))), compression="tiff_lzw")
    add("pages.tif", small, save_all=True, append_images=[small.rotate(90)], compression="jpeg")
    add("444.avif", picture, size=160, exact=False, quality=70, subsampling="4:4:4")
    add("420.avif", scene(640, 480), size=160, exact=False, quality=60, subsampling="4:2:0")
    add("alpha.avif", with_alpha(scene(640, 480)), size=160, exact=False, quality=60, subsampling="4:4:4")


def main() -> None:
    warnings.simplefilter("error")
    (OUT / "expected").mkdir(parents=True, exist_ok=True)
    for old in [*OUT.glob("*.*"), *OUT.glob("expected/*")]:
        old.unlink()
    add_jpegs()
    add_pngs()
    add_others()
    add_soft_jpegs()
    golden = {
        "command": "python scripts/golden/pixels.py",
        "versions": {
            "python": platform.python_version(),
            "pillow": PIL.__version__,
            "numpy": np.__version__,
            **{name: features.version(name) for name in ("libjpeg_turbo", "webp", "avif", "libtiff", "zlib")},
        },
        "cases": list(cases.values()),
    }
    (OUT / "pixels.json").write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
