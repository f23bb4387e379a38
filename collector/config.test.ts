import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { checkBrokers } from '../runtime/amqp/broker-settings.ts';
import { ConfigError } from '../runtime/config/config-error.ts';
import { entriesOf } from '../runtime/config/values.ts';
import { checkGrpc, loadSettings, SETTINGS } from './config.ts';

const dir = mkdtempSync(join(tmpdir(), 'clowder-otel-config-'));
afterAll(() => rmSync(dir, { recursive: true }));

let files = 0;
function fileOf(text: string): string {
  files += 1;
  const path = join(dir, `${files}.yaml`);
  writeFileSync(path, text);
  return path;
}

/** The lines of the one message: what is wrong with each setting. */
function problemsOf(environment: Record<string, string>, yaml?: string): readonly string[] {
  try {
    loadSettings(environment, yaml === undefined ? undefined : fileOf(yaml), [checkBrokers, checkGrpc]);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.code).toBe('invalid_config');
    const [head, ...lines] = error.message.split('\n');
    expect(head).toBe('The configuration is wrong:');
    return lines.map((line) => line.trim());
  }
  throw new Error('it was accepted');
}

describe('settings', () => {
  test('have defaults, so nothing has to be set', () => {
    expect(loadSettings({}, undefined, [checkBrokers, checkGrpc])).toEqual({
      HOST: '127.0.0.1',
      PORT: 4318,
      GRPC_PORT: 4317,
      DATA_DIR: 'data',
      JOURNAL_MAX_BYTES: 1024 ** 3,
      JOURNAL_RETENTION_DAYS: 7,
      ON_UNROUTABLE: 'hold',
      USAGE: true,
      USAGE_MEMORY_BYTES: 320 * 1024 ** 2,
      USAGE_POSTGRESQL_SCHEMA: 'clowder',
      USAGE_MANY_DATASETS: 200,
      USAGE_MANY_DOWNLOADS: 1000,
      USAGE_STEADY_EVENTS: 100,
      USAGE_BADGE: false,
      ON_UNKNOWN_KEY: 'refuse',
      LOG_LEVEL: 'info',
      LOG_FORMAT: 'auto',
      MAX_BODY_BYTES: 64 * 1024 ** 2,
      MAX_INFLIGHT_BYTES: 128 * 1024 ** 2,
      CLOWDER_VERSION: 'auto',
      CLOWDER_CONTEXT: '',
      CLIENT_ADDRESS: 'anonymise',
      COLLECTORS: 'one',
      DEDUPE_WINDOW_S: 3600,
      DOWNLOAD_HOLD_S: 30,
      CONNECTIONS_WINDOW_S: 60,
      CONNECTIONS_LATENESS_S: 60,
      WAIT_FOR_CAPTURE_S: 60,
      OTEL: {},
    });
  });

  test.each([
    ['1000', 1000],
    ['500MiB', 500 * 1024 ** 2],
    ['500 MB', 500_000_000],
    ['1.5k', 1500],
    ['1.5Ki', 1536],
    ['2g', 2_000_000_000],
    ['7B', 7],
  ])('may have sizes with a unit: %s', (given, expected) => {
    expect(loadSettings({ JOURNAL_MAX_BYTES: given }).JOURNAL_MAX_BYTES).toBe(expected);
  });

  test('come from the file, and the environment overrides it', () => {
    const path = fileOf('PORT: 5000\nJOURNAL_MAX_BYTES: 1MiB\nLOG_LEVEL: warn\nOTEL_SERVICE_NAME: mine\n');
    expect(loadSettings({ PORT: '6000', LOG_LEVEL: '' }, path)).toMatchObject({
      PORT: 6000,
      JOURNAL_MAX_BYTES: 1024 ** 2,
      LOG_LEVEL: 'warn',
      OTEL: { OTEL_SERVICE_NAME: 'mine' },
    });
  });

  test('may be lists in the file', () => {
    const path = fileOf('AMQP_URL: [amqp://a, amqp://b]\nTRUSTED_PROXIES:\n  - 10.0.0.0/8\n  - ::1\n');
    const settings = loadSettings({}, path, [checkBrokers, checkGrpc]);
    expect(settings.AMQP_URL).toBe('amqp://a,amqp://b');
    expect(entriesOf(settings.TRUSTED_PROXIES)).toEqual(['10.0.0.0/8', '::1']);
  });

  test('that are empty in the file count as unset', () => {
    expect(loadSettings({}, fileOf('PORT:\nAMQP_URL: ""\nDATA_DIR: ~\n'))).toMatchObject({
      PORT: 4318,
      DATA_DIR: 'data',
    });
    expect(loadSettings({}, fileOf('')).PORT).toBe(4318);
  });

  test('each have a description', () => {
    expect(SETTINGS.filter(({ description }) => description === '')).toEqual([]);
  });
});

