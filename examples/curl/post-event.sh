#!/bin/sh
# Sends one event as an OpenTelemetry log record, over OTLP/JSON with curl.
#
#   post-event.sh TYPE [ATTRIBUTE=TEXT | ATTRIBUTE:=NUMBER | ATTRIBUTE:=true|false]...
#   post-event.sh extraction.done clowder.file.id=5f1e00000000000000000001 clowder.extraction.duration_ms:=1520
#
# OTEL_EXPORTER_OTLP_ENDPOINT  the collector (default: http://127.0.0.1:4318)
# CLOWDER_OTEL_KEY             an API key with the scope `ingest`, once API keys are made
#
# Prints the event's id. Exit code 1: not sent, or rejected for good; 2: wrong usage.
set -eu

usage() {
  echo "usage: post-event.sh TYPE [ATTRIBUTE=TEXT | ATTRIBUTE:=NUMBER | ATTRIBUTE:=true|false]..." >&2
  exit 2
}

# Makes a JSON string: escapes quotes and backslashes, turns line breaks and tabs into blanks, drops other control characters.
quote() {
  printf '"%s"' "$(printf '%s' "$1" | tr '\n\r\t' '   ' | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g')"
}

value() {
  case $1 in
    true | false) printf '{"boolValue":%s}' "$1" ;;
    '' | *[!0-9.-]* | *.*.* | *?-* | - | .* | *.)
      echo "post-event.sh: $1 is not a number, true or false" >&2
      exit 2
      ;;
    *.*) printf '{"doubleValue":%s}' "$1" ;;
    *) printf '{"intValue":"%s"}' "$1" ;;
  esac
}

[ $# -ge 1 ] || usage
type=$1
shift

# A unique id: without one, two equal events within one second would count as one.
id=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
attributes="{\"key\":\"clowder.event.id\",\"value\":{\"stringValue\":\"$id\"}}"
for argument; do
  name=${argument%%=*}
  text=${argument#*=}
  case $argument in
    =* | :=*) usage ;;
    *=*) ;;
    *) usage ;;
  esac
  case $name in
    *:) name=${name%:} json=$(value "$text") ;;
    *) json="{\"stringValue\":$(quote "$text")}" ;;
  esac
  attributes="$attributes,{\"key\":$(quote "$name"),\"value\":$json}"
done

record="{\"timeUnixNano\":\"$(date +%s)000000000\",\"eventName\":$(quote "clowder.$type"),\"attributes\":[$attributes]}"

# Passes the key on standard input, as every user of the machine can see arguments. --retry respects Retry-After.
answer=$(
  {
    printf 'header = "content-type: application/json"\n'
    [ -z "${CLOWDER_OTEL_KEY:-}" ] || printf 'header = "authorization: Bearer %s"\n' "$CLOWDER_OTEL_KEY"
  } | curl --config - --silent --show-error --fail-with-body --max-time 30 --retry 5 --retry-connrefused \
    --data-binary "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[$record]}]}]}" \
    "${OTEL_EXPORTER_OTLP_ENDPOINT:-http://127.0.0.1:4318}/v1/logs"
) || {
  echo "post-event.sh: not sent: $answer" >&2
  exit 1
}

# 200 with `partialSuccess`: the record can never be accepted, and this says why.
case $answer in
  *partialSuccess*)
    echo "post-event.sh: rejected: $answer" >&2
    exit 1
    ;;
esac
echo "$id"
