#!/usr/bin/env python3
"""An extractor that counts words and says how it is doing, with nothing but the standard library.

    python3 extractor_events.py FILE_ID JOB_ID PATH

Events are OpenTelemetry log records, sent by OTLP/JSON over HTTP as they happen; the run itself is a span. To take into
an extractor of your own: everything above `count_words`.

OTEL_EXPORTER_OTLP_ENDPOINT  the collector, or an OTel Collector in front of it; http://127.0.0.1:4318 where not set
CLOWDER_OTEL_KEY             an API key with the scope `ingest`, once one was made
"""
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
import uuid

ENDPOINT = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318").rstrip("/")
KEY = os.environ.get("CLOWDER_OTEL_KEY")
RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "wordcount"}}]}

TRIES = 5
TRY_AGAIN = (429, 502, 503, 504)  # OTLP/HTTP, "Retryable Response Codes"; nothing was kept then
CONSUMER, OK, ERROR = 5, 1, 2  # Span.SpanKind and Status.StatusCode of OTLP


def emit(event_type, attributes, trace_id="", span_id=""):
    """Sends one event, such as ("extraction.done", {"clowder.file.id": file_id}); returns its id."""
    event_id = str(uuid.uuid4())
    record = {
        "timeUnixNano": str(time.time_ns()),
        "eventName": "clowder." + event_type,
        "attributes": encode({**attributes, "clowder.event.id": event_id}),
        "traceId": trace_id,
        "spanId": span_id,
    }
    post("/v1/logs", {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"logRecords": [record]}]}]})
    return event_id


class Extraction:
    """One run of an extractor: `with Extraction(…) as run:`. Its end sends extraction.done, or extraction.failed."""

    def __init__(self, extractor, version, file_id, job_id):
        self.about = {
            "clowder.extractor.name": extractor,
            "clowder.extractor.version": version,
            "clowder.file.id": file_id,
            "clowder.job.id": job_id,
        }
        self.trace_id = secrets.token_hex(16)
        self.span_id = secrets.token_hex(8)

    def __enter__(self):
        self.start = time.time_ns()
        return self

    def working(self, message):
        self._emit("extraction.working", {"clowder.extraction.message": message})

    def __exit__(self, kind, error, traceback):
        end = time.time_ns()
        outcome = {"clowder.extraction.duration_ms": (end - self.start) // 1_000_000}
        if error is None:
            self._emit("extraction.done", outcome)
        else:
            self._emit("extraction.failed", {**outcome, "clowder.extraction.message": str(error) or kind.__name__})
        self._send_span(end, error)
        return False  # the error goes on to the caller

    def _emit(self, event_type, attributes):
        # What cannot be told must not end the extraction.
        try:
            emit(event_type, {**self.about, **attributes}, self.trace_id, self.span_id)
        except (OSError, ValueError) as error:
            print(f"{event_type} was not sent: {error}", file=sys.stderr)

    def _send_span(self, end, error):
        span = {
            "traceId": self.trace_id,
            "spanId": self.span_id,
            "name": "extract " + self.about["clowder.extractor.name"],
            "kind": CONSUMER,
            "startTimeUnixNano": str(self.start),
            "endTimeUnixNano": str(end),
            "attributes": encode(self.about),
            "status": {"code": OK} if error is None else {"code": ERROR, "message": type(error).__name__},
        }
        try:
            post("/v1/traces", {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"spans": [span]}]}]})
        except (OSError, ValueError) as failure:
            print(f"the span was not sent: {failure}", file=sys.stderr)


# Asked in this order: a bool is an int to Python. 64-bit integers are text in OTLP/JSON.
VALUES = (
    (bool, "boolValue", bool),
    (int, "intValue", str),
    (float, "doubleValue", float),
    (object, "stringValue", str),
)


def encode(attributes):
    """A dict as attributes of OTLP/JSON; None is left out."""
    encoded = []
    for name, value in attributes.items():
        if value is not None:
            _, kind, convert = next(one for one in VALUES if isinstance(value, one[0]))
            encoded.append({"key": name, "value": {kind: convert(value)}})
    return encoded


def post(path, body):
    """Posts until it is taken. OSError: it is not; ValueError: the collector says why it never will be."""
    headers = {"content-type": "application/json"}
    if KEY:
        headers["authorization"] = "Bearer " + KEY
    request = urllib.request.Request(ENDPOINT + path, json.dumps(body).encode(), headers)
    for attempt in range(1, TRIES + 1):
        pause = 2 ** (attempt - 1)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                answer = json.loads(response.read() or b"{}")
            break
        except urllib.error.HTTPError as error:
            if error.code not in TRY_AGAIN or attempt == TRIES:
                raise OSError(f"{error.code}: {error.read().decode(errors='replace')[:500]}") from error
            after = error.headers.get("retry-after", "")
            pause = int(after) if after.isdigit() else pause
        except OSError:
            if attempt == TRIES:
                raise
        time.sleep(pause)  # sending the same again is safe: the event keeps its id
    rejected = answer.get("partialSuccess", {})
    if int(rejected.get("rejectedLogRecords", 0)) > 0:
        raise ValueError(rejected.get("errorMessage", "rejected"))


def count_words(path):
    with open(path, encoding="utf-8") as text:
        return sum(len(line.split()) for line in text)


def main(file_id, job_id, path):
    with Extraction("ncsa.wordcount", "1.0", file_id, job_id) as run:
        run.working("counting")
        print(count_words(path))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: extractor_events.py FILE_ID JOB_ID PATH")
    main(*sys.argv[1:])
