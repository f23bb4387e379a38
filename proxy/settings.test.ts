import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROXY_FLAGS } from './flags.ts';
import { ConfigError } from '../runtime/config/config-error.ts';
import { parseProxySettings, portOf } from './settings.ts';

function problems(given: Record<string, unknown>): string {
  try {
    parseProxySettings(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

describe('settings of the proxy', () => {
  it('each have a default, even if a variable is empty', () => {
    const settings = parseProxySettings({ PROXY_LISTEN: '', PATH: '/bin' });
    expect(settings).toMatchObject({
      PROXY_LISTEN: { host: '127.0.0.1', port: 8000 },
      PROXY_HOST_HEADER: 'preserve',
      PROXY_MAX_HEADER_BYTES: 65_536,
    });
    expect(settings.PROXY_TARGET.href).toBe('http://127.0.0.1:9000/');
  });

  it('are read from text', () => {
    const settings = parseProxySettings({
      CLOWDER_VERSION: 'v1',
      CLOWDER_ENRICH: 'users, names,users',
      PROXY_LISTEN: '[::1]:0',
      PROXY_TARGET: 'https://clowder.test',
      PROXY_TARGET_INSECURE: 'true',
      PROXY_MAX_HEADER_BYTES: '32KiB',
      PROXY_IDLE_TIMEOUT_S: '0.5',
    });
    expect(settings).toMatchObject({
      CLOWDER_ENRICH: ['users', 'names'],
      PROXY_LISTEN: { host: '::1', port: 0 },
      PROXY_TARGET_INSECURE: true,
      PROXY_MAX_HEADER_BYTES: 32_768,
      PROXY_IDLE_TIMEOUT_S: 0.5,
    });
    expect(portOf(settings.PROXY_TARGET)).toBe(443);
  });

  it('that are wrong are all named in one message, with the value and what is allowed', () => {
    const message = problems({
      PROXY_LISTEN: '8000',
      PROXY_TARGET: 'http://x:s3cret@clowder.test/',
      PROXY_X_FORWARDED: 'maybe',
      PROXY_IDLE_TIMEOUT_S: '-1',
    });
    expect(message).toMatch(/PROXY_LISTEN was "8000": must be an address and a port/);
    expect(message).toMatch(/PROXY_TARGET was .*may not hold a user name or password/);
    expect(message).toMatch(/PROXY_X_FORWARDED was "maybe": must be one of set, append, off/);
    expect(message).toMatch(/PROXY_IDLE_TIMEOUT_S was "-1"/);
    expect(message).not.toContain('s3cret');
  });

  it.each([
    [{ PROXY_TLS_CERT_FILE: 'a.pem' }, 'belong together'],
    [{ PROXY_TARGET_INSECURE: 'true' }, 'for an https PROXY_TARGET'],
    [{ PROXY_LISTEN: '127.0.0.1:9000' }, 'would call itself'],
    [{ PROXY_TARGET: 'http://127.0.0.1:9000/clowder' }, 'may not have a path'],
    [{ PROXY_TARGET: 'clowder.test' }, 'must be an http or https URL'],
    [{ PROXY_MAX_HEADER_BYTES: '2GiB' }, 'must be a number of bytes from 1KiB to 1MiB'],
    [{ CLOWDER_CONTEXT: 'clowder' }, 'must be a path'],
    [{ CLOWDER_ENRICH: 'names, spaces', CLOWDER_VERSION: 'v1' }, 'may be off, or a list of names, users'],
    [{ CLOWDER_ENRICH: 'names' }, 'CLOWDER_ENRICH needs CLOWDER_VERSION'],
    [{ CLOWDER_ENRICH_URL: 'http://x:y@clowder.test' }, 'without user, password'],
    [{ CLOWDER_ENRICH_URL: 'http://127.0.0.1:8000/clowder' }, 'not the proxy'],
    [{ CLOWDER_ENRICH_TIMEOUT_S: '11' }, 'CLOWDER_ENRICH_TIMEOUT_S was "11"'],
    [{ CLOWDER_ENRICH_API_KEY: 'a key' }, 'CLOWDER_ENRICH_API_KEY was ***: must be a key'],
  ])('%j is refused: %s', (given, why) => {
    expect(problems(given)).toContain(why);
  });

  it('from a file are overridden by those given, and may not have an unknown name', () => {
    const file = { PROXY_VIA: 'file', CLOWDER_INSTANCE: 'file', OTEL_SERVICE_NAME: 'x' };
    expect(parseProxySettings({ PROXY_VIA: 'given', CLOWDER_INSTANCE: '' }, file)).toMatchObject({
      PROXY_VIA: 'given',
      CLOWDER_INSTANCE: 'file',
    });
    expect(() => parseProxySettings({}, { PROXY_LISTN: ':1' })).toThrow('PROXY_LISTN is not a setting of the proxy');
  });

  it('each have one flag, whose default is shown', () => {
    const settings = parseProxySettings({});
    expect(PROXY_FLAGS.map(({ setting }) => setting).sort()).toEqual(Object.keys(settingsWithAll()).sort());
    for (const { setting, shownDefault } of PROXY_FLAGS) {
      if (shownDefault !== undefined)
        expect(parseProxySettings({ [setting]: shownDefault })[setting]).toEqual(settings[setting]);
    }
  });
});

describe('the documentation of the proxy', () => {
  const page = readFileSync(new URL('../docs/proxy.md', import.meta.url), 'utf8');

  it.each(PROXY_FLAGS)('has $flag', ({ flag, setting, shownDefault }) => {
    const shown = shownDefault === undefined ? '' : `\`${shownDefault}\``;
    const row = new RegExp(`^\\| \`${flag.split(' ')[0]}\` \\| \`${setting}\` \\| ?(.*?) ?\\|`, 'm').exec(page);
    expect(row?.[1]).toBe(['PROXY_TARGET_INSECURE', 'PROXY_INJECT_SNIPPET'].includes(setting) ? '`false`' : shown);
  });
});

/** Settings with every optional one given. */
function settingsWithAll() {
  return parseProxySettings({
    PROXY_ADMIN: '127.0.0.1:8001',
    CLOWDER_INSTANCE: 'test',
    TRUSTED_PROXIES: '10.0.0.0/8',
    CLOWDER_ENRICH_URL: 'http://clowder.test/clowder',
    CLOWDER_ENRICH_API_KEY: 'k',
    PROXY_VIA: 'proxy',
    PROXY_SNIPPET_KEY: 'clo_1',
    PROXY_TLS_CERT_FILE: 'a',
    PROXY_TLS_KEY_FILE: 'b',
    PROXY_TARGET: 'https://clowder.test',
    PROXY_TARGET_CA_FILE: 'c',
    PROXY_MAX_CONNECTIONS: '5',
    PROXY_MAX_CONNECTIONS_PER_ADDRESS: '3',
  });
}
