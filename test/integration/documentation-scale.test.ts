import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from 'amqplib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseMonitorConfig } from '../../monitor/config/load.ts';
import { cli } from '../support/cli.ts';
import { startCollector } from '../support/collector-process.ts';
import { freePort } from '../support/processes.ts';
import { RABBITMQCTL, startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { toolPath } from '../support/tools.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = readFileSync(new URL('../../docs/scale.md', import.meta.url), 'utf8');
const BLOCKS = [...PAGE.matchAll(/^```\w*\n([^]*?)^```$/gm)].map(([, text = '']) => text);

/** The only block of the page with this text. */
function block(text: string): string {
  const found = BLOCKS.filter((one) => one.includes(text));
  expect(found, `blocks with ${text}`).toHaveLength(1);
  return found[0] ?? '';
}

let node: RabbitNode;
/** A node whose rabbitmq.conf has the page's lines. */
beforeAll(async () => {
  node = await startRabbitNode({ management: true, conf: block('# rabbitmq.conf').split('\n').slice(1) });
});
afterAll(() => node.stop());

/** Runs commands of the page with `clowder-otel`, the OTel Collector (`validate`) and RabbitMQ's tools for the test's node. */
async function run(commands: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { hostname, port } = new URL(node.managementUrl);
  const shell = `set -euo pipefail
clowder-otel() { "${process.execPath}" ${cli().join(' ')} "$@"; }
otelcol-contrib() { (cd "${ROOT}otel-config" && "${toolPath('otelcol')}" validate "$@"); }
rabbitmqctl() { ${RABBITMQCTL} -n ${node.name} "$@"; }
rabbitmqadmin() { command rabbitmqadmin --host=${hostname} --port=${port} "$@"; }
`;
  const all = { ...process.env, HOME: node.home, ...env };
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', shell + commands], { env: all });
  return stdout + stderr;
}

describe('docs/scale.md', () => {
  test.each(['--config collectors.yaml --feature', '--config collectors-4.yaml', '--config collectors-dns.yaml'])(
    'starts the OTel Collector with %s',
    async (files) => {
      expect(await run(block(files))).toBe('');
    },
  );

  test('publishes what only an old journal still has', async () => {
    const broker = await connect(node.url);
    const channel = await broker.createChannel();
    const nobody = `amqp://guest:guest@127.0.0.1:${await freePort()}`;
    await using collector = await startCollector({ amqpUrl: nobody });
    const response = await fetch(`${collector.url}/api/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'file.uploaded', file_id: '5f1e00000000000000000001' }),
    });
    expect(response.status).toBe(202);
    await collector.kill('SIGKILL');
    await channel.assertExchange('clowder.metrics', 'fanout', { durable: true });
    await channel.assertQueue('event.sink', { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await channel.bindQueue('event.sink', 'clowder.metrics', '');
    const commands = block('journal drain')
      .replace('amqp://guest:guest@127.0.0.1:5672', node.url)
      .replace('/mnt/collector-2', collector.dataDir);
    expect(await run(commands)).toContain('{"confirmed":1,"still held":0}');
    await channel.deleteQueue('event.sink');
    await broker.close();
  });

  test('declares a quorum queue, and policies that RabbitMQ applies', async () => {
    await run(block('rabbitmqadmin declare'));
    await run(block('set_policy events'));
    const listed = await run('rabbitmqctl list_queues --silent name type policy');
    expect(listed).toContain('event.sink\tquorum\tevents');
    expect(await run('rabbitmqctl list_policies --silent')).toMatch(/mirrored\t.*"ha-mode":"exactly"/);
    expect(await run('rabbitmqctl environment')).toContain('{cluster_partition_handling,pause_minority}');
  });

  test('has lines for monitor.yaml that the monitor accepts', () => {
    const text = `probes: [{ name: clowder, type: tcp, host: clowder, port: 9000 }]\n${block('pair: {').replace('USER:PASSWORD', 'me:secret')}`;
    expect(parseMonitorConfig(text, {}).pair?.urls).toEqual(['amqp://me:secret@rabbitmq:5672/']);
  });
});
