import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startAdmin, type Admin } from './admin.ts';

let admin: Admin;
let url = '';

beforeEach(async () => {
  const lane = { sent: 0, rejected: 2, retries: 1, problem: 'HTTP 503' };
  const common = { component: 'rabbitmq', probe: 'rabbitmq', measures: {} };
  admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    latest: () => [
      {
        ...common,
        target: 'event.sink',
        healthy: true,
        fields: { queue_length: 5, response_time_ms: 250, memory_alarm: false },
      },
      { ...common, target: 'none', healthy: false, fields: {} },
    ],
    stats: () => ({
      spool: { rows: 3, bytes: 400, maxBytes: 1000, refused: 1, unwritten: 0 },
      lanes: { logs: lane, metrics: { ...lane, rejected: 0, problem: '' } },
      lost: { logs: 4, metrics: 5 },
    }),
  });
  url = `http://127.0.0.1:${admin.port}`;
});
afterEach(() => admin.stop());

describe('the listener of the monitor', () => {
  it('says at /healthz how the monitor itself is', async () => {
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

  it('gives Prometheus the latest readings', async () => {
    const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
    const of = (target: string): string => `{probe="rabbitmq",component="rabbitmq",target="${target}"}`;
    expect(lines).toEqual(
      expect.arrayContaining([
        `clowder_monitor_up${of('event.sink')} 1`,
        `clowder_monitor_up${of('none')} 0`,
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

  it('has nothing else', async () => {
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(405);
  });
});