test('a setting of only blanks counts as unset', () => {
  expect(loadSettings({ PORT: ' ', AMQP_URL: '', LOG_LEVEL: '\t' }).PORT).toBe(4318);
});

const WRONG: readonly (readonly [name: string, value: string, mayBe: string])[] = [
  ['PORT', 'abc', 'must be an integer from 0 to 65535'],
  ['PORT', '65536', 'must be an integer from 0 to 65535'],
  ['PORT', '-1', 'must be an integer from 0 to 65535'],
  ['PORT', '80.5', 'must be an integer from 0 to 65535'],
  ['GRPC_PORT', 'on', 'must be an integer from 0 to 65535, or off'],
  ['JOURNAL_MAX_BYTES', '10XB', 'must be a number of bytes above 0, or a number with a unit, e.g. 500MiB or 10GB'],
  ['JOURNAL_MAX_BYTES', '0', 'must be a number of bytes above 0'],
  ['MAX_BODY_BYTES', '-5', 'must be a number of bytes above 0'],
  ['MAX_INFLIGHT_BYTES', 'much', 'must be a number of bytes above 0'],
  ['JOURNAL_RETENTION_DAYS', '0', 'must be a number of days above 0'],
  ['JOURNAL_RETENTION_DAYS', 'a week', 'must be a number of days above 0'],
  ['ON_UNROUTABLE', 'keep', 'must be one of hold, drop'],
  ['ON_UNKNOWN_KEY', 'keep', 'must be one of refuse, hold'],
  ['LOG_LEVEL', 'loud', 'must be one of trace, debug, info, warn, error, fatal, silent'],
  ['CLOWDER_VERSION', 'v3', 'must be one of auto, v1, v2'],
  ['CLOWDER_CONTEXT', 'clowder', 'must be a path such as /clowder'],
  ['CLIENT_ADDRESS', 'hash', 'must be one of anonymise, full, drop'],
  ['DEDUPE_WINDOW_S', '-1', 'must be a number of seconds, 0 or more'],
  ['WAIT_FOR_CAPTURE_S', 'soon', 'must be a number of seconds, 0 or more'],
  ['ALLOWED_ORIGINS', 'https://a.example,https://b.example/', 'must be origins such as https://clowder.example.org'],
  ['ALLOWED_ORIGINS', 'clowder.example.org', 'must be origins such as https://clowder.example.org'],
  ['EXTRACTOR_ADDRESSES', 'extractors', 'must be addresses or networks such as 10.0.0.0/8, separated by commas'],
  ['TRUSTED_PROXIES', '10.0.0.0/8,proxy', 'must be addresses or networks such as 10.0.0.0/8, separated by commas'],
  [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'localhost:4318',
    'must be a URL that begins with http:// or https://, such as http://127.0.0.1:4318',
  ],
];

