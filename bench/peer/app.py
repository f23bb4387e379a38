"""The original plan, as the benchmark's peer: Flask, gunicorn and pika with publisher confirms.

    gunicorn --workers 2 --bind 127.0.0.1:5000 app:app

Environment: AMQP_URL, and API_KEY_SHA256, the hash in hex of the one key that may post.
POST /api/v1/events takes one event as JSON; 202 once RabbitMQ has confirmed it.
"""

import hashlib
import hmac
import json
import os
import time
import uuid

import pika
from flask import Flask, jsonify, request

EXCHANGE = "clowder.events"
TYPES = {
    "file.uploaded",
    "file.deleted",
    "dataset.created",
    "dataset.deleted",
    "extraction.queued",
    "extraction.working",
    "extraction.done",
    "extraction.failed",
    "view.page",
    "view.resource",
    "view.download",
}

app = Flask(__name__)
channel = None


def publisher():
    """This worker's channel in confirm mode, opened when first needed."""
    global channel
    if channel is None or channel.is_closed:
        parameters = pika.URLParameters(os.environ["AMQP_URL"])
        parameters.heartbeat = 0
        channel = pika.BlockingConnection(parameters).channel()
        channel.exchange_declare(EXCHANGE, exchange_type="topic", durable=True)
        channel.confirm_delivery()
    return channel


def allowed():
    key = request.headers.get("Authorization", "").removeprefix("Bearer ")
    digest = hashlib.sha256(key.encode()).hexdigest()
    return hmac.compare_digest(digest, os.environ["API_KEY_SHA256"])


@app.get("/healthz")
def healthz():
    return "ok"


@app.post("/api/v1/events")
def post_event():
    if not allowed():
        return jsonify(error="unknown key"), 401
    event = request.get_json(silent=True)
    if not isinstance(event, dict) or event.get("event") not in TYPES:
        return jsonify(error="not an event"), 422
    event.setdefault("event_id", str(uuid.uuid4()))
    event.setdefault("created", int(time.time() * 1000))
    publisher().basic_publish(
        EXCHANGE,
        event["event"],
        json.dumps(event).encode(),
        pika.BasicProperties(
            content_type="application/json",
            delivery_mode=2,
            message_id=event["event_id"],
            type=event["event"],
            timestamp=event["created"] // 1000,
            app_id="flask",
        ),
    )
    return jsonify(id=event["event_id"]), 202
