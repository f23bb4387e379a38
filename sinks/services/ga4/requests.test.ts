import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyEvents, eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { GA4_SETTINGS, Ga4Property } from '../../../test/support/sinks/ga4-server.ts';
import type { SinkEvent } from '../../sink.ts';
import { bodyOf, divide, type Ga4Request } from './requests.ts';
import { runs } from '../../../test/support/form.ts';

const NOW_MS = 1_760_000_000_000;
const createdMs = { min: NOW_MS - 71 * 3_600_000, max: NOW_MS };

const event = (id: string, client: string, resource = ''): SinkEvent =>
  eventOf('file.uploaded', { client_id: client }, { id, resource });
const shown = (requests: readonly Ga4Request[]): readonly string[] =>
  requests.map(({ client, events, wave }) => `${wave} ${client.client_id}: ${events.map(({ id }) => id).join(' ')}`);

describe('a batch for Google Analytics', () => {
  test('is divided by client', () => {
    expect(shown(divide([event('1', 'a'), event('2', 'b'), event('3', 'a')]))).toEqual(['0 a: 1 3', '0 b: 2']);
  });

  test('goes in waves if several clients acted on one resource', () => {
    const batch = [
      event('1', 'a', 'file/1'),
      event('2', 'b', 'file/1'),
      event('3', 'a', 'file/1'),
      event('4', 'a', 'file/2'),
    ];
    expect(shown(divide(batch))).toEqual(['0 a: 1', '1 b: 2', '2 a: 3 4']);
  });

  test('has at most 25 events of a client in a request', () => {
    const batch = Array.from({ length: 60 }, (_, index) => event(String(index), 'a'));
    expect(divide(batch).map(({ events }) => events.length)).toEqual([25, 25, 10]);
  });

  test('keeps the users of one client apart', () => {
    const batch = ['u1', 'u2'].map((user) => eventOf('user.login', { client_id: 'c', user_id: user }, { id: user }));
    expect(divide(batch)).toHaveLength(2);
  });

  test('loses nothing, keeps every limit and the order of each resource, whatever it holds', () => {
    const property = new Ga4Property(() => NOW_MS);
    fc.assert(
      fc.property(anyEvents({ createdMs }, 30), (batch) => {
        const requests = divide(batch).toSorted((a, b) => a.wave - b.wave);
        for (const request of requests) {
          const path = `/mp/collect?${new URLSearchParams(GA4_SETTINGS).toString()}`;
          property.handle({ method: 'POST', path, headers: {}, body: Buffer.from(bodyOf(request)) });
        }
        expect(property.complaints).toEqual([]);
        expect(property.stored.splice(0)).toHaveLength(batch.length);
        for (const resource of new Set(batch.map((one) => one.resource).filter((one) => one !== ''))) {
          const idsOf = (events: readonly SinkEvent[]): readonly string[] =>
            events.filter((one) => one.resource === resource).map(({ id }) => id);
          expect(idsOf(requests.flatMap(({ events }) => events))).toEqual(idsOf(batch));
          const waves = requests.filter(({ events }) => idsOf(events).length > 0).map(({ wave }) => wave);
          expect(new Set(waves).size).toBe(waves.length);
        }
      }),
      runs(60),
    );
  });

  test('stays below 130 kB if 25 events are larger', () => {
    const long = Object.fromEntries(
      Array.from({ length: 24 }, (_, index) => [`${'n'.repeat(38)}${index}`, '\u0000'.repeat(100)]),
    );
    const batch = Array.from({ length: 25 }, (_, index) =>
      eventOf('view.page', { client_id: 'c', ...long }, { id: String(index) }),
    );
    const requests = divide(batch);
    expect(requests.length).toBeGreaterThan(1);
    for (const request of requests) expect(Buffer.byteLength(bodyOf(request))).toBeLessThan(130_000);
    expect(requests.flatMap(({ events }) => events)).toEqual(batch);
  });
});
