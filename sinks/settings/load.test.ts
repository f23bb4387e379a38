import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { SINKS } from '../registry.ts';
import type { SinkDefinition } from '../sink.ts';
import { COMMON_VARIABLES, commonSettings } from './common.ts';
import { loadSinks, type LoadedSinks } from './load.ts';

const definition: SinkDefinition<unknown> = {
  name: 'example',
  description: 'An example',
  config: z.strictObject({
    api_key: z.string().min(8, 'must have 8 characters'),
    url: z.url('must be an address').default('https://a.example'),
  }),
  variables: { EXAMPLE_API_KEY: 'api_key', EXAMPLE_URL: 'url' },
  thirdParty: true,
  dedupes: true,
  limits: () => ({ maxEvents: 1, maxBytes: 1 }),
  open: () => Promise.reject(new Error('is not opened here')),
};

const load = (environment: Record<string, string>, section?: unknown, canHash = true): LoadedSinks =>
  loadSinks({ definitions: [definition], environment, section, canHash });

describe('the configured sinks', () => {
  it('are none if nothing is configured', () => {
    expect(load({ PATH: '/bin', SINK_EXAMPLE_TYPES: 'file.*' })).toEqual({ sinks: [], problems: [] });
    expect(load({ EXAMPLE_API_KEY: '' })).toEqual({ sinks: [], problems: [] });
  });

  it('are those with a variable of their own', () => {
    const { sinks, problems } = load({ EXAMPLE_API_KEY: '12345678' });
    expect(problems).toEqual([]);
    expect(sinks).toEqual([
      {
        definition,
        config: { api_key: '12345678', url: 'https://a.example' },
        common: { filter: {}, fields: {}, privacy: {}, linger_ms: 500, timeout_s: 30, retry_max_s: 60 },
        thirdParty: true,
      },
    ]);
  });

  it('are those in the file; the environment overrides single settings', () => {
    const section = { example: { api_key: 'from the file', filter: { types: ['user.*'], tracked: true } } };
    const { sinks } = load(
      { EXAMPLE_API_KEY: 'from a variable', SINK_EXAMPLE_TYPES: 'file.*, view.download' },
      section,
    );
    expect(sinks[0]).toMatchObject({
      config: { api_key: 'from a variable' },
      common: { filter: { types: ['file.*', 'view.download'], tracked: true } },
    });
  });

  it('may be for the institute itself', () => {
    expect(load({ EXAMPLE_API_KEY: '12345678', SINK_EXAMPLE_THIRD_PARTY: 'false' }).sinks[0]?.thirdParty).toBe(false);
  });

  it('can be configured by variables only', () => {
    const values: Record<keyof typeof COMMON_VARIABLES, string> = {
      TYPES: 'file.*',
      CLIENT_KINDS: 'browser,none',
      INSTANCES: 'lab',
      TRACKED: 'true',
      KEEP: 'bytes',
      DROP: 'url',
      RENAME: 'bytes=volume, user_id=who',
      PRIVACY: 'user_id=hash,file_name=keep',
      THIRD_PARTY: 'true',
      RATE: '50',
      BATCH_EVENTS: '100',
      LINGER_MS: '0',
      TIMEOUT_S: '1.5',
      RETRY_MAX_S: '5',
    };
    expect(Object.keys(values)).toEqual(Object.keys(COMMON_VARIABLES));
    const environment = Object.fromEntries(
      Object.entries(values).map(([suffix, value]) => [`SINK_EXAMPLE_${suffix}`, value]),
    );
    const { sinks, problems } = load({ EXAMPLE_API_KEY: '12345678', ...environment });
    expect(problems).toEqual([]);
    expect(sinks[0]?.common).toEqual({
      filter: { types: ['file.*'], client_kinds: ['browser', 'none'], instances: ['lab'], tracked: true },
      fields: { keep: ['bytes'], drop: ['url'], rename: { bytes: 'volume', user_id: 'who' } },
      privacy: { user_id: 'hash', file_name: 'keep' },
      third_party: true,
      rate: 50,
      batch_events: 100,
      linger_ms: 0,
      timeout_s: 1.5,
      retry_max_s: 5,
    });
  });
});

