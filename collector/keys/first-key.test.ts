import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { adoptFirstKey } from './first-key.ts';
import { openKeyStore, type KeyStore } from './store.ts';

const [ONE, OTHER] = ['a1'.repeat(32), 'b2'.repeat(32)];

let dir: string;
let keys: KeyStore;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-first-key-'));
  keys = openKeyStore(dir);
});

afterEach(() => {
  keys.close();
  rmSync(dir, { recursive: true });
});

const file = (content: string): { CLOWDER_OTEL_FIRST_KEY_FILE: string } => {
  const path = join(dir, 'first-key');
  writeFileSync(path, content);
  return { CLOWDER_OTEL_FIRST_KEY_FILE: path };
};

describe('the first key from the settings', () => {
  test('is accepted for ingest', () => {
    expect(adoptFirstKey(keys, { CLOWDER_OTEL_FIRST_KEY: ONE })).toBe('adopted');
    expect(keys.verify(ONE)).toMatchObject({ name: 'first', scopes: ['ingest', 'capture'] });
    expect(keys.isEmpty()).toBe(false);
  });

  test('may come from a file whose last line may end', () => {
    expect(adoptFirstKey(keys, file(`${ONE}\n`))).toBe('adopted');
    expect(keys.verify(ONE)).toMatchObject({ name: 'first' });
  });

  test('is one key over any number of starts', () => {
    adoptFirstKey(keys, { CLOWDER_OTEL_FIRST_KEY: ONE });
    expect(adoptFirstKey(keys, { CLOWDER_OTEL_FIRST_KEY: ONE })).toBe('known');
    expect(keys.list()).toHaveLength(1);
  });

  test('replaces the one that the settings had before', () => {
    adoptFirstKey(keys, { CLOWDER_OTEL_FIRST_KEY: ONE });
    expect(adoptFirstKey(keys, { CLOWDER_OTEL_FIRST_KEY: OTHER })).toBe('replaced');
    expect(keys.verify(ONE)).toBe('revoked');
    expect(keys.verify(OTHER)).toMatchObject({ name: 'first' });
  });

  test('stays revoked if it was revoked', () => {
    adoptFirstKey(keys, { CLOWDER_OTEL_FIRST_KEY: ONE });
    keys.revoke('first');
    expect(adoptFirstKey(keys, { CLOWDER_OTEL_FIRST_KEY: ONE })).toBe('revoked');
    expect(keys.verify(ONE)).toBe('revoked');
  });

  test('changes no other key if it is not set', () => {
    expect(adoptFirstKey(keys, {})).toBe('none');
    expect(keys.isEmpty()).toBe(true);
  });

  test.each([
    ['too short', 'secret'],
    ['with a blank', `${'x'.repeat(20)} ${'x'.repeat(20)}`],
    ['not ASCII', 'ü'.repeat(40)],
    ['of two lines', `${ONE}\n${OTHER}`],
    ['too long', 'x'.repeat(201)],
  ])('is refused if it is %s, without being shown', (_, key) => {
    const refusal = /^CLOWDER_OTEL_FIRST_KEY_FILE holds no key: a key has 32 to 200 characters/;
    expect(() => adoptFirstKey(keys, file(key))).toThrow(refusal);
    expect(keys.isEmpty()).toBe(true);
  });

  test('is refused if both settings are set or the file is missing', () => {
    expect(() => adoptFirstKey(keys, { CLOWDER_OTEL_FIRST_KEY: ONE, ...file(ONE) })).toThrow(/are both set: set one/);
    expect(() => adoptFirstKey(keys, { CLOWDER_OTEL_FIRST_KEY_FILE: join(dir, 'nothing') })).toThrow(
      /which cannot be read: ENOENT: no such file or directory/,
    );
  });
});
