import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeKey, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { bindEventSink, consumeEventSink, type EventSink, type ReceivedEvent } from '../support/consumer.ts';
import { startProcess, tempDir } from '../support/processes.ts';
import { PRELOAD } from '../support/registered-server.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { PYTHON } from '../support/tools.ts';
import { waitFor } from '../support/wait-for.ts';
import { packedPackage } from '../../tools/packed-package.ts';

const FILE = '5f1e00000000000000000001';
const PYTHON_EXAMPLE = fileURLToPath(new URL('../../examples/python/extractor_events.py', import.meta.url));
const CURL_EXAMPLE = fileURLToPath(new URL('../../examples/curl/post-event.sh', import.meta.url));
const PYTHON_ONE_EVENT = `
import sys
sys.path.insert(0, ${JSON.stringify(dirname(PYTHON_EXAMPLE))})
sys.dont_write_bytecode = True
from extractor_events import emit
print(emit("file.deleted", {"clowder.file.id": "${FILE}"}))
`;

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let broker: VirtualHost;
let collector: CollectorProcess;
let sink: EventSink;
let temp: { path: string; remove: () => Promise<void> };
let key: string;

beforeAll(async () => {
  temp = await tempDir('manual-events');
  broker = await openVhost();
  await bindEventSink(broker.url);
  const dataDir = join(temp.path, 'data');
  key = await makeKey(dataDir, 'ingest');
  collector = await startCollector({ amqpUrl: broker.url, dataDir });
  sink = await consumeEventSink(broker.url);
});

afterAll(async () => {
  await sink[Symbol.asyncDispose]();
  await collector.stop();
  await broker[Symbol.asyncDispose]();
  await temp.remove();
});

/** Runs an example as its page says, with this test's collector and key. */
async function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, [...args], {
      timeout: 60_000,
      env: { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, CLOWDER_OTEL_KEY: key, ...env },
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    if (error instanceof Error && 'stdout' in error && 'stderr' in error && 'code' in error)
      return { code: Number(error.code), stdout: String(error.stdout), stderr: String(error.stderr) };
    throw error;
  }
}

/** A job's events in order, once there are this many. */
async function eventsOf(field: string, value: string, count: number): Promise<readonly ReceivedEvent[]> {
  const found = (): ReceivedEvent[] => sink.received.filter(({ body }) => body[field] === value);
  await waitFor(() => found().length >= count, { what: `${count} events with ${field} ${value}` });
  return found();
}

