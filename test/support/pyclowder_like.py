"""What an extractor on pyclowder does with one file, by the standard library alone.

Usage: pyclowder_like.py v1|v2 CLOWDER FILE_ID DATASET_ID COLLECTOR
Prints a JSON object: the bytes that it got, the id of what it uploaded, its job's id.
"""

import gzip
import json
import sys
import urllib.request
import uuid

VERSION, CLOWDER, FILE_ID, DATASET_ID, COLLECTOR = sys.argv[1:]
KEY = "canary-extractor-key"
JOB_ID = "pyclowder-like-" + VERSION
# The headers of Python's requests, with pyclowder's name in the User-Agent.
HEADERS = {
    "User-Agent": "pyclowder/3.0.8 python-requests/2.32.3",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
}


def ask(method, path, body=None, content_type=None):
    """v1 takes its key in the query, v2 in a header."""
    headers = dict(HEADERS)
    if content_type is not None:
        headers["Content-Type"] = content_type
    url = CLOWDER + path
    if VERSION == "v1":
        url += ("&" if "?" in path else "?") + "key=" + KEY
    else:
        headers["x-api-key"] = KEY
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        content = answer.read()
        return gzip.decompress(content) if answer.headers.get("Content-Encoding") == "gzip" else content


def upload(path, field, name, content):
    """A part without a Content-Type, as requests_toolbelt's encoder writes it."""
    boundary = uuid.uuid4().hex
    head = '--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n' % (boundary, field, name)
    body = head.encode() + content + ("\r\n--%s--\r\n" % boundary).encode()
    return json.loads(ask("POST", path, body, "multipart/form-data; boundary=" + boundary))


def post_json(path, value):
    return ask("POST", path, json.dumps(value).encode(), "application/json")


def status(event, message):
    """pyclowder tells of progress through RabbitMQ; whoever wants it as an event posts it."""
    body = {
        "event": "extraction." + event,
        "file_id": FILE_ID,
        "job_id": JOB_ID,
        "extractor_name": "ncsa.wordcount",
        "message": message,
    }
    request = urllib.request.Request(
        COLLECTOR + "/api/v1/events",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


PATHS = {
    "v1": {
        "info": "/api/files/%s/metadata" % FILE_ID,
        "file": "/api/files/%s" % FILE_ID,
        "metadata": "/api/files/%s/metadata.jsonld" % FILE_ID,
        "preview": "/api/previews",
        "upload": "/api/uploadToDataset/%s" % DATASET_ID,
    },
    "v2": {
        "info": "/api/v2/files/%s/summary" % FILE_ID,
        "file": "/api/v2/files/%s" % FILE_ID,
        "metadata": "/api/v2/files/%s/metadata" % FILE_ID,
        "preview": "/api/v2/thumbnails",
        "upload": "/api/v2/datasets/%s/files" % DATASET_ID,
    },
}[VERSION]

status("working", "StatusMessage.start: Started processing.")
ask("GET", PATHS["info"])
text = ask("GET", PATHS["file"])
words = len(text.split())
status("working", "StatusMessage.processing: Uploading file metadata.")
post_json(PATHS["metadata"], {"content": {"words": words}, "agent": {"@type": "cat:extractor"}})
upload(PATHS["preview"], "File" if VERSION == "v1" else "file", "preview.png", b"PNG")
made = upload(PATHS["upload"], "file", "words.txt", str(words).encode())
status("done", "StatusMessage.done: Done processing.")
print(json.dumps({"bytes": len(text), "words": words, "uploaded": made["id"], "job_id": JOB_ID}))
