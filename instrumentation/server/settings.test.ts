import { describe, expect, test } from 'vitest';
import { captureOptions, type CaptureSettings } from './settings.ts';

describe('the options of the capture', () => {
  test.each<[string, CaptureSettings, Record<string, string>, object]>([
    ['defaults', {}, {}, { source: 'sdk', clowder: 'auto', contextPath: '', trustForwarded: false }],
    [
      'from the environment',
      {},
      {
        CLOWDER_VERSION: 'v2',
        CLOWDER_CONTEXT: '/clowder/',
        CLOWDER_INSTANCE: 'ours',
        CLOWDER_TRUST_FORWARDED: 'true',
      },
      { source: 'sdk', clowder: 'v2', contextPath: '/clowder', trustForwarded: true, instance: 'ours' },
    ],
    [
      'from the code, which overrides the environment',
      { clowder: 'v1', contextPath: 'a/b', instance: 'given', trustForwarded: false },
      { CLOWDER_VERSION: 'v2', CLOWDER_CONTEXT: '/clowder', CLOWDER_INSTANCE: 'ours', CLOWDER_TRUST_FORWARDED: '1' },
      { source: 'sdk', clowder: 'v1', contextPath: '/a/b', trustForwarded: false, instance: 'given' },
    ],
    [
      'without a context path if that is the root',
      {},
      { CLOWDER_CONTEXT: '/' },
      { source: 'sdk', clowder: 'auto', contextPath: '', trustForwarded: false },
    ],
    [
      'without an instance if that is empty',
      {},
      { CLOWDER_INSTANCE: '' },
      { source: 'sdk', clowder: 'auto', contextPath: '', trustForwarded: false },
    ],
    [
      'the defaults for empty variables',
      {},
      { CLOWDER_VERSION: '', CLOWDER_TRUST_FORWARDED: '' },
      { source: 'sdk', clowder: 'auto', contextPath: '', trustForwarded: false },
    ],
  ])('are %s', (_what, settings, env, options) => {
    const said: string[] = [];
    expect(captureOptions(settings, env, (message) => void said.push(message))).toEqual(options);
    expect(said).toEqual([]);
  });

  test('take auto for an unknown version, and say so', () => {
    const said: string[] = [];
    expect(captureOptions({}, { CLOWDER_VERSION: 'v3' }, (message) => void said.push(message)).clowder).toBe('auto');
    expect(said).toEqual(['CLOWDER_VERSION is "v3"; it may be v1, v2 or auto. Taking auto']);
  });

  test.each([
    ['TRUE', true],
    ['yes', true],
    ['Off', false],
    ['0', false],
  ])('read CLOWDER_TRUST_FORWARDED=%s like every flag', (text, trustForwarded) => {
    const said: string[] = [];
    const options = captureOptions({}, { CLOWDER_TRUST_FORWARDED: text }, (message) => void said.push(message));
    expect(options.trustForwarded).toBe(trustForwarded);
    expect(said).toEqual([]);
  });

  test('trust nobody if CLOWDER_TRUST_FORWARDED is not a flag, and say so', () => {
    const said: string[] = [];
    const env = { CLOWDER_TRUST_FORWARDED: 'http://u:s3cret@h' };
    expect(captureOptions({}, env, (message) => void said.push(message)).trustForwarded).toBe(false);
    expect(said).toEqual([
      'CLOWDER_TRUST_FORWARDED is "http://u:***@h"; it may be true, 1, yes or on, or false, 0, no or off. Taking false',
    ]);
  });
});
