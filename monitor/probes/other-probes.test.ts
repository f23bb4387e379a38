import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseMonitorConfig } from '../config/load.ts';
import { turnOf } from '../probe-runner.ts';
import type { Probe, Reading } from '../reading.ts';
import { createProbe } from './create-probe.ts';
import { parsePing, pingProbe } from './ping.ts';
import { managementClient } from './rabbitmq-management.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'probes-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const never = new AbortController().signal;

async function readOf(probe: Probe): Promise<Reading | undefined> {
  const [reading] = await turnOf(probe, { timeoutMs: 5000, retries: 0, retryPauseMs: 0 }, never);
  return reading;
}

function read(yaml: string): Promise<Reading | undefined> {
  const [probe] = parseMonitorConfig(`probes: [{name: it, ${yaml}}]`, {}).probes.map(createProbe);
  if (probe === undefined) throw new Error('no probe');
  return readOf(probe);
}

describe('a tcp probe', () => {
  it('says whether a program listens, and how long connecting took', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const yaml = `type: tcp, host: 127.0.0.1, port: ${port}`;
    expect(await read(yaml)).toMatchObject({
      target: `127.0.0.1:${port}`,
      healthy: true,
      measures: { connect_time_ms: expect.any(Number), response_time_ms: expect.any(Number) },
    });
    server.close();
    await once(server, 'close');
    expect(await read(yaml)).toMatchObject({ healthy: false, error: `connect ECONNREFUSED 127.0.0.1:${port}` });
  });
});

describe('a disk probe', () => {
  it('gives free and used space', async () => {
    const reading = await read(`type: disk, path: "${dir}", max_used: 100`);
    const { disk_free_bytes: free, disk_total_bytes: total, disk_used_percent: used } = reading?.measures ?? {};
    expect(reading?.healthy).toBe(true);
    expect(Number(free)).toBeGreaterThan(0);
    expect(Number(total)).toBeGreaterThanOrEqual(Number(free));
    expect(Number(used)).toBeGreaterThanOrEqual(0);
    expect(Number(used)).toBeLessThanOrEqual(100);
  });

  it('is bad if too little is free, or if the path does not exist', async () => {
    const bad = await read(`type: disk, path: "${dir}", min_free: 9000TB`);
    expect(bad).toMatchObject({
      healthy: false,
      error: expect.stringMatching(/^\d+ bytes are free, fewer than 9000000000000000$/),
    });
    expect(await read('type: disk, path: /nowhere')).toMatchObject({
      healthy: false,
      error: expect.stringContaining('ENOENT'),
    });
  });
});

describe('a file_write probe', () => {
  it('writes, reads and leaves nothing behind', async () => {
    expect(await read(`type: file_write, path: "${dir}"`)).toMatchObject({ target: dir, healthy: true });
    expect(readdirSync(dir).filter((name) => name.startsWith('.clowder'))).toEqual([]);
    expect(await read(`type: file_write, path: "${dir}/none"`)).toMatchObject({ healthy: false });
  });
});

describe('a ping probe', () => {
  it.each([
    [
      'iputils',
      '5 packets transmitted, 4 received, 20% packet loss, time 4005ms\nrtt min/avg/max/mdev = 0.041/10.611/20.912/0.012 ms\n',
      {
        response_time_min: 0,
        response_time_avg: 11,
        response_time_max: 21,
        response_time_ms: 10.611,
        response_time_loss: 20,
      },
    ],
    [
      'busybox',
      '5 packets transmitted, 5 packets received, 0% packet loss\nround-trip min/avg/max = 1.2/2.6/3.4 ms\n',
      {
        response_time_min: 1,
        response_time_avg: 3,
        response_time_max: 3,
        response_time_ms: 2.6,
        response_time_loss: 0,
      },
    ],
    ['no answer', '5 packets transmitted, 0 received, 100% packet loss, time 4101ms\n\n', { response_time_loss: 100 }],
  ])('understands the output of %s', (_which, output, measures) => {
    expect(parsePing(output)).toEqual(measures);
  });

  it('is good up to the allowed loss, and says what is missing if there is no ping command', async () => {
    const command = join(dir, 'ping');
    writeFileSync(command, '#!/bin/sh\necho "$2 packets transmitted, 1 received, 80% packet loss, time 1ms"\nexit 1\n');
    chmodSync(command, 0o755);
    const settings = parseMonitorConfig('probes: [{name: p, type: ping, host: h, max_loss: 50}]', {}).probes[0];
    if (settings?.type !== 'ping') throw new Error('no ping');
    expect(await readOf(pingProbe(settings, command))).toMatchObject({
      healthy: false,
      error: '80 % of 5 packets were lost',
    });
    expect(await readOf(pingProbe({ ...settings, max_loss: 90 }, command))).toMatchObject({ healthy: true });
    expect(await readOf(pingProbe(settings, join(dir, 'no-ping')))).toMatchObject({
      healthy: false,
      error: expect.stringContaining('ENOENT'),
    });
  });
});

describe('the management API', () => {
  const answers: Record<string, unknown> = {
    '/api/overview': {
      rabbitmq_version: '3.10.8',
      message_stats: { publish_details: { rate: 4.5 } },
      object_totals: { connections: 7 },
    },
    '/api/nodes': [
      { name: 'a', running: true, mem_alarm: true, disk_free_alarm: false, uptime: 90_000 },
      { name: 'b', running: true, mem_alarm: false, disk_free_alarm: false, uptime: 60_000 },
    ],
    '/api/connections?columns=state': [{ state: 'running' }, { state: 'blocked' }, { state: 'blocking' }],
    '/api/queues/%2F/event.sink': { messages_unacknowledged: 3, message_stats: { deliver_get_details: { rate: 1.5 } } },
  };

  it('adds alarms, connections and rates, and reports its own failures', async () => {
    const asked: (string | undefined)[] = [];
    const server = createHttpServer((request, response) => {
      asked.push(request.headers.authorization);
      const answer = answers[request.url ?? ''];
      response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
    const client = managementClient({ url, user: 'bob', password: 'b0b' }, '/');
    expect(await client.broker(never)).toEqual({
      error: 'memory alarm of a',
      measures: {
        version: '3.10.8',
        publish_rate: 4.5,
        deliver_rate: undefined,
        memory_alarm: true,
        disk_alarm: false,
        broker_connections: 7,
        blocked_connections: 2,
        reported_uptime_s: 60,
      },
    });
    expect((await client.queue('event.sink', never)).measures).toEqual({
      messages_unacknowledged: 3,
      deliver_rate: 1.5,
      publish_rate: undefined,
    });
    expect(await client.queue('none', never)).toEqual({
      error: 'the management API: HTTP 404 of /api/queues/%2F/none',
      measures: {},
    });
    expect(new Set(asked)).toEqual(new Set([`Basic ${Buffer.from('bob:b0b').toString('base64')}`]));
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    expect(await client.broker(never)).toMatchObject({
      error: expect.stringMatching(/^the management API: .*ECONNREFUSED/),
    });
  });
});
