import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { monitorJsonSchema } from './json-schema.ts';
import { ConfigError } from '../../runtime/config/config-error.ts';
import { parseMonitorConfig } from './load.ts';
import { planOf } from './plan.ts';

const EXAMPLE = readFileSync(new URL('../../deploy/monitor.example.yaml', import.meta.url), 'utf8');
const SECRETS = {
  MONITOR_KEY: 'monitor-key',
  CLOWDER_KEY: 'clowder-key',
  RABBITMQ_PASSWORD: 'rabbit-password',
  SLACK_WEBHOOK: 'https://hooks.example.org/services/T1/secret-path',
};

function problems(source: string, environment: NodeJS.ProcessEnv = {}): string[] {
  try {
    parseMonitorConfig(source, environment);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}

describe('the example', () => {
  const config = parseMonitorConfig(EXAMPLE, SECRETS);

  it('is valid, and its plan says what the monitor would do', () => {
    const { probes, notify } = planOf(config);
    expect(probes.map(({ name, type, component, every }) => [name, type, component, every])).toEqual([
      ['clowder', 'http', 'clowder', '30s'],
      ['clowder status', 'http', 'clowder', '30s'],
      ['home page', 'http', 'clowder', '30s'],
      ['known file', 'download', 'clowder', '15m'],
      ['mongo', 'tcp', 'mongo', '30s'],
      ['elasticsearch', 'tcp', 'elasticsearch', '30s'],
      ['rabbitmq', 'rabbitmq', 'rabbitmq', '30s'],
      ['data disk', 'disk', 'disk', '5m'],
    ]);
    expect(notify).toMatchObject([
      { name: 'slack', to: 'https://hooks.example.org/…', after: 2, quiet: '15m', remind: '6h' },
      { name: 'email', to: 'operators@example.org', after: 3 },
    ]);
  });

  it('shows none of its secrets in the plan, and knows all of them', () => {
    const shown = JSON.stringify(planOf(config));
    for (const secret of ['monitor-key', 'clowder-key', 'rabbit-password', 'secret-path'])
      expect(shown).not.toContain(secret);
    expect([...config.secrets]).toEqual(expect.arrayContaining(Object.values(SECRETS)));
  });

  it('has only settings of the JSON Schema', () => {
    const { properties } = monitorJsonSchema() as { properties: Record<string, unknown> };
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(parse(EXAMPLE) as object)));
  });
});

