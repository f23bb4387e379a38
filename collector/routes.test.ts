import { describe, expect, test } from 'vitest';
import { EVENT_TYPES } from '../taxonomy/event-types.ts';
import { ROUTES, routeLabel } from './routes.ts';

describe('the label route', () => {
  test.each([
    ['/v1/traces', '/v1/traces'],
    ['/api/v1/events', '/api/v1/events'],
    ['/api/v1/events/stream', '/api/v1/events/stream'],
    ...EVENT_TYPES.map((type) => [`/api/v1/events/${type}`, '/api/v1/events/{type}']),
  ])('of %s is %s', (path, route) => expect(routeLabel(path)).toBe(route));

  test('has few values, whatever paths strangers request', () => {
    const asked = Array.from({ length: 1000 }, (_, index) => [
      `/v1/${index}`,
      `/api/v1/events/${index}`,
      `/${index}`,
      `/docs/${index}`,
      `/v1/traces/${index}`,
    ]).flat();
    expect(new Set(asked.map(routeLabel))).toEqual(new Set(['other', '/api/v1/events/{type}']));
  });
});

describe('every route', () => {
  test.each(ROUTES.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s is a value of the label route',
    (_, { path, label }) => expect(routeLabel(path.replace(/:\w+$/, 'one'))).toBe(label),
  );

  test('needs a key if it accepts or gives events, and is public if it describes the collector itself', () => {
    const keyless = ROUTES.filter(({ scope }) => scope === 'public').map(({ path }) => path);
    // A share link's token is its key. A public counter is for everybody if it is on. The login takes the key itself.
    const own = ['/api/v1/shared', '/api/v1/shared/stats', '/api/v1/badge/:dataset'];
    const login = '/api/v1/session';
    const ofApi = keyless.filter((path) => path.startsWith('/api/') || path.startsWith('/v1/'));
    expect(ofApi.filter((path) => path !== login)).toEqual(own);
    expect(ofApi).toContain(login);
    expect(keyless.filter((path) => path !== login).toSorted()).toEqual(
      [
        ...own,
        '/',
        '/asyncapi.json',
        '/c/v.js',
        '/dashboard/app.css',
        '/dashboard/app.js',
        '/dashboard/icon.svg',
        '/docs',
        '/docs/api.js',
        '/events',
        '/guide',
        '/healthz',
        '/kept',
        '/machines',
        '/usage',
        '/metrics',
        '/openapi.json',
        // The Code of Practice requires these.
        '/r51/status',
        '/readyz',
        '/schemas',
        '/schemas/:file',
      ].toSorted(),
    );
  });
});
