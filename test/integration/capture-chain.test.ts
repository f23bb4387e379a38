import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { startProxyProcess } from '../support/proxy-process.ts';
import { startRegistered } from '../support/registered-server.ts';
import { startStandIn, type StandIn } from '../support/stand-in.ts';
import { waitFor } from '../support/wait-for.ts';
import { seedId } from '../stand-in/seeds.ts';

const FILE = seedId('file', 200);
/** The default: no caller's trace is continued, and no caller's word about the client is trusted. */
const DEFAULTS = { TRUSTED_PROXIES: '' } as const;

let collector: CollectorProcess;
let standIn: StandIn;

beforeAll(async () => {
  collector = await startCollector({
    amqpUrl: 'amqp://127.0.0.1:1',
    env: { CLOWDER_VERSION: 'v1', WAIT_FOR_CAPTURE_S: '5' },
  });
  standIn = await startStandIn('v1', { otlpUrl: collector.url });
});
afterAll(async () => {
  await standIn.stop();
  await collector.stop();
});

async function eventsOf(userAgent: string): Promise<readonly Record<string, unknown>[]> {
  const { events } = (await (await fetch(`${collector.url}/api/v1/events?limit=1000`)).json()) as {
    readonly events: readonly Record<string, unknown>[];
  };
  return events.filter((event) => event['user_agent'] === userAgent);
}

async function nothingWaits(): Promise<boolean> {
  const metrics = await (await fetch(`${collector.url}/metrics`)).text();
  return /^clowder_otel_waiting_observations 0$/m.test(metrics);
}

/** Ten downloads within one trace of the client, then their events. */
async function downloadsThrough(url: string, userAgent: string, stop: () => Promise<unknown>) {
  const headers = { 'user-agent': userAgent, traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  for (let count = 0; count < 10; count += 1) {
    const answer = await fetch(`${url}/api/files/${FILE}/blob`, { headers });
    expect([answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([200, 1200]);
  }
  await stop();
  await waitFor(async () => (await eventsOf(userAgent)).length >= 10, { what: 'an event of each download' });
  await waitFor(nothingWaits, { what: 'no observation to wait' });
  return eventsOf(userAgent);
}

const inner = () => ({ otlpUrl: collector.url, target: standIn.url, flags: ['--clowder', 'v1'], env: DEFAULTS });

describe('a request seen by two captures is one event', () => {
  test('behind two proxies in a row', async () => {
    await using behind = await startProxyProcess(inner());
    await using front = await startProxyProcess({ ...inner(), target: behind.url });
    const events = await downloadsThrough(front.url, 'two proxies', async () => {
      await front.kill();
      await behind.kill();
    });
    expect(events).toHaveLength(10);
    expect(events.filter(({ recovered }) => recovered === true)).toEqual([]);
  });

  test('behind a proxy and an instrumented server', async () => {
    await using server = await startRegistered('http-proxy.mjs', {
      sink: collector.url,
      target: standIn.url,
      env: DEFAULTS,
    });
    await using front = await startProxyProcess({ ...inner(), target: server.url });
    const events = await downloadsThrough(front.url, 'a proxy and a server', async () => {
      await front.kill();
      await server.kill();
    });
    expect(events).toHaveLength(10);
    expect(events.filter(({ recovered }) => recovered === true)).toEqual([]);
  });
});
