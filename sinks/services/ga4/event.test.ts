import { describe, expect, test } from 'vitest';
import { eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { clientOf, toGa4, tooOld } from './event.ts';

describe('an event for Google Analytics', () => {
  test('has a valid name, its own time, and the id that distinguishes it', () => {
    expect(
      toGa4(
        eventOf('file.uploaded', { resource_type: 'file', file_id: 'f1', bytes: 12, size: 12, category: 'upload' }),
      ),
    ).toEqual({
      name: 'file_uploaded',
      timestamp_micros: 1_760_000_000_123_000,
      params: { event_id: 'e-1', session_id: expect.any(Number), resource_type: 'file', file_id: 'f1', bytes: 12 },
    });
  });

  test.each([
    ['view.page', 'view_page'],
    ['page.view', 'clowder_page_view'],
    ['session_start', 'clowder_session_start'],
    ['ga_session', 'clowder_ga_session'],
    ['1st', 'clowder_1st'],
    ['ünïcode', 'clowder__n_code'],
    ['x'.repeat(50), 'x'.repeat(40)],
  ])('of the type %s is called %s', (type, name) => {
    expect(toGa4(eventOf(type)).name).toBe(name);
  });

  test('gives pages to the parameters that reports know, within their allowed length', () => {
    const { params } = toGa4(
      eventOf('view.page', {
        url: `https://c.example/${'p'.repeat(2000)}`,
        referrer: 'r'.repeat(500),
        title: 't'.repeat(400),
      }),
    );
    const { session_id: _session, ...others } = params;
    expect(Object.entries(others).map(([name, value]) => [name, String(value).length])).toEqual([
      ['event_id', 3],
      ['page_location', 1000],
      ['page_referrer', 420],
      ['page_title', 300],
    ]);
  });

  test('has no reserved parameters and no values that are too long', () => {
    const { params } = toGa4(
      eventOf('view.page', {
        currency: 'EUR',
        page_location: 'mine',
        _private: true,
        message: 'm'.repeat(200),
        status: '',
      }),
    );
    expect(params).toEqual({
      event_id: 'e-1',
      session_id: expect.any(Number),
      clowder_currency: 'EUR',
      clowder_page_location: 'mine',
      clowder__private: 'true',
      message: 'm'.repeat(100),
    });
  });

  test('drops the least useful ones if it has more than 25 parameters', () => {
    const many = Object.fromEntries(Array.from({ length: 23 }, (_, index) => [`figure_${index}`, index]));
    const names = Object.keys(toGa4(eventOf('health.ping', { trace_id: 't', source: 'monitor', ...many })).params);
    expect(names).toEqual(['event_id', 'session_id', ...Object.keys(many)]);
  });

  test('counts as a visit if it came from a browser, with a number as its session', () => {
    const { params } = toGa4(eventOf('view.page', { client_kind: 'browser', session_id: 'abc' }));
    expect(params).toEqual({
      event_id: 'e-1',
      session_id: expect.any(Number),
      engagement_time_msec: 1,
      client_kind: 'browser',
    });
    expect(toGa4(eventOf('view.page', { session_id: 'abc' })).params['session_id']).toBe(params['session_id']);
    expect(toGa4(eventOf('view.page', { client_kind: 'extractor' })).params).not.toHaveProperty('engagement_time_msec');
  });

  test('has a session by client and hour if none is known, so that Google counts a visit', () => {
    const hour = Date.UTC(2026, 10, 24, 9);
    const session = (fields: Record<string, string>, minute: number) =>
      toGa4(eventOf('view.resource', fields, { createdMs: hour + minute * 60_000 })).params['session_id'];
    const first = session({ client_id: 'c' }, 0);
    expect(first).toBe(session({ client_id: 'c' }, 59));
    expect(new Set([first, session({ client_id: 'c' }, 60), session({ client_id: 'd' }, 0)]).size).toBe(3);
    expect(Number.isSafeInteger(first)).toBe(true);
    expect(session({ client_id: 'c', session_id: 's' }, 0)).toBe(session({ session_id: 's' }, 600));
  });

  test('belongs to its client, and to its user if the policy allows one', () => {
    expect(clientOf(eventOf('view.page', { client_id: 'c', user_id: 'u' }))).toEqual({ client_id: 'c', user_id: 'u' });
    expect(clientOf(eventOf('health.ping'))).toEqual({ client_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  test('is too old after 72 hours, as Google would give it another time', () => {
    const event = eventOf('view.page');
    const hours = (count: number): number => event.createdMs + count * 3_600_000;
    expect(tooOld(event, hours(71.9))).toBeUndefined();
    expect(tooOld(event, hours(72))).toBe(
      'Google Analytics takes no event that is older than 72 hours: it happened at 2025-10-09T08:53:20.123Z',
    );
  });
});
