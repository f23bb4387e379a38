import { afterAll, beforeAll, expect, test } from 'vitest';
import { REFUTED_IDS, REFUTED_NAME } from '../../taxonomy/attributes.ts';
import { derivedEventId } from '../../taxonomy/event-id.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { consumeEventSink, type EventSink } from '../support/consumer.ts';
import { everythingIsPublished } from '../support/published.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { newTrace } from '../support/run-scenarios.ts';
import { waitFor } from '../support/wait-for.ts';

let broker: VirtualHost;
let collector: CollectorProcess;
let sink: EventSink;

beforeAll(async () => {
  broker = await openVhost();
  sink = await consumeEventSink(broker.url);
  collector = await startCollector({ amqpUrl: broker.url, env: { CLOWDER_VERSION: 'v1', WAIT_FOR_CAPTURE_S: '10' } });
});

afterAll(async () => {
  await sink[Symbol.asyncDispose]();
  await collector.stop();
  await broker[Symbol.asyncDispose]();
});

/** A file whose deletion Clowder refused in the body of a 200, and the request's trace. */
interface Deletion {
  readonly traceId: string;
  readonly fileId: string;
}

const deletionOf = (fileId: string): Deletion => ({ traceId: newTrace().traceId, fileId });

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });

async function send(signal: 'logs' | 'traces', body: object): Promise<void> {
  const response = await fetch(`${collector.url}/v1/${signal}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect([response.status, await response.text()]).toEqual([200, '{}']);
}

/** Path and status only, as in the span of a backend behind the proxy. */
const observe = ({ traceId, fileId }: Deletion): Promise<void> =>
  send('traces', {
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId,
                spanId: '00f067aa0ba902b7',
                traceState: 'clowder=captured',
                name: 'DELETE',
                kind: 2,
                startTimeUnixNano: `${Date.now()}000000`,
                endTimeUnixNano: `${Date.now()}000000`,
                attributes: [
                  text('http.request.method', 'DELETE'),
                  text('url.path', `/api/files/${fileId}`),
                  text('http.response.status_code', '200'),
                ],
              },
            ],
          },
        ],
      },
    ],
  });

const refute = ({ traceId, fileId }: Deletion): Promise<void> =>
  send('logs', {
    resourceLogs: [
      {
        scopeLogs: [
          {
            logRecords: [
              {
                timeUnixNano: `${Date.now()}000000`,
                traceId,
                eventName: REFUTED_NAME,
                attributes: [text(REFUTED_IDS, derivedEventId(traceId, 'file.deleted', fileId))],
              },
            ],
          },
        ],
      },
    ],
  });

test('a refuted event stays refuted over SIGKILL, whether a weak observation came before or comes after', async () => {
  const [before, after, late, lost] = ['a', 'b', 'c', 'd'].map((digit) => deletionOf(digit.repeat(24)));
  if (before === undefined || after === undefined || late === undefined || lost === undefined) throw new Error();
  await observe(before);
  await observe(late);
  await observe(lost);
  await refute(before);
  await refute(after);
  await collector.kill('SIGKILL');
  await collector.start();
  await observe(after);
  await refute(late);
  await waitFor(() => sink.received.some(({ body }) => body['trace_id'] === lost.traceId), {
    what: 'the deletion that was not refuted',
  });
  await everythingIsPublished(collector, sink, 'the last one');
  expect(sink.received.map(({ body }) => [body['event'], body['file_id'], body['recovered']])).toEqual([
    ['file.deleted', lost.fileId, true],
    ['file.deleted', 'the last one', undefined],
  ]);
});
