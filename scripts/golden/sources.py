"""Writes packages/curation/test/golden/sources/: a TFRecord file as AC215's pipeline writes it, and a parquet file as Hugging Face's datasets do.

    pip install tfrecord==1.14.6 pyarrow==26.0.1 pillow==13.0.0
    python scripts/golden/sources.py

The records hold what AC215's src/tfrecords/tfrecords.py puts in: `image` = float32 [8, 8, 3] in [0, 1] as bytes (8 instead of 128, for
size), `text_input_word_ids`, `text_input_mask`, `text_input_type_ids` = int64 [12] (instead of 128), `label` = int64, 1 = fake.
"""

import io
import pathlib
import struct

import pyarrow
import pyarrow.parquet
from PIL import Image
from tfrecord import writer

OUT = pathlib.Path(__file__).parents[2] / "packages/curation/test/golden/sources"
WORD_IDS = [[101, 2003, 1037, 3899, 102], [101, 2129, 2079, 2017, 2079, 1029, 102], [101, 102]]


def tensor(i):
    return b"".join(struct.pack("<f", ((x * 5 + y * 3 + c + i) % 17) / 16) for y in range(8) for x in range(8) for c in range(3))


def write_tfrecords():
    file = writer.TFRecordWriter(str(OUT / "ac215.tfrecord"))
    for i, ids in enumerate(WORD_IDS):
        pad = [0] * (12 - len(ids))
        file.write({
            "image": (tensor(i), "byte"),
            "text_input_mask": ([1] * len(ids) + pad, "int"),
            "text_input_type_ids": ([0] * 12, "int"),
            "text_input_word_ids": (ids + pad, "int"),
            "label": (i % 2, "int"),
        })
    file.close()


def jpeg(i):
    image = Image.frombytes("RGB", (48, 40), bytes((x * 3 + y * (i + 2) + c * 80) % 256 for y in range(40) for x in range(48) for c in range(3)))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def write_parquet():
    rows = [{"id": 100 + i, "image": {"bytes": jpeg(i), "path": f"{100 + i:05}.jpg"}, "text": f"meme number {i}", "label": i % 2} for i in range(6)]
    rows.append(rows[0])
    struct_type = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    schema = pyarrow.schema([("id", pyarrow.int64()), ("image", struct_type), ("text", pyarrow.string()), ("label", pyarrow.int64())])
    table = pyarrow.Table.from_pylist(rows, schema=schema)
    pyarrow.parquet.write_table(table, OUT / "train-00000-of-00001.parquet", compression="snappy")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    write_tfrecords()
    write_parquet()
