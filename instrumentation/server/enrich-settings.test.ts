import { expect, test } from 'vitest';
import { enrichmentSettings, type EnrichSettings } from './enrich-settings.ts';

const URL_ONLY = { CLOWDER_ENRICH_URL: 'http://clowder:9000/clowder' };
const IN_FORCE = { what: ['names'], apiKey: undefined, timeoutMs: 1000, cacheSize: 10_000, cacheTtlMs: 300_000 };

function settings(
  given: EnrichSettings | false | undefined,
  env: Record<string, string>,
  clowder: 'v1' | 'auto' = 'v1',
) {
  const said: string[] = [];
  const found = enrichmentSettings(given, clowder, env, (message) => void said.push(message));
  return { said, found: found && { ...found, url: found.url.href } };
}

test.each<[string, EnrichSettings | false | undefined, Record<string, string>, object | undefined]>([
  ['off, by default', undefined, URL_ONLY, undefined],
  ['off if the environment says so', undefined, { CLOWDER_ENRICH: 'off' }, undefined],
  ['off if the code says so', false, { CLOWDER_ENRICH: 'names', ...URL_ONLY }, undefined],
  ['off for an empty list', { what: [] }, { CLOWDER_ENRICH: 'names', ...URL_ONLY }, undefined],
  [
    "the environment's",
    undefined,
    {
      CLOWDER_ENRICH: ' names, users ',
      CLOWDER_ENRICH_URL: 'http://clowder:9000',
      CLOWDER_ENRICH_API_KEY: 'k',
      CLOWDER_ENRICH_TIMEOUT_S: '0.5',
      CLOWDER_ENRICH_CACHE_SIZE: '7',
      CLOWDER_ENRICH_CACHE_TTL_S: '60',
    },
    { what: ['names', 'users'], url: 'http://clowder:9000/', apiKey: 'k', timeoutMs: 500, cacheSize: 7, cacheTtlMs: 60_000 },
  ],
  ['with defaults', { what: ['names'] }, URL_ONLY, { ...IN_FORCE, url: 'http://clowder:9000/clowder' }],
  [
    "the code's, which override the environment",
    { what: ['names'], url: 'https://own', apiKey: 'own', timeoutS: 2, cacheSize: 1, cacheTtlS: 1 },
    { CLOWDER_ENRICH: 'users', CLOWDER_ENRICH_API_KEY: 'k', CLOWDER_ENRICH_CACHE_SIZE: '7', ...URL_ONLY },
    { what: ['names'], url: 'https://own/', apiKey: 'own', timeoutMs: 2000, cacheSize: 1, cacheTtlMs: 1000 },
  ],
])('settings of enrichment are %s', (_what, given, env, expected) => {
  expect(settings(given, env)).toEqual({ said: [], found: expected });
}); // prettier-ignore

test('missing settings are reported in one line without the key, and nothing is looked up', () => {
  const { said, found } = settings(undefined, { CLOWDER_ENRICH: 'all', CLOWDER_ENRICH_API_KEY: 's3cret ä' }, 'auto');
  expect(found).toBeUndefined();
  expect(said).toEqual([
    'events are not completed by look-ups: CLOWDER_ENRICH may be off, or a list of names, users; CLOWDER_VERSION must say ' +
      'whose API is to be asked: v1 or v2; CLOWDER_ENRICH_URL must be the http or https URL of Clowder itself; ' +
      'CLOWDER_ENRICH_API_KEY must be visible ASCII characters',
  ]);
});

test('invalid numbers are replaced by the defaults', () => {
  const env = { CLOWDER_ENRICH_TIMEOUT_S: '60', CLOWDER_ENRICH_CACHE_SIZE: 'x', ...URL_ONLY };
  const { said, found } = settings({ what: ['names'] }, env);
  expect(found).toMatchObject({ timeoutMs: 1000, cacheSize: 10_000 });
  expect(said).toEqual([
    'CLOWDER_ENRICH_TIMEOUT_S is 60; it may be a number above 0, 10 at most. Taking 1',
    'CLOWDER_ENRICH_CACHE_SIZE is x; it may be a number above 0. Taking 10000',
  ]);
});
