import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeLogs } from '../../test/support/otlp-decode.ts';
import { createScreen } from '../../collector/intake/telemetry-batch.ts';
import { createMapContext, mapLog, type FlatBody } from '../../taxonomy/index.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { startTelemetry, type Telemetry } from './telemetry.ts';

let dir = '';
let server: Server | undefined;
let telemetry: Telemetry | undefined;
let events: FlatBody[] = [];
let metricRequests: Buffer[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'telemetry-'));
  events = [];
  metricRequests = [];
});
afterEach(async () => {
  await telemetry?.shutdown(0);
  telemetry = undefined;
  server?.closeAllConnections();
  server?.close();
  rmSync(dir, { recursive: true });
});

const context = createMapContext({ now: () => 1_750_000_000_000 });

/** Decodes what it receives as our collector does. */
async function receive(): Promise<string> {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (request.url === '/v1/metrics') metricRequests.push(body);
      else
        for (const record of decodeLogs(body, createScreen(context)).records)
          events.push(...mapLog(record, context).candidates.map((one) => one.body));
      response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}

function start(endpoint: string): Telemetry {
  telemetry = startTelemetry({
    spoolDir: dir,
    instance: 'https://clowder.example',
    version: '1.2.3',
    otlp: { endpoint },
    environment: {},
    log: pino({ level: 'silent' }),
  });
  return telemetry;
}

const ping = (target: string, createdMs: number) => ({
  type: 'health.ping' as const,
  createdMs,
  fields: { target, healthy: true, response_time_ms: 12.5, error: undefined },
});

describe("the monitor's telemetry", () => {
  it('arrives as the stated events, with their own times', async () => {
    const { emit, flush } = start(await receive());
    emit(ping('https://clowder.example/healthz', 1_749_999_000_000));
    emit({
      type: 'extraction.done',
      createdMs: 1_749_999_000_500,
      source: 'rabbitmq',
      id: 'job-1-done',
      fields: { job_id: 'j1', file_id: 'f1', extractor_name: 'ncsa.wordcount', duration_ms: 1200 },
    });
    await flush(5000);
    expect(events).toMatchObject([
      {
        event: 'health.ping',
        created: 1_749_999_000_000,
        source: 'monitor',
        target: 'https://clowder.example/healthz',
        healthy: true,
        response_time_ms: 12.5,
        clowder_instance: 'https://clowder.example',
        event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
      { event: 'extraction.done', event_id: 'job-1-done', source: 'rabbitmq', file_id: 'f1', duration_ms: 1200 },
    ]);
  });

  it('survives the end of a process without a receiver: the next start sends it, with the same id and time', async () => {
    const before = start('http://127.0.0.1:1');
    before.emit(ping('a', 1_749_999_000_000));
    before.persist();
    expect(before.stats().spool.rows).toBe(1);
    await before.shutdown(0);
    telemetry = undefined;
    const after = start(await receive());
    after.emit(ping('b', 1_749_999_060_000));
    await after.flush(5000);
    expect(events.map(({ created, event_id: id }) => [created, id.length])).toEqual([
      [1_749_999_000_000, 36],
      [1_749_999_060_000, 36],
    ]);
  });

  it('joins what one turn of the event loop emits into one request', async () => {
    const { emit, stats } = start('http://127.0.0.1:1');
    for (let i = 0; i < 100; i += 1) emit(ping(`t${i}`, 1_749_999_000_000));
    await waitFor(() => stats().spool.rows > 0, { what: 'the spool to be written' });
    expect(stats().spool.rows).toBe(1);
  });

  it('sends metrics when it ends', async () => {
    const one = start(await receive());
    one.meter.createCounter('clowder.monitor.test').add(3);
    await one.shutdown(5000);
    telemetry = undefined;
    expect(Buffer.concat(metricRequests).toString('latin1')).toContain('clowder.monitor.test');
  });
});