describe('all errors are reported at once', () => {
  it('with the variable or the place in the file, the value, and what is allowed', () => {
    const section = {
      example: {
        url: 'nowhere',
        filter: { types: ['file.uploaded', 'fil.*'], client_kinds: ['cat'] },
        fields: { drop: ['event_id', 'colour'] },
        privacy: { user_id: 'burn', title: 'truncate' },
        retries: 5,
      },
      amplitud: {},
    };
    const { problems } = load({ EXAMPLE_API_KEY: 'short', SINK_EXAMPLE_RATE: 'fast', SINK_EXAMPLE_RAT: '5' }, section);
    expect(problems).toEqual([
      'sinks.amplitud: there is no such sink; known: example',
      expect.stringMatching(
        /^SINK_EXAMPLE_RAT is not a setting; known: EXAMPLE_API_KEY, EXAMPLE_URL, SINK_EXAMPLE_TYPES/,
      ),
      'EXAMPLE_API_KEY was ***: must have 8 characters',
      'sinks.example.url was "nowhere": must be an address',
      'sinks.example.retries: there is no such setting',
      'sinks.example.filter.types.1 was "fil.*": must be event types, or patterns of them such as file.*',
      'sinks.example.filter.client_kinds.0 was "cat": must be one of browser, extractor, api, bot, none',
      'sinks.example.fields.drop.1 was "colour": is not a field of an event: docs/events.md has them',
      expect.stringMatching(
        /^sinks\.example\.fields was .*drop names event_id: event_id, event, created are always sent$/,
      ),
      'sinks.example.privacy.user_id was "burn": must be one of keep, drop, hash, truncate',
      'SINK_EXAMPLE_RATE was "fast": must be a number above 0',
    ]);
  });

  it('including contradictions', () => {
    const wrong = {
      fields: { drop: ['created'], rename: { bytes: 'x', url: 'x' } },
      privacy: { title: 'truncate', event: 'hash' },
    };
    const { problems } = load({ EXAMPLE_API_KEY: '12345678' }, { example: wrong });
    expect(problems).toHaveLength(4);
    expect(problems.join('\n')).toMatch(/drop names created: event_id, event, created are always sent/);
    expect(problems.join('\n')).toMatch(/rename gives two fields the name x/);
    expect(problems.join('\n')).toMatch(/title cannot be shortened/);
    expect(problems.join('\n')).toMatch(/are always sent: may be keep/);
  });

  it('including a missing setting, with its variable', () => {
    expect(load({ EXAMPLE_URL: 'https://b.example' }).problems).toEqual([
      'sinks.example.api_key is missing: set EXAMPLE_API_KEY, or sinks.example.api_key in the file',
    ]);
  });

  it('including a missing secret to hash with', () => {
    expect(load({ EXAMPLE_API_KEY: '12345678', SINK_EXAMPLE_PRIVACY: 'user_id=hash' }, {}, false).problems).toEqual([
      'sinks.example.privacy hashes user_id: SINK_HASH_SECRET is missing',
    ]);
  });

  it.each(['text', ['example']])('including a section that is %j', (section) => {
    expect(load({}, section).problems).toEqual(['sinks must be a map of names and settings']);
    expect(load({}, { example: section }).problems).toEqual(['sinks.example must be a map of settings']);
  });

  it('without showing a secret', () => {
    const secret = 'hunter2';
    const { problems } = load({
      EXAMPLE_API_KEY: secret,
      EXAMPLE_URL: `https//jane:${secret}@a.example/?token=${secret}`,
    });
    expect(problems).toHaveLength(2);
    expect(problems.join('\n')).not.toContain(secret);
  });
});

describe('the existing sinks', () => {
  it.each(SINKS.map((sink) => [sink.name, sink] as const))(
    'include %s, whose name and variables are its own',
    (name, sink) => {
      expect(name).toMatch(/^[a-z][a-z0-9]*$/);
      expect(['list', 'check', 'dead', 'replay']).not.toContain(name);
      const settings = new Set(Object.keys(commonSettings.shape));
      expect(Object.values(sink.variables).filter((setting) => settings.has(setting))).toEqual([]);
      const variables = new Set(Object.keys(COMMON_VARIABLES).map((suffix) => `SINK_${name.toUpperCase()}_${suffix}`));
      expect(Object.keys(sink.variables).filter((variable) => variables.has(variable))).toEqual([]);
    },
  );

  it('share no variable', () => {
    const all = SINKS.flatMap(({ variables }) => Object.keys(variables));
    expect(all).toEqual([...new Set(all)]);
  });
});