describe('a wrong configuration', () => {
  test.each(WRONG)('%s=%s: the message has the value and what is allowed', (name, value, mayBe) => {
    expect(problemsOf({ [name]: value })).toEqual([expect.stringContaining(`${name} was "${value}": ${mayBe}`)]);
  });

  test('reports everything in one message, whatever else is wrong', () => {
    const problems = problemsOf(
      {
        PORT: 'abc',
        AMQP_URL: 'http://u:s3cret@h,amqp://ok',
        AMQP_CERT_FILE: '/nowhere/cert.pem',
        LOG_LEVEL: 'loud',
      },
      'PROT: 4318\nON_UNROUTABLE: keep\n',
    );
    expect(problems).toEqual([
      expect.stringContaining('PROT is not a setting'),
      expect.stringContaining('PORT was "abc"'),
      expect.stringContaining('ON_UNROUTABLE was "keep"'),
      expect.stringContaining('LOG_LEVEL was "loud"'),
      expect.stringContaining('AMQP_URL was http://u:***@h: its scheme is http'),
      expect.stringContaining('AMQP_CERT_FILE was /nowhere/cert.pem: must be a readable file'),
      'AMQP_CERT_FILE and AMQP_KEY_FILE go together: set both or neither',
    ]);
    expect(problems.join()).not.toContain('s3cret');
  });

  test.each(SETTINGS)('never shows the password of a URL in $name', ({ name }) => {
    const url = 'http//u:s3cret@h/?token=s3cret';
    try {
      loadSettings({ [name]: url, PORT: 'wrong' }, undefined, [checkBrokers, checkGrpc]);
      expect.unreachable('PORT is wrong');
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect(String(error)).not.toContain('s3cret');
    }
  });

  test('is located in a file that is not YAML, without the text there', () => {
    const path = fileOf('AMQP_URL: amqp://u:s3cret@h\n  PORT: s3cret\n b: "s3cret\n');
    expect(() => loadSettings({}, path)).toThrow(/is not YAML: .* at line \d+, column \d+$/);
    expect(() => loadSettings({}, path)).not.toThrow(/s3cret/);
  });

  test('lists the known settings if a name in the file is unknown', () => {
    const [problem] = problemsOf({}, 'DATADIR: x\n');
    expect(problem).toMatch(
      /^DATADIR is not a setting \(in .*\.yaml\); known: HOST, PORT, GRPC_PORT, .*TRUSTED_PROXIES/,
    );
  });

  test('is not reported for settings shared with sinks, which check these themselves', () => {
    expect(() => loadSettings({}, fileOf('SINK_ADMIN: 127.0.0.1:9465\nsinks: {file: {directory: x}}\n'))).not.toThrow();
  });

  test('is reported for a TLS file that is not PEM', () => {
    const pem = fileOf('no certificate');
    expect(problemsOf({ AMQP_CERT_FILE: pem, AMQP_KEY_FILE: pem })).toEqual([
      expect.stringMatching(
        /AMQP_CERT_FILE was .*, AMQP_KEY_FILE was .*: must be PEM, and the key that of the certificate/,
      ),
    ]);
  });

  test('is reported if HTTP and gRPC have the same port', () => {
    expect(problemsOf({ PORT: '4317' })).toEqual([
      'GRPC_PORT was 4317, the same as PORT: HTTP and gRPC need different ports',
    ]);
    expect(loadSettings({ PORT: '0', GRPC_PORT: '0' }, undefined, [checkGrpc])).toMatchObject({
      PORT: 0,
      GRPC_PORT: 0,
    });
    expect(loadSettings({ GRPC_PORT: 'off' }, undefined, [checkGrpc]).GRPC_PORT).toBe('off');
  });

  test('is reported for a gRPC certificate without its key', () => {
    expect(problemsOf({ GRPC_TLS_CERT_FILE: fileOf('a certificate') })).toEqual([
      'GRPC_TLS_CERT_FILE and GRPC_TLS_KEY_FILE go together: set both or neither',
    ]);
  });

  test.each([
    ['that does not exist', undefined, /^--config .*nowhere\.yaml cannot be read: ENOENT/],
    ['that is not YAML', 'a: [', /^--config .* is not YAML: /],
    ['that is a list', '- PORT', /^--config .* must be a map of names and values, e\.g\. PORT: 4318/],
    ['that is a word', 'PORT', /must be a map of names and values/],
  ])('is reported for a file %s', (_, yaml, said) => {
    const path = yaml === undefined ? join(dir, 'nowhere.yaml') : fileOf(yaml);
    expect(() => loadSettings({}, path)).toThrow(
      expect.objectContaining({ code: 'invalid_config', message: expect.stringMatching(said) }),
    );
  });
});
