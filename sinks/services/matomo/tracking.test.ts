import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyEvents, eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { MATOMO_SITE, MATOMO_TOKEN, MatomoInstance } from '../../../test/support/sinks/matomo-server.ts';
import type { SinkEvent } from '../../sink.ts';
import { bulkOf, sizeIn, trackingRequest } from './tracking.ts';
import { runs } from '../../../test/support/form.ts';

const options = { siteId: MATOMO_SITE, dimensions: {} };
const NOW_MS = 1_760_000_000_000;
const COMMON = new Set(['idsite', 'rec', 'apiv', 'rand', 'bots', 'cdt', 'cid', 'cip']);

const parametersOf = (event: SinkEvent): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(trackingRequest(event, options).slice(1)));
/** The parameters that not every request has. */
const ownOf = (event: SinkEvent): Record<string, string> =>
  Object.fromEntries(Object.entries(parametersOf(event)).filter(([name]) => !COMMON.has(name)));

describe('an event for Matomo', () => {
  test('has the website, the time in seconds, a visitor, and no unknown address', () => {
    expect(parametersOf(eventOf('user.login', { client_id: 'c' }))).toEqual({
      idsite: '7',
      rec: '1',
      apiv: '1',
      rand: 'e-1',
      bots: '1',
      cdt: '1760000000',
      cid: expect.stringMatching(/^[0-9a-f]{16}$/),
      cip: '0.0.0.0',
      ca: '1',
      e_c: 'user',
      e_a: 'login',
    });
  });

  test.each<[string, SinkEvent, Record<string, string>]>([
    [
      'a page',
      eventOf('view.page', { url: 'https://c.example/search?q=a b', title: 'Search', referrer: 'https://c.example/' }),
      { url: 'https://c.example/search?q=a b', action_name: 'Search', urlref: 'https://c.example/' },
    ],
    [
      'the page of a resource',
      eventOf('view.resource', { url: 'https://c.example/files/f1', resource_name: 'a.csv', resource_id: 'f1' }),
      { url: 'https://c.example/files/f1', action_name: 'a.csv' },
    ],
    [
      'a page without a known URL',
      eventOf('view.resource', { resource_type: 'file', resource_id: 'f1' }),
      { ca: '1', e_c: 'view', e_a: 'resource', e_n: 'f1' },
    ],
    [
      'a download',
      eventOf('view.download', { url: 'https://c.example/files/f1/blob', bytes: 5 }),
      { url: 'https://c.example/files/f1/blob', download: 'https://c.example/files/f1/blob' },
    ],
    [
      'a download without a known URL',
      eventOf('view.download', { resource_id: 'f1', bytes: 5 }),
      { ca: '1', e_c: 'view', e_a: 'download', e_n: 'f1', e_v: '5' },
    ],
    [
      'an upload',
      eventOf('file.uploaded', { file_name: 'a.csv', bytes: 12 }),
      { ca: '1', e_c: 'file', e_a: 'uploaded', e_n: 'a.csv', e_v: '12' },
    ],
    [
      'an extraction',
      eventOf('extraction.done', { extractor_name: 'ocr', duration_ms: 1.5 }),
      { ca: '1', e_c: 'extraction', e_a: 'done', e_n: 'ocr', e_v: '1.5' },
    ],
    [
      'a reading of health',
      eventOf('health.ping', { component: 'mongo', response_time_ms: 3 }),
      { ca: '1', e_c: 'health', e_a: 'ping', e_n: 'mongo', e_v: '3' },
    ],
    [
      'a window of connections',
      eventOf('health.connections', { component: 'nginx', requests: 9 }),
      { ca: '1', e_c: 'health', e_a: 'connections', e_n: 'nginx', e_v: '9' },
    ],
    [
      'a user',
      eventOf('user.login', { user_id: 'u', user_agent: 'Firefox' }),
      { uid: 'u', ua: 'Firefox', ca: '1', e_c: 'user', e_a: 'login' },
    ],
  ])('that is %s', (_title, event, expected) => {
    expect(ownOf(event)).toEqual(expected);
  });

  test('has the address that the policy allows, if it is one', () => {
    const addressOf = (address: string): string | undefined =>
      parametersOf(eventOf('view.page', { client_address: address }))['cip'];
    expect(['192.0.2.0', '2001:db8::', 'a-hash'].map(addressOf)).toEqual(['192.0.2.0', '2001:db8::', '0.0.0.0']);
  });

  test('shows fields in custom dimensions', () => {
    const query = trackingRequest(eventOf('user.login', { client_kind: 'api' }), {
      siteId: 1,
      dimensions: { event_id: 3, client_kind: 4, user_name: 5 },
    });
    expect(query).toContain('dimension3=e-1&dimension4=api');
    expect(query).not.toContain('dimension5');
  });

  test('is accepted whatever it holds, and takes exactly the bytes that were counted', () => {
    const instance = new MatomoInstance(() => NOW_MS);
    fc.assert(
      fc.property(anyEvents({ createdMs: { min: 946_684_800_000, max: NOW_MS } }, 10), (batch) => {
        const body = bulkOf(
          MATOMO_TOKEN,
          batch.map((event) => trackingRequest(event, options)),
        );
        const counted = batch
          .map(sizeIn(options))
          .reduce((sum, size) => sum + size, Buffer.byteLength(bulkOf(MATOMO_TOKEN, [])));
        expect(Buffer.byteLength(body)).toBe(counted - 1);
        const answer = instance.handle({
          method: 'POST',
          path: '/matomo/matomo.php',
          headers: {},
          body: Buffer.from(body),
        });
        expect(JSON.parse(String(answer.body))).toEqual({
          status: 'success',
          tracked: batch.length,
          invalid: 0,
          invalid_indices: [],
        });
        expect(instance.complaints).toEqual([]);
      }),
      runs(60),
    );
  });
});
