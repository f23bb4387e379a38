"""Speaks on RabbitMQ as an extractor on pyclowder does: heartbeats, jobs, status messages, errors, retries.

Usage: extractor_like.py AMQP_URL SETTINGS
SETTINGS is a JSON object: name, version, key (of a private extractor), heartbeat (seconds), owner.
A job says in its `parameters` what is to happen: {"steps": ["processing: text", "download: URL", …], "end": "done"};
`took` is how many seconds before now it was started, by its messages, which all go out now as pyclowder's may;
where the end is done, error, retry (and done after that), skip, hang.
"""

import datetime
import json
import sys
import urllib.request
import uuid

import pika

AMQP_URL, SETTINGS = sys.argv[1], json.loads(sys.argv[2])
NAME = SETTINGS["name"]
QUEUE = "private.%s.%s" % (SETTINGS["key"], NAME) if "key" in SETTINGS else NAME
INSTANCE = str(uuid.uuid4())
INFO = {
    "@context": "http://clowder.ncsa.illinois.edu/contexts/extractors.jsonld",
    "name": NAME,
    "version": SETTINGS.get("version", "1.0"),
    "description": "An extractor of a test",
    "author": "Ada Lovelace <ada@example.org>",
    "contributors": [],
    "contexts": [],
    "repository": [{"repType": "git", "repUrl": "https://example.org/x.git"}],
    "process": {"file": ["*"]},
    "external_services": [],
    "dependencies": [],
    "bibtex": [],
}
# During winter time, pyclowder's offset is an hour off in zones with daylight-saving time.
ZONE = SETTINGS.get("zone", "+00:00")

connection = pika.BlockingConnection(pika.URLParameters(AMQP_URL))
channel = connection.channel()
channel.basic_qos(prefetch_count=1)
channel.queue_declare(queue=QUEUE, durable=True)
channel.queue_declare(queue="error." + QUEUE, durable=True)
channel.exchange_declare(exchange="extractors", exchange_type="fanout", durable=True)


def heartbeat():
    body = {"id": INSTANCE, "queue": QUEUE, "owner": SETTINGS.get("owner"), "extractor_info": INFO}
    channel.basic_publish(exchange="extractors", routing_key="", body=json.dumps(body))
    connection.call_later(SETTINGS.get("heartbeat", 0.5), heartbeat)


def publish(queue, body, **properties):
    channel.basic_publish(
        exchange="", routing_key=queue, body=body, properties=pika.BasicProperties(delivery_mode=2, **properties)
    )


def on_job(_channel, method, header, body):
    job = json.loads(body)
    job_id = job.get("jobid", job.get("job_id"))
    routing_key = job.get("routing_key", method.routing_key)
    is_dataset = job.get("resource_type") == "dataset" or ".dataset." in routing_key
    is_dataset = is_dataset or (routing_key == "extractors." + NAME and job["datasetId"] == job["id"])
    resource = job["datasetId"] if is_dataset else job["id"]

    plan = job.get("parameters") or {}

    def status(word, message):
        name = "StatusMessage." + word
        took = plan.get("took", 0) if word == "start" else 0
        made = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=took)
        payload = {
            "file_id": resource,
            "extractor_id": NAME,
            "job_id": job_id,
            "status": "%s: %s" % (name, message),
            "start": made.replace(microsecond=0, tzinfo=None).isoformat() + ZONE,
            "message_type": name,
            "message": message,
        }
        publish(header.reply_to, json.dumps(payload), correlation_id=header.correlation_id)

    retries = job.get("retry_count", 0)
    end = plan.get("end", "done")
    status("start", "Started processing.")
    if end == "hang":
        return
    if end == "skip":
        status("skip", "Skipped in check_message")
        status("done", "Done processing.")
    elif end == "error":
        status("error", plan.get("message", "no such thing"))
        publish("error." + QUEUE, body, reply_to=header.reply_to)
    elif end == "retry" and retries == 0:
        status("retry", "(#1) " + plan.get("message", "try again"))
        again = dict(job, retry_count=retries + 1)
        publish(QUEUE, json.dumps(again), reply_to=header.reply_to)
    else:
        for step in plan.get("steps", []):
            kind, _, text = step.partition(": ")
            if kind == "download":
                agent = "pyclowder/3.0.8 python-requests/2.32.3"
                request = urllib.request.Request(text, headers={"User-Agent": agent})
                with urllib.request.urlopen(request, timeout=30) as answer:
                    answer.read()
            else:
                status(kind, text)
        status("done", "Done processing.")
    channel.basic_ack(method.delivery_tag)


heartbeat()
channel.basic_consume(queue=QUEUE, on_message_callback=on_job)
print("ready", flush=True)
channel.start_consuming()
