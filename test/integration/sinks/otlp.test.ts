import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { otlp } from '../../../sinks/services/otlp/otlp.ts';
import type { FieldValue, Sink, SinkEvent } from '../../../sinks/sink.ts';
import { startCollector, type CollectorProcess } from '../../support/collector-process.ts';
import { startOtelCollector } from '../../support/otel-collector.ts';
import { freePort } from '../../support/processes.ts';
import { makeEvents } from '../../support/sinks/events.ts';
import { idOfRecord, OTLP_KEY, OtlpBackend, otlpHarness, startOtlpBackend } from '../../support/sinks/otlp-server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { sinkContract } from './contract.ts';

sinkContract(otlpHarness);

const signal = (): AbortSignal => AbortSignal.timeout(20_000);
const sinkTo = (endpoint: string): Promise<Sink> =>
  otlp.open(otlp.config.parse({ endpoint }), { log: { info: () => undefined, warn: () => undefined }, now: Date.now });

/** An event of the collector's history, or of the tests, as a sink gets it. */
function sinkEvent(body: Readonly<Record<string, unknown>>): SinkEvent {
  const fields = body as Readonly<Record<string, FieldValue>>;
  const resource = `${String(fields['resource_type'])}/${String(fields['resource_id'])}`;
  return {
    id: String(fields['event_id']),
    type: String(fields['event']),
    createdMs: Number(fields['created']),
    resource,
    fields,
  };
}

test('the real OpenTelemetry Collector accepts the records, and passes on what was sent', async () => {
  const backend = new OtlpBackend();
  await using service = await startOtlpBackend(backend);
  await using otel = await startOtelCollector(({ otlpPort }) => ({
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlpPort}` } } } },
    exporters: { otlp_http: { endpoint: service.url, encoding: 'proto', headers: { authorization: OTLP_KEY } } },
    service: { pipelines: { logs: { receivers: ['otlp'], exporters: ['otlp_http'] } } },
  }));
  const sink = await sinkTo(otel.url);
  expect(await sink.check(signal())).toContain('takes requests');
  const events = makeEvents(1000).map(sinkEvent);
  expect(await sink.send(events, signal())).toEqual({ kind: 'accepted' });
  await waitFor(() => backend.stored.length >= events.length, { what: 'the records' });
  expect(backend.stored.map(idOfRecord)).toEqual(events.map(({ id }) => id));
  expect(backend.stored[0]).toMatchObject({
    eventName: 'clowder.file.uploaded',
    traceId: events[0]?.fields['trace_id'],
    attributes: { 'clowder.file.id': 'r0', 'user.id': 'canary-user-id' },
  });
  expect(backend.complaints).toEqual([]);
});

describe('the OTLP sink, with our own collector as its receiver', () => {
  let collector: CollectorProcess;
  beforeAll(async () => {
    collector = await startCollector({ amqpUrl: `amqp://127.0.0.1:${await freePort()}` });
  });
  afterAll(() => collector.stop());

  async function history(): Promise<readonly Record<string, unknown>[]> {
    const answer = (await (await fetch(`${collector.url}/api/v1/events?limit=100`)).json()) as {
      events: Record<string, unknown>[];
    };
    return answer.events;
  }

  test('sends events back with their ids, and the collector drops them', async () => {
    const posted = await fetch(`${collector.url}/api/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'file.uploaded', file_id: 'f1', bytes: 12 }),
    });
    expect(posted.status).toBe(202);
    const [known] = await history();
    if (known === undefined) throw new Error('the event is not in the history');
    const sink = await sinkTo(collector.url);
    const other = { ...known, event_id: 'another', file_id: 'f2', resource_id: 'f2' };
    expect(await sink.send([sinkEvent(known), sinkEvent(other)], signal())).toEqual({ kind: 'accepted' });
    const ids = (await history()).map((event) => event['event_id']);
    expect([ids.length, new Set(ids)]).toEqual([2, new Set([known['event_id'], 'another'])]);
  });
});
