import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openJournal } from '../../collector/journal/journal.ts';
import { cli } from '../support/cli.ts';
import { runCliToEnd, startCollector, type CliResult } from '../support/collector-process.ts';
import { bindEventSink, consumeEventSink } from '../support/consumer.ts';
import { tempDir } from '../support/processes.ts';
import { startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { waitFor } from '../support/wait-for.ts';

const HOUR_MS = 3_600_000;

let broker: RabbitNode;
let data: Awaited<ReturnType<typeof tempDir>>;

/** A journal with events from an hour ago and from now, and rejected records. */
beforeAll(async () => {
  data = await tempDir('command-line');
  broker = await startRabbitNode();
  await bindEventSink(broker.url);
  const journal = await openJournal({ dir: data.path, maxBytes: 10_000_000 });
  await journal.write({ append: ['e1', 'e2'].map((id) => line(id, 'file.uploaded')) });
  await journal.write({ append: [line('e3', 'file.deleted')], cursor: { row: 1, index: 2 } });
  await journal.write({ cursor: { row: 2, index: 1 } });
  const rejectedOf = (record: string) => ({
    atMs: Date.now(),
    code: 'invalid_event',
    message: 'event is not an event type',
    origin: 'otlp-logs',
    record,
  });
  await journal.write({
    reject: [rejectedOf(line('now right', 'file.uploaded')), rejectedOf(line('still', 'file.exploded'))],
  });
  await journal.close();
});

afterAll(async () => {
  await broker.stop();
  await data.remove();
});

function line(event_id: string, event: string): string {
  return JSON.stringify({ event_id, event, created: Date.now(), source: 'api', file_id: 'f', resource_id: 'f' });
}

const run = (args: readonly string[], env: Record<string, string> = {}): Promise<CliResult> =>
  runCliToEnd(args, { DATA_DIR: data.path, AMQP_URL: broker.url, ...env });
const rowsOf = ({ stdout }: CliResult): unknown[] =>
  stdout
    .trim()
    .split('\n')
    .map((one) => JSON.parse(one) as unknown);

describe('events replay', () => {
  test('publishes journaled events again, in order and with the same ids, and waits for every confirm', async () => {
    await using sink = await consumeEventSink(broker.url);
    const ended = await run(['events', 'replay', '--since', '1h', '--to-broker']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(rowsOf(ended)).toEqual([{ confirmed: 3, unroutable: 0 }]);
    await waitFor(() => sink.received.length === 3, { what: 'the events' });
    expect(sink.received.map((one) => one.messageId)).toEqual(['e1', 'e2', 'e3']);
  });

  test('publishes only the requested types and times', async () => {
    const args = ['events', 'replay', '--to-broker', '--since', '1h'];
    expect(rowsOf(await run([...args, '--type', 'file.deleted']))).toEqual([{ confirmed: 1, unroutable: 0 }]);
    const ago = String(Date.now() - HOUR_MS);
    expect(rowsOf(await run([...args, '--until', ago]))).toEqual([{ confirmed: 0, unroutable: 0 }]);
  });

  test('exits with 1 and says so if no queue took the events', async () => {
    await broker.rabbitmqctl('add_vhost', 'unbound');
    await broker.rabbitmqctl('set_permissions', '-p', 'unbound', 'guest', '.*', '.*', '.*');
    const ended = await run(['events', 'replay', '--since', '1h', '--to-broker'], {
      AMQP_URL: `${broker.url}/unbound`,
    });
    expect(ended.code).toBe(1);
    expect(rowsOf(ended)).toEqual([{ confirmed: 0, unroutable: 3 }]);
    expect(ended.stderr).toMatch(/^3 events went to no queue: bind one to clowder\.events or clowder\.metrics/);
  });
});

test('prints a table on a terminal', async () => {
  const command = [process.execPath, ...cli(), 'events', 'list'].map((part) => `'${part}'`).join(' ');
  const { stdout } = await promisify(execFile)('script', ['-qec', `stty cols 200; ${command}`, '/dev/null'], {
    env: { ...process.env, DATA_DIR: data.path, TERM: 'dumb' },
  });
  expect(stdout).toMatch(/^.*created.* +.*event.* +.*resource_id/m);
  expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}file\.uploaded {2}f /m);
});

describe('rejected replay', () => {
  test('journals the records that are now valid and keeps the rest, through the collector, with a key if it has keys', async () => {
    await using collector = await startCollector({ dataDir: data.path, amqpUrl: broker.url });
    await using sink = await consumeEventSink(broker.url);
    const env = { PORT: String(collector.port) };
    const made = await run(['keys', 'add', '--name', 'n', '--scope', 'admin']);
    const { key } = JSON.parse(made.stdout) as { key: string };
    const locked = async (): Promise<boolean> => (await fetch(`${collector.url}/api/v1/rejected`)).status === 401;
    await waitFor(locked, { what: 'the key to count' });
    const refused = await run(['rejected', 'replay'], env);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/wants a key with the scope admin/);
    const ended = await run(['rejected', 'replay', '--key', key], env);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(rowsOf(ended)).toEqual([{ accepted: 1, 'still rejected': 1 }]);
    await waitFor(() => sink.ids().includes('now right'), { what: 'the event' });
    const left = await run(['rejected', 'list']);
    expect(rowsOf(left)).toMatchObject([{ id: 2, reason: 'event is not an event type' }]);
  });
});

describe('the collector', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'ends at %s with exit code 0, even with open live streams',
    async (signal) => {
      await using collector = await startCollector({ amqpUrl: broker.url });
      const stream = await fetch(`${collector.url}/api/v1/events/stream`);
      expect(await collector.kill(signal)).toEqual({ code: 0, signal: null });
      await stream.body?.cancel().catch(() => undefined);
    },
  );

  test('ends within 10 s even if the broker does not answer', async () => {
    await broker.rabbitmqctl('set_vm_memory_high_watermark', '0');
    try {
      await using collector = await startCollector({ amqpUrl: broker.url });
      await fetch(`${collector.url}/api/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ event: 'file.deleted', file_id: 'f', event_id: 'at the end' }),
      });
      expect(await collector.kill('SIGTERM')).toEqual({ code: 0, signal: null });
      await broker.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
      await collector.start();
      await using sink = await consumeEventSink(broker.url);
      await waitFor(() => sink.ids().includes('at the end'), { what: 'the event, after a restart' });
    } finally {
      await broker.rabbitmqctl('set_vm_memory_high_watermark', '0.4');
    }
  });
});
