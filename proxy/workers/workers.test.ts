import { describe, expect, it } from 'vitest';
import { parseProxySettings } from '../settings.ts';
import { readinessOfAll } from './readiness.ts';
import { shareOf } from './share.ts';

describe('the settings of a worker', () => {
  it('have its share of each limit, at least one, and no admin listener; an unlimited setting stays unlimited', () => {
    const whole = parseProxySettings({
      PROXY_ADMIN: '127.0.0.1:8001',
      PROXY_MAX_CONNECTIONS: '10',
      PROXY_MAX_CONNECTIONS_PER_ADDRESS: '2',
      PROXY_MAX_REQUESTS_PER_ADDRESS: '0',
      PROXY_MAX_HEADER_BYTES: '4096',
    });
    const share = shareOf(whole, 3, 8123);
    expect(share).toMatchObject({
      PROXY_MAX_CONNECTIONS: 3,
      PROXY_MAX_CONNECTIONS_PER_ADDRESS: 1,
      PROXY_MAX_REQUESTS_PER_ADDRESS: 0,
      PROXY_MAX_TARGET_CONNECTIONS: 1365,
      PROXY_MAX_HEADER_BYTES: 4096,
      PROXY_LISTEN: { host: '127.0.0.1', port: 8123 },
    });
    expect(share.PROXY_ADMIN).toBeUndefined();
    expect(shareOf(parseProxySettings({}), 3, 1).PROXY_MAX_CONNECTIONS).toBeUndefined();
  });
});

describe('the readiness of several workers', () => {
  const one = (ok: boolean, collector: object) => ({
    ready: ok,
    body: { checks: { clowder: ok ? { ok } : { ok, reason: 'ECONNREFUSED' }, collector } },
  });

  it('sums up their figures, and is ready if all are ready', () => {
    const told = [
      one(true, { events_waiting: 2, events_lost: 0 }),
      one(true, { ok: true, events_waiting: 3, events_lost: 1 }),
    ];
    expect(readinessOfAll(told, 2)).toEqual({
      ready: true,
      body: {
        status: 'ready',
        checks: {
          workers: { ok: true },
          clowder: { ok: true },
          collector: { ok: true, events_waiting: 5, events_lost: 1 },
        },
      },
    });
  });

  it('reports what is wrong in one of them', () => {
    const told = [one(false, { ok: false, reason: 'HTTP 503' }), one(true, { ok: true })];
    expect(readinessOfAll(told, 2)).toMatchObject({
      ready: false,
      body: {
        checks: { clowder: { ok: false, reason: 'ECONNREFUSED' }, collector: { ok: false, reason: 'HTTP 503' } },
      },
    });
  });

  it('reports a missing worker, and is ready while another one serves', () => {
    for (const [told, reason] of [
      [[one(true, {})], '1 of 2 are being started'],
      [[one(true, {}), 'a worker does not answer'], 'a worker does not answer'],
    ] as const)
      expect(readinessOfAll(told, 2)).toMatchObject({
        ready: true,
        body: { checks: { workers: { ok: false, reason } } },
      });
    expect(readinessOfAll([], 2)).toMatchObject({ ready: false, body: { status: 'unavailable' } });
  });
});