describe('a wrong configuration', () => {
  it('is reported completely: where, what it was, and what is allowed', () => {
    expect(
      problems(`
intervall: 30s
defaults: { interval: often, retries: -1 }
probes:
  - { name: a, type: http, url: clowder.example.org }
  - { name: b, type: tcp, host: mongo, port: 99999 }
  - { name: c, type: telepathy }
  - { type: disk, path: / }
  - { name: e, type: http, url: "https://x.example/", body: { contain: x } }
notify:
  - { type: email, url: "smtp://h", from: a@example.org, to: [] }
`),
    ).toEqual([
      'defaults.interval was "often"; it may be a duration above 0, such as 500ms, 30s, 5m, 6h or 7d',
      'defaults.retries was -1; it may be an integer from 0 to 20',
      'probes[0].url was ***; it may be a URL that begins with http:// or https://, such as http://127.0.0.1:4318',
      'probes[1].port was 99999; it may be an integer from 1 to 65535',
      expect.stringMatching(
        /^probes\[2\].*it may be a probe of type http, download, clowder, tcp, rabbitmq, disk, file_write, ping$/,
      ),
      'probes[3].name is missing; it may be text',
      'probes[4].body.contain is not a setting; it may be one of equals, contains, matches, json',
      'notify[0].to was []; it may be a list of addresses',
      'intervall is not a setting; it may be one of clowder, defaults, telemetry, spool_dir, spool_max_bytes, admin, log_level, log_format, pair, probes, extractors, notify',
    ]);
  });

  it.each([
    [
      'two probes with one name',
      'probes: [{name: a, type: disk, path: /}, {name: a, type: disk, path: /tmp}]',
      /^probes has two called "a"/,
    ],
    [
      'a notifier for an unknown probe',
      'probes: [{name: a, type: disk, path: /}]\nnotify: [{type: slack, url: "https://h.example/", probes: [b]}]',
      /^notify\[0\]\.probes names "b", which is not a probe; it may be a$/,
    ],
    [
      'a notifier for extractors that are not watched',
      'probes: [{name: a, type: disk, path: /}]\nnotify: [{type: slack, url: "https://h.example/", probes: [extractors]}]',
      /^notify\[0\]\.probes names "extractors", which is not a probe/,
    ],
    [
      'a variable that is not set',
      'spool_dir: "${env:NOWHERE}"',
      /^spool_dir names the variable NOWHERE, which is not set$/,
    ],
    ['a missing file', 'telemetry: {headers: {k: "${file:/none}"}}', /^telemetry\.headers\.k names the file \/none/],
    [
      'an invalid expression',
      'probes: [{name: a, type: http, url: "http://h/", body: {matches: "("}}]',
      /a regular expression$/,
    ],
    [
      'a host that looks like an option',
      'probes: [{name: a, type: ping, host: -f}]',
      /^probes\[0\]\.host was "-f"; it may be a host name/,
    ],
    [
      'an unknown time zone',
      'notify: [{type: slack, url: "http://h/", quiet_hours: {from: "22:00", to: "7:00", timezone: Mars}}]',
      /^notify\[0\]\.quiet_hours\.to was "7:00"/,
    ],
  ])('is reported for %s', (_what, source, message) => {
    expect(problems(source)[0]).toMatch(message);
  });

  it('never shows a secret, whatever is wrong with it', () => {
    const source =
      'notify: [{type: email, url: "${env:SMTP}", from: a, to: ["${env:SMTP}", 5]}]\nspool_dir: ["${env:SMTP}"]';
    expect(problems(source, { SMTP: 'http://bob:s3cret@host' }).join('\n')).not.toContain('s3cret');
  });

  it('gets one sentence if it is not YAML or is missing', () => {
    expect(() => parseMonitorConfig('probes: [', {})).toThrow(/^monitor\.yaml is not YAML: /);
  });
});

describe('secrets', () => {
  it('come from the environment and from files, even several in one text', () => {
    const dir = mkdtempSync(join(tmpdir(), 'secrets-'));
    writeFileSync(join(dir, 'password'), 'p4ss\n');
    const source = `
telemetry: { headers: { Authorization: "Basic \${env:USER_NAME}:\${file:password}" } }
probes:
  - { name: q, type: rabbitmq, management: { url: "http://h:15672", user: u, password_file: password } }
notify:
  - { type: webhook, url_file: ${dir}/password-url, secret_file: password }
`;
    writeFileSync(join(dir, 'password-url'), 'https://hooks.example/abc');
    const config = parseMonitorConfig(source, { USER_NAME: 'bob' }, join(dir, 'monitor.yaml'));
    rmSync(dir, { recursive: true });
    expect(config.telemetry.headers).toEqual({ Authorization: 'Basic bob:p4ss' });
    expect(config.probes).toMatchObject([{ management: { password: 'p4ss' } }]);
    expect(config.notify).toMatchObject([{ url: 'https://hooks.example/abc', secret: 'p4ss' }]);
  });
});

describe('a missing setting', () => {
  it("comes from `defaults`, or from the monitor's own defaults", () => {
    const { probes } = parseMonitorConfig(
      'defaults: {interval: 5m, failures: 3}\nprobes: [{name: a, type: disk, path: /, interval: 1s}, {name: b, type: tcp, host: h, port: 1}]',
      {},
    );
    expect(probes.map((probe) => probe.schedule)).toMatchObject([
      { intervalMs: 1000, timeoutMs: 10_000, retries: 1, failures: 3 },
      { intervalMs: 300_000, timeoutMs: 10_000, retries: 1, failures: 3 },
    ]);
  });

  it('is overridden by the environment, whose wrong values are errors', () => {
    expect(parseMonitorConfig('admin: 9000', { MONITOR_ADMIN: '0.0.0.0:9465' }).admin).toEqual({
      host: '0.0.0.0',
      port: 9465,
    });
    expect(problems('{}', { SPOOL_MAX_BYTES: 'much' })).toEqual([
      'SPOOL_MAX_BYTES was "much"; it may be a number of bytes, 0 or more, or a number with a unit, e.g. 500MiB or 10GB',
    ]);
  });

  it('of `type: clowder` comes from the version of Clowder', () => {
    const { probes } = parseMonitorConfig(
      'clowder: {version: v2}\nprobes: [{name: c, type: clowder, url: "https://c.example/ctx/"}]',
      {},
    );
    expect(probes).toMatchObject([
      {
        name: 'c',
        type: 'http',
        component: 'clowder',
        url: 'https://c.example/ctx/api/v2/status',
        version: { path: 'version' },
      },
    ]);
  });
});