describe('an extraction whose process is killed', () => {
  test('has sent what happened before the kill, and nothing after it', async () => {
    await using child = await startProcess(
      process.execPath,
      [...PRELOAD, 'programs/endless-extraction.mjs', FILE, 'killed'],
      {
        cwd: packedPackage().home,
        env: {
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${key}`,
          OTEL_TRACES_SAMPLER: 'always_off',
          OTEL_METRICS_EXPORTER: 'none',
        },
      },
    );
    const [queued, working] = await eventsOf('job_id', 'killed', 2);
    const [uploaded] = await eventsOf('file_id', `${FILE}-tile`, 1);
    expect(await child.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    expect(queued?.body['event']).toBe('extraction.queued');
    expect(working?.body).toMatchObject({ event: 'extraction.working', message: 'tiling', file_id: FILE });
    expect(working?.body['trace_id']).toMatch(/^[0-9a-f]{32}$/);
    expect(uploaded?.body['trace_id']).toBe(working?.body['trace_id']);
    const { stdout } = await run(CURL_EXAMPLE, ['file.deleted', `clowder.file.id=${FILE}`]);
    await eventsOf('event_id', stdout.trim(), 1);
    expect(await eventsOf('job_id', 'killed', 2)).toHaveLength(2);
  });
});

describe('the Python example', () => {
  test('does not wait if the collector is away, and reports what it could not send', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
    const program = `
import sys, time
sys.path.insert(0, ${JSON.stringify(dirname(PYTHON_EXAMPLE))})
sys.dont_write_bytecode = True
import extractor_events
extractor_events.AT_THE_END = 0.2
extractor_events.MOST_WAITING = 100
extractor_events.SENDER = extractor_events.Sender()
with extractor_events.Extraction("ncsa.wordcount", "1.0", "${FILE}", "job-away") as run:
    for step in range(500):
        run.working(str(step))
    print(extractor_events.SENDER.waiting.qsize())
`;
    const { code, stdout, stderr } = await run(PYTHON, ['-c', program], {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${address.port}`,
    });
    silent.closeAllConnections();
    silent.close();
    // No request got an answer.
    expect({ code, stdout }).toEqual({ code: 0, stdout: '100\n' });
    expect(stderr).toMatch(/more than 100 messages wait: new ones are lost\n(?:[^]*)502 messages were not sent\n/);
  });

  test('sends what an extractor does as flat events, in one trace', async () => {
    const path = join(temp.path, 'a.txt');
    await writeFile(path, 'so many words\nthat it can be counted\n');
    const before = Date.now();
    expect(await run(PYTHON, [PYTHON_EXAMPLE, FILE, 'job-1', path])).toEqual({ code: 0, stdout: '8\n', stderr: '' });
    const [working, done] = await eventsOf('job_id', 'job-1', 2);
    const about = {
      type: 'file',
      source: 'sdk',
      resource_type: 'file',
      resource_id: FILE,
      file_id: FILE,
      extractor_name: 'ncsa.wordcount',
      extractor_version: '1.0',
    };
    expect(working?.body).toMatchObject({
      ...about,
      event: 'extraction.working',
      category: 'extraction_working',
      message: 'counting',
    });
    expect(done?.body).toMatchObject({
      ...about,
      event: 'extraction.done',
      category: 'extraction_done',
      duration_ms: expect.any(Number) as number,
      trace_id: working?.body['trace_id'],
      span_id: working?.body['span_id'],
    });
    expect(done?.body).not.toHaveProperty('message');
    expect(working?.body['created']).toBeGreaterThanOrEqual(before);
    expect(working?.body['created']).toBeLessThanOrEqual(Date.now());
    expect(working?.messageId).toBe(working?.body['event_id']);
    expect(working?.headers).toMatchObject({
      cloudEvents_type: 'extraction.working',
      cloudEvents_subject: `file/${FILE}`,
    });
  });

  test('reports that the extraction failed, and fails itself', async () => {
    const { code, stderr } = await run(PYTHON, [PYTHON_EXAMPLE, FILE, 'job-2', join(temp.path, 'absent')]);
    expect(code).toBe(1);
    expect(stderr).toContain('FileNotFoundError');
    const [working, failed] = await eventsOf('job_id', 'job-2', 2);
    expect(working?.body['event']).toBe('extraction.working');
    expect(failed?.body).toMatchObject({
      event: 'extraction.failed',
      message: expect.stringContaining('No such file') as string,
      duration_ms: expect.any(Number) as number,
    });
  });

  test('keeps working if its events are refused, and says so', async () => {
    const path = join(temp.path, 'b.txt');
    await writeFile(path, 'word');
    const { code, stdout, stderr } = await run(PYTHON, [PYTHON_EXAMPLE, FILE, 'job-3', path], {
      CLOWDER_OTEL_KEY: 'no',
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '1\n' });
    expect(stderr).toMatch(/extraction\.working was not sent: 401[^]*extraction\.done was not sent: 401/);
  });
});

describe('the curl example', () => {
  test.each<[string, string, readonly string[], Record<string, unknown>]>([
    [
      'text and numbers',
      'extraction.done',
      [`clowder.file.id=${FILE}`, 'clowder.job.id=curl-1', 'clowder.extraction.duration_ms:=1520.5'],
      { file_id: FILE, job_id: 'curl-1', duration_ms: 1520.5, category: 'extraction_done' },
    ],
    [
      'whole numbers and names of any characters',
      'file.uploaded',
      [`clowder.file.id=${FILE}`, 'clowder.bytes:=9007199254740991', 'clowder.file.name=a = "b" \\ c:=d ü.csv'],
      { file_id: FILE, bytes: 9_007_199_254_740_991, size: 9_007_199_254_740_991, file_name: 'a = "b" \\ c:=d ü.csv' },
    ],
    [
      'booleans',
      'health.ping',
      ['clowder.health.target=https://clowder.example/', 'clowder.health.healthy:=false'],
      { target: 'https://clowder.example/', healthy: false, category: 'health' },
    ],
  ])('sends %s as a flat event, and prints its id', async (_what, type, attributes, expected) => {
    const { code, stdout, stderr } = await run(CURL_EXAMPLE, [type, ...attributes]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [event] = await eventsOf('event_id', stdout.trim(), 1);
    expect(event?.body).toMatchObject({ event: type, source: 'sdk', ...expected });
    expect(Math.abs(Number(event?.body['created']) - Date.now())).toBeLessThan(60_000);
  });

  test('run twice with the same arguments sends two events', async () => {
    const args = ['file.deleted', `clowder.file.id=${FILE}`];
    const ids = [await run(CURL_EXAMPLE, args), await run(CURL_EXAMPLE, args)].map(({ stdout }) => stdout.trim());
    for (const id of ids) await eventsOf('event_id', id, 1);
    expect(new Set(ids).size).toBe(2);
  });

  test.each<[string, readonly string[], Readonly<Record<string, string>>, number, RegExp]>([
    ['can never be accepted', ['file.uploaded', 'clowder.bytes:=1'], {}, 1, /rejected: .*clowder\.file\.id is missing/],
    [
      'is refused',
      ['file.deleted', `clowder.file.id=${FILE}`],
      { CLOWDER_OTEL_KEY: 'no' },
      1,
      /not sent: .*key is unknown/,
    ],
    ['has an invalid number', ['file.deleted', 'clowder.bytes:=many'], {}, 2, /many is not a number/],
    ['lacks a name', ['file.deleted', '=x'], {}, 2, /usage/],
    ['lacks everything', [], {}, 2, /usage/],
  ])('says what is wrong with an event that %s', async (_what, args, env, code, message) => {
    const ran = await run(CURL_EXAMPLE, args, env);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code, stdout: '' });
    expect(ran.stderr).toMatch(message);
  });
});

describe('if the collector cannot accept an event now,', () => {
  test.each<[string, string, readonly string[]]>([
    ['Python', PYTHON, ['-c', PYTHON_ONE_EVENT]],
    ['curl', CURL_EXAMPLE, ['file.deleted', `clowder.file.id=${FILE}`]],
  ])('the %s example sends the same event again', async (_which, program, args) => {
    const bodies: string[] = [];
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      bodies.push(await text(request));
      if (bodies.length === 1) response.writeHead(503, { 'retry-after': '1' });
      response.end('{}');
    };
    const busyOnce = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
    await once(busyOnce, 'listening');
    const address = busyOnce.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
    const { code, stdout } = await run(program, args, {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${address.port}`,
    });
    busyOnce.closeAllConnections();
    busyOnce.close();
    expect(code).toBe(0);
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toBe(bodies[0]);
    expect(bodies[0]).toContain(stdout.trim().split('\n').at(-1));
  });
});
