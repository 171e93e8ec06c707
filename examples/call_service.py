"""Asks a running service with nothing but Python's standard library.

    python examples/call_service.py http://localhost:8000 photo.jpg "The words of the post"

With `requests` the same is one line:
    requests.post(f"{service}/predict", data={"text": text}, files={"image": open(picture, "rb")}).json()
"""

import json
import pathlib
import sys
import urllib.error
import urllib.request
import uuid


def multipart(text, picture):
    """The body of a form with a text and a file, and its content type."""
    boundary = uuid.uuid4().hex
    field = f'--{boundary}\r\nContent-Disposition: form-data; name="text"\r\n\r\n{text}\r\n'
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{picture.name}"\r\n\r\n'
    body = field.encode() + file.encode() + picture.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


def predict(service, picture, text):
    """{"filename", "prediction": "REAL" | "FAKE", "probability_fake", "confidence", "label_id"}"""
    body, content_type = multipart(text, pathlib.Path(picture))
    request = urllib.request.Request(f"{service}/predict", body, {"content-type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.code}: {json.load(error)['detail']}")


if __name__ == "__main__":
    service, picture, text = sys.argv[1:]
    print(json.dumps(predict(service, picture, text)))