describe('an empty setting', () => {
  it.each(['AMQP_URL', 'SPOOL_DIR', 'LOG_LEVEL', 'LOG_FORMAT', 'SPOOL_MAX_BYTES', 'MONITOR_ADMIN'])(
    'counts as unset if it is the variable %s',
    (name) => {
      const source = 'extractors: { jobs: poll }';
      const unset = parseMonitorConfig(source, {});
      expect(parseMonitorConfig(source, { [name]: '' })).toEqual(unset);
      expect(parseMonitorConfig(source, { [name]: ' ' })).toEqual(unset);
    },
  );

  it('counts as unset in the file, at any depth', () => {
    const source = 'log_level: ""\nspool_dir:\nprobes: [{ name: a, type: disk, path: /, interval: "", min_free: }]';
    expect(parseMonitorConfig(source, {})).toEqual(
      parseMonitorConfig('probes: [{ name: a, type: disk, path: / }]', {}),
    );
  });

  it('is a value if an answer is compared with it', () => {
    const source = 'probes: [{ name: a, type: http, url: "http://h/", body: { json: { path: error, equals: "" } } }]';
    expect(parseMonitorConfig(source, {}).probes).toMatchObject([{ body: { json: { equals: '' } } }]);
  });

  it('is reported if a secret should come from it', () => {
    expect(problems('spool_dir: "${env:EMPTY}"', { EMPTY: '' })[0]).toBe(
      'spool_dir names the variable EMPTY, which is not set',
    );
  });
});

describe('user and password in a URL', () => {
  it.each([
    ['probes: [{ name: a, type: http, url: "http://bob:50%off@h/" }]', 'probes[0].url'],
    ['probes: [{ name: a, type: download, url: "https://50%@h/" }]', 'probes[0].url'],
    ['probes: [{ name: a, type: clowder, url: "http://bob:%zz@h/" }]', 'probes[0].url'],
    ['notify: [{ type: webhook, url: "http://bob:50%off@h/" }]', 'notify[0].url'],
    ['notify: [{ type: email, url: "smtp://bob:50%off@h", from: a@b.c, to: [a@b.c] }]', 'notify[0].url'],
    ['extractors: { poll: { url: "http://bob:50%off@h/" } }', 'extractors.poll.url'],
  ])('are reported if they are not percent-encoded: %s', (source, path) => {
    const [problem, ...others] = problems(source, {});
    expect(others).toEqual([]);
    expect(problem).toContain(path);
    expect(problem).toContain('a % in them is written %25');
    expect(problem).not.toMatch(/50%off|%zz/);
  });
});

describe('a wrong variable', () => {
  it.each([
    ['SPOOL_MAX_BYTES', 'much', 'a number of bytes, 0 or more, or a number with a unit, e.g. 500MiB or 10GB'],
    ['MONITOR_ADMIN', 'here', 'an address and a port, such as 127.0.0.1:9465 or [::1]:9465, or a port of 127.0.0.1'],
    ['LOG_LEVEL', 'loud', 'one of trace, debug, info, warn, error, fatal, silent'],
  ])('%s=%s is reported with its value and what is allowed', (name, value, mayBe) => {
    expect(problems('{}', { [name]: value })).toEqual([`${name} was "${value}"; it may be ${mayBe}`]);
  });

  it.each(['AMQP_URL', 'SPOOL_MAX_BYTES', 'MONITOR_ADMIN', 'LOG_LEVEL'])('%s never shows a password', (name) => {
    const [problem] = problems('{}', { [name]: 'http//u:s3cret@h/?token=s3cret' });
    expect(problem).toMatch(/was .*; it may be /);
    expect(problem).not.toContain('s3cret');
  });
});
