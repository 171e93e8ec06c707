"""Decodes and resizes pictures one after the other, for comparison.

    python decoding.py POSTS.json SIZE OUTPUT

Writes what Pillow makes of each into OUTPUT (raw RGB, by number), then answers one line of JSON for every number of rounds read from the
standard input, and the peak memory at its end.
"""

import io
import json
import resource
import sys
import time
from pathlib import Path

import PIL
from PIL import Image, ImageOps

posts, size, output = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]), Path(sys.argv[3])
pictures = [Path(image).read_bytes() for image in dict.fromkeys(post['image'] for post in posts)]


def decode(picture: bytes) -> Image.Image:
    with Image.open(io.BytesIO(picture)) as opened:
        return ImageOps.exif_transpose(opened).convert('RGB').resize((size, size), Image.Resampling.BILINEAR)


for number, picture in enumerate(pictures):
    (output / f'{number}.rgb').write_bytes(decode(picture).tobytes())
print(json.dumps({'ready': True, 'version': f'Pillow {PIL.__version__}'}), flush=True)
for line in sys.stdin:
    start, start_of_work = time.perf_counter(), time.process_time()
    for _ in range(int(line)):
        for picture in pictures:
            decode(picture)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_of_work
    print(json.dumps({'seconds': seconds, 'cpuSeconds': cpu_seconds}), flush=True)
print(json.dumps({'peakBytes': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}), flush=True)
