import { describe, expect, it } from 'vitest';
import { details, headline, span, type Notification } from './notification.ts';

const down: Notification = {
  id: '1',
  kind: 'down',
  probe: 'health check',
  component: 'clowder',
  target: 'https://clowder.example/healthz',
  sinceMs: Date.UTC(2026, 0, 1),
  atMs: Date.UTC(2026, 0, 1),
  downForS: 0,
  error: 'HTTP 500',
  measures: { status_code: 500, response_time_ms: 12 },
};

describe('the text for people', () => {
  it('is one line with what, where and why', () => {
    expect(headline(down)).toBe('clowder is down (https://clowder.example/healthz): HTTP 500');
    expect(headline({ ...down, kind: 'still_down', downForS: 7200 })).toBe(
      'clowder is still down after 2 h (https://clowder.example/healthz): HTTP 500',
    );
    expect(headline({ ...down, kind: 'up', downForS: 45 })).toBe(
      'clowder is up again after 45 s (https://clowder.example/healthz)',
    );
  });

  it('has all available figures in its details', () => {
    expect(details(down)).toEqual([
      ['probe', 'health check'],
      ['down since', '2026-01-01T00:00:00.000Z'],
      ['status code', '500'],
      ['response time ms', '12'],
    ]);
  });

  it.each([
    [0, '0 s'],
    [89, '89 s'],
    [90, '2 min'],
    [5340, '89 min'],
    [11_100, '3 h 5 min'],
    [86_400, '24 h'],
    [187_200, '2 d 4 h'],
  ])('%i seconds are %s', (seconds, text) => {
    expect(span(seconds)).toBe(text);
  });
});
