import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpServer } from '../runtime/listener.ts';
import { startAdmin } from '../runtime/admin.ts';
import { adminPages } from './admin.ts';
import type { TelemetryStats } from './telemetry/telemetry.ts';

let admin: HttpServer;
let problem = '';
let url = '';

beforeEach(async () => {
  const lane = { sent: 0, rejected: 2, retries: 1, problem: '' };
  problem = 'HTTP 503';
  const common = { component: 'rabbitmq', probe: 'rabbitmq', measures: {}, atMs: Date.UTC(2026, 10, 29) };
  const latest = () => [
    {
      ...common,
      target: 'event.sink',
      healthy: true,
      fields: { queue_length: 5, response_time_ms: 250, memory_alarm: false },
    },
    { ...common, target: 'none', healthy: false, fields: {} },
  ];
  const stats = (): TelemetryStats => ({
    spool: { rows: 3, bytes: 400, maxBytes: 1000, refused: 1, unwritten: 0 },
    lanes: { logs: { ...lane, problem }, metrics: { ...lane, rejected: 0, problem: '' } },
    lost: { logs: 4, metrics: 5 },
  });
  admin = await startAdmin({ host: '127.0.0.1', port: 0 }, adminPages(latest, stats));
  url = admin.url;
});
afterEach(() => admin.close());

describe("the monitor's listener", () => {
  it("reports the monitor's own state at /healthz", async () => {
    const response = await fetch(`${url}/healthz`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      status: 'ok',
      targets: 2,
      down: 1,
      spool: { requests: 3, bytes: 400, max_bytes: 1000, refused: 1 },
      problem: 'HTTP 503',
      lost: 9,
    });
  });

  it('says at /readyz whether its telemetry is accepted, and if not, why', async () => {
    const waiting = await fetch(`${url}/readyz`);
    expect([waiting.status, await waiting.json()]).toEqual([
      503,
      { status: 'degraded', checks: { receiver: { ok: false, reason: 'HTTP 503' } } },
    ]);
    problem = '';
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', checks: { receiver: { ok: true } } }]);
  });

  it('gives Prometheus the latest readings', async () => {
    const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
    const of = (target: string): string => `{probe="rabbitmq",component="rabbitmq",target="${target}"}`;
    expect(lines).toEqual(
      expect.arrayContaining([
        `clowder_monitor_up${of('event.sink')} 1`,
        `clowder_monitor_up${of('none')} 0`,
        `clowder_monitor_reading_timestamp_seconds${of('none')} ${Date.UTC(2026, 10, 29) / 1000}`,
        `clowder_monitor_queue_messages${of('event.sink')} 5`,
        `clowder_monitor_response_time_seconds${of('event.sink')} 0.25`,
        `clowder_monitor_rabbitmq_memory_alarm${of('event.sink')} 0`,
        'clowder_monitor_spool_size_bytes 400',
        'clowder_monitor_telemetry_lost 9',
        'clowder_monitor_telemetry_rejected 2',
      ]),
    );
    expect(lines.filter((line) => line.startsWith('clowder_monitor_queue_messages{'))).toHaveLength(1);
  });

  it('serves nothing else', async () => {
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405);
  });
});
