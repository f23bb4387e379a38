import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCliToEnd } from '../support/collector-process.ts';
import { startOtlpSink, type OtlpSink } from '../support/otlp-sink.ts';
import { startProxyProcess, type ProxyProcess } from '../support/proxy-process.ts';
import { connectRaw, exchangeRaw } from '../support/raw-http.ts';
import { waitFor } from '../support/wait-for.ts';

const FILE = '64a1f0c2e4b0d3a9c8f7b6a5';
const REQUESTS = 40;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;

let clowder: Server;
let target: string;
let sink: OtlpSink;
let proxy: ProxyProcess;
let port: number;
/** Pending answers to `/held`. */
const held: ServerResponse[] = [];

const start = (env: Readonly<Record<string, string>> = {}): Promise<ProxyProcess> =>
  startProxyProcess({
    target,
    otlpUrl: sink.url,
    flags: ['--clowder', 'v1', '--workers', '2', '--log-level', 'info'],
    env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json', OTEL_TRACES_EXPORTER: 'none', ...env },
  });

beforeAll(async () => {
  sink = await startOtlpSink();
  clowder = createServer((request, response) => {
    if (request.url?.startsWith('/held') === true) held.push(response);
    else response.end('ok');
  }).listen(0, '127.0.0.1');
  await once(clowder, 'listening');
  const address = clowder.address();
  target = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  proxy = await start();
  port = Number(new URL(proxy.url).port);
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  clowder.closeAllConnections();
  clowder.close();
  await sink[Symbol.asyncDispose]();
});

async function workersOf(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.trim().split(' ').filter(Boolean).map(Number);
}
const isGone = (pid: number): Promise<boolean> =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    (stat) => /\) [ZX] /.test(stat),
    () => true,
  );

const figures = async () => (await fetch(`${proxy.adminUrl}/metrics`)).text();
const figure = async (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(await figures())?.[1]);
const readiness = async () => {
  const response = await fetch(`${proxy.adminUrl}/readyz`);
  return { status: response.status, body: (await response.json()) as object };
};

describe('a proxy of two workers', () => {
  it('is one proxy: both answer, every request has an id of its own, and metrics cover all workers', async () => {
    const answers = await Promise.all(
      Array.from({ length: REQUESTS }, (_, index) => exchangeRaw(port, get(`/api/files/${FILE}/blob?n=${index}`))),
    );
    const marks = answers.map(({ text }) => /X-Clowder-Captured: (\w+)/.exec(text)?.[1]);
    expect(new Set(marks).size).toBe(REQUESTS);
    expect(await workersOf(proxy.pid)).toHaveLength(2);
    expect(await figure('clowder_otel_proxy_answers_total')).toBe(REQUESTS);
    expect(await figures()).toMatch(/^process_resident_memory_bytes \d/m);
    const eventsOf = () => sink.requests.filter(({ path }) => path === '/v1/logs').length;
    await waitFor(() => eventsOf() >= 2, { what: 'the events of both' });
    await waitFor(async () => (await figure('clowder_otel_proxy_events_waiting')) === 0, {
      what: 'all events to be sent',
    });
    expect(await readiness()).toMatchObject({
      status: 200,
      body: { checks: { workers: { ok: true }, clowder: { ok: true }, collector: { ok: true, events_waiting: 0 } } },
    });
  });

  it('goes on when a worker is killed, and replaces it', async () => {
    const [killed = 0, other] = await workersOf(proxy.pid);
    process.kill(killed, 'SIGKILL');
    await waitFor(async () => !(await workersOf(proxy.pid)).includes(killed), { what: 'the worker to be gone' });
    for (let turn = 0; turn < 5; turn += 1) expect((await exchangeRaw(port, get('/'))).text).toMatch(/ok$/);
    await waitFor(async () => (await workersOf(proxy.pid)).length === 2 && (await readiness()).status === 200, {
      what: 'another worker',
    });
    await waitFor(async () => JSON.stringify((await readiness()).body).includes('"workers":{"ok":true}'), {
      what: 'both to serve',
    });
    expect(await workersOf(proxy.pid)).toContain(other);
    expect(proxy.output()).toMatch(/"signal":"SIGKILL".*a worker of the proxy ended; another takes its place/);
  });

  it('reads its settings once for all workers: an address in use or a wrong setting is reported once', async () => {
    const flags = ['proxy', '--target', target, '--workers', '3', '--listen'];
    const taken = await runCliToEnd([...flags, `127.0.0.1:${port}`]);
    expect(taken.code).toBe(1);
    expect(taken.stderr.match(/is in use by another program/g)).toHaveLength(1);
    const wrong = await runCliToEnd(['proxy', '--workers', '0']);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/PROXY_WORKERS was "0"/) });
  });

  it('keeps its limits: the workers together have no more connections than the proxy may', async () => {
    await using limited = await start({ PROXY_MAX_CONNECTIONS: '4' });
    // So many that each worker gets more than its share, however the kernel spreads them.
    const clients = await Promise.all(
      Array.from({ length: 48 }, () => connectRaw(Number(new URL(limited.url).port)).catch(() => undefined)),
    );
    const served = await Promise.all(
      clients.map(async (client) => {
        client?.send('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
        return (await client?.until('ok').catch(() => undefined)) === undefined ? 0 : 1;
      }),
    );
    expect(served.reduce<number>((sum, one) => sum + one, 0)).toBe(4);
    for (const client of clients) client?.socket.destroy();
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'whose first process gets %s finishes what is in flight, sends what it saw, and leaves no process behind',
    async (signal) => {
      const ending = await start();
      const pids = await workersOf(ending.pid);
      expect(pids).toHaveLength(2);
      const answer = exchangeRaw(Number(new URL(ending.url).port), get(`/held-${signal}`));
      await waitFor(() => held.length > 0, { what: 'a request in flight' });
      const exited = ending.kill(signal);
      await waitFor(
        async () =>
          (await exchangeRaw(Number(new URL(ending.url).port), get('/')).catch(() => undefined)) === undefined,
        {
          what: 'the listener to be gone',
        },
      );
      held.pop()?.end('late');
      expect((await answer).text).toMatch(/late$/);
      expect(await exited).toMatchObject(signal === 'SIGTERM' ? { code: 0 } : { signal });
      for (const pid of pids) await waitFor(() => isGone(pid), { what: `worker ${pid} to be gone` });
    },
  );
});
