"""Reads one message as the event-sink consumers in the field do, and prints what they use of it."""
import json
import sys

import pika

connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
channel = connection.channel()
channel.exchange_declare(exchange="clowder.metrics", exchange_type="fanout", durable=True)
channel.queue_declare(queue="event.sink", durable=True)
channel.queue_bind(exchange="clowder.metrics", queue="event.sink")
for method, properties, body in channel.consume("event.sink", inactivity_timeout=30):
    event = json.loads(body)
    channel.basic_ack(method.delivery_tag)
    used = {name: event[name] for name in ("category", "type", "resource_id", "resource_name", "size", "user_id")}
    used["created_is_int"] = isinstance(event["created"], int)
    print(json.dumps(used))
    break
channel.cancel()
connection.close()
