#!/usr/bin/env python3
"""An extractor that counts words and reports its progress. It needs only the standard library.

    python3 extractor_events.py FILE_ID JOB_ID PATH

Events are OpenTelemetry log records, sent by OTLP/JSON over HTTP as they happen. The run itself is a span. A background
thread sends them, so the extractor does not wait. When the program ends, it gives unsent messages some seconds. To use
this in your extractor, copy this file, or `pip install` the folder, and write `from extractor_events import Extraction`.

OTEL_EXPORTER_OTLP_ENDPOINT  the collector, or an OTel Collector in front of it (default: http://127.0.0.1:4318)
CLOWDER_OTEL_KEY             an API key with the scope `ingest`, once API keys are made
"""
import atexit
import json
import os
import queue
import secrets
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid

ENDPOINT = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318").rstrip("/")
KEY = os.environ.get("CLOWDER_OTEL_KEY")
RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "wordcount"}}]}

MOST_WAITING = 10_000  # messages; beyond this, new ones are lost
LONGEST_PAUSE = 30  # seconds between two attempts
AT_THE_END = 5  # seconds for unsent messages when the program ends
TRY_AGAIN = (429, 502, 503, 504)  # OTLP/HTTP, "Retryable Response Codes": nothing was stored
CONSUMER, OK, ERROR = 5, 1, 2  # OTLP's Span.SpanKind and Status.StatusCode


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
    SENDER.put(event_type, "/v1/logs", {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"logRecords": [record]}]}]})
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
        return False  # passes the error on to the caller

    def _emit(self, event_type, attributes):
        emit(event_type, {**self.about, **attributes}, self.trace_id, self.span_id)

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
        SENDER.put("the span", "/v1/traces", {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"spans": [span]}]}]})


# Checked in this order, as a bool is an int in Python. 64-bit integers are text in OTLP/JSON.
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


class Sender:
    """Sends messages in order, in the background, and repeats each until it is accepted. The number that wait is bounded."""

    def __init__(self):
        self.lost = 0
        self.away = False
        self._restart()
        atexit.register(self.flush)
        if hasattr(os, "register_at_fork"):  # the child process does not inherit the thread
            os.register_at_fork(after_in_child=self._restart)

    def _restart(self):
        self.waiting = queue.Queue(MOST_WAITING)
        self.lock = threading.Lock()
        self.thread = None

    def put(self, what, path, body):
        with self.lock:
            if self.thread is None:
                self.thread = threading.Thread(target=self._run, name="clowder-otel", daemon=True)
                self.thread.start()
        try:
            self.waiting.put_nowait((what, path, json.dumps(body).encode()))
        except queue.Full:
            self.lost += 1
            if self.lost == 1:
                say(f"more than {MOST_WAITING} messages wait: new ones are lost")

    def flush(self, seconds=AT_THE_END):
        """Waits until everything is sent, at most so many seconds, and reports how many messages are left."""
        end = time.monotonic() + seconds
        with self.waiting.all_tasks_done:
            while self.waiting.unfinished_tasks and time.monotonic() < end:
                self.waiting.all_tasks_done.wait(end - time.monotonic())
            left = self.waiting.unfinished_tasks
        if left or self.lost:
            say(f"{left + self.lost} messages were not sent")

    def _run(self):
        while True:
            what, path, body = self.waiting.get()
            try:
                self._send(path, body)
            except Exception as error:  # whatever it is, continue with the next message
                say(f"{what} was not sent: {error}")
            finally:
                self.waiting.task_done()

    def _send(self, path, body):
        tries = 0
        while True:
            pause = min(2**tries, LONGEST_PAUSE)
            tries += 1
            try:
                post(path, body)
                if self.away:
                    say("the collector is back")
                self.away = False
                return
            except urllib.error.HTTPError as error:
                if error.code not in TRY_AGAIN:
                    raise OSError(f"{error.code}: {error.read().decode(errors='replace')[:500]}") from error
                after = error.headers.get("retry-after", "")
                pause = max(pause, int(after)) if after.isdigit() else pause
                reason = error
            except OSError as error:
                reason = error
            if not self.away:
                say(f"cannot send to {ENDPOINT} ({reason}): trying again. OTEL_EXPORTER_OTLP_ENDPOINT sets another address")
            self.away = True
            time.sleep(pause)  # sending it again is safe: the event keeps its id


def post(path, body):
    """Posts once. HTTPError, OSError: it was not accepted; ValueError: it never will be, and the collector says why."""
    headers = {"content-type": "application/json"}
    if KEY:
        headers["authorization"] = "Bearer " + KEY
    request = urllib.request.Request(ENDPOINT + path, body, headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = json.loads(response.read() or b"{}")
    rejected = answer.get("partialSuccess", {})
    if int(rejected.get("rejectedLogRecords", 0)) > 0:
        raise ValueError(rejected.get("errorMessage", "rejected"))


def say(what):
    print("clowder-otel: " + what, file=sys.stderr)


SENDER = Sender()


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
