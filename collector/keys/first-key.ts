import { readFileSync } from 'node:fs';
import { whyUnreadable } from '../../runtime/config/blank.ts';
import { ConfigError } from '../../runtime/config/config-error.ts';
import { errorText } from '../../runtime/error-text.ts';
import type { Logger } from '../../runtime/logging.ts';
import type { KeyStore } from './store.ts';

export interface FirstKeySettings {
  readonly CLOWDER_OTEL_FIRST_KEY?: string | undefined;
  readonly CLOWDER_OTEL_FIRST_KEY_FILE?: string | undefined;
}

/** Its name in `keys list`. */
const FIRST_KEY = 'first';

/** The outcome. `revoked`: the key is no longer admitted. */
export type FirstKey = 'none' | 'known' | 'revoked' | 'adopted' | 'replaced';

const WANTED = { name: FIRST_KEY, scopes: ['ingest', 'capture'], ratePerS: 1000 } as const;
const FORM = /^[\x21-\x7e]{32,200}$/;

/**
 * Admits the key from the settings, so that a site can begin with a secret of its own. A former first key is revoked,
 * and a key that was revoked by hand stays revoked.
 *
 * @throws ConfigError if the file cannot be read or does not contain a key
 */
export function adoptFirstKey(keys: KeyStore, settings: FirstKeySettings): FirstKey {
  const key = givenKey(settings);
  if (key === undefined) return 'none';
  const former = keys.list().find(({ name, revokedAtMs }) => name === FIRST_KEY && revokedAtMs === undefined);
  if (keys.adopt(key, WANTED) === undefined) return keys.verify(key) === 'revoked' ? 'revoked' : 'known';
  if (former === undefined) return 'adopted';
  keys.revoke(former.id);
  return 'replaced';
}

const TOLD = {
  none: undefined,
  known: undefined,
  adopted: ['info', 'the first key of the settings is accepted'],
  replaced: ['info', 'the first key of the settings has changed: the old one is revoked'],
  revoked: ['warn', 'the first key of the settings was revoked: set another one, or none'],
} as const satisfies Record<FirstKey, readonly ['info' | 'warn', string] | undefined>;

export function logFirstKey(log: Pick<Logger, 'info' | 'warn'>, firstKey: FirstKey): void {
  const told = TOLD[firstKey];
  if (told !== undefined) log[told[0]]({ name: FIRST_KEY }, told[1]);
}

/** What is wrong with the first key of the settings, in a sentence. */
export function firstKeyProblems(settings: FirstKeySettings): readonly string[] {
  try {
    givenKey(settings);
    return [];
  } catch (error) {
    return [errorText(error)];
  }
}

function givenKey({
  CLOWDER_OTEL_FIRST_KEY: key,
  CLOWDER_OTEL_FIRST_KEY_FILE: file,
}: FirstKeySettings): string | undefined {
  if (key !== undefined && file !== undefined)
    throw new ConfigError('CLOWDER_OTEL_FIRST_KEY and CLOWDER_OTEL_FIRST_KEY_FILE are both set: set one of them');
  const name = file === undefined ? 'CLOWDER_OTEL_FIRST_KEY' : 'CLOWDER_OTEL_FIRST_KEY_FILE';
  const given = file === undefined ? key : readKey(file).trim();
  if (given === undefined) return undefined;
  if (!FORM.test(given))
    throw new ConfigError(
      `${name} holds no key: a key has 32 to 200 characters of ASCII without blanks ("openssl rand -hex 32" makes one)`,
    );
  return given;
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`CLOWDER_OTEL_FIRST_KEY_FILE was ${file}, which cannot be read: ${whyUnreadable(error)}`);
  }
}
