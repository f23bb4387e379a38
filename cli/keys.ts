import { makeDataDir } from '../collector/journal/data-dir.ts';
import { openKeyStore, SCOPES, type Scope } from '../collector/keys/store.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows } from './output.ts';
import { settingsOf, UsageError } from './settings.ts';

/** `keys add`: makes a key and shows it, once. */
export function addKey(
  options: GlobalOptions,
  wanted: { name: string; scope: string[]; rate: number; json?: true },
): void {
  const scopes = wanted.scope.flatMap((scope) => scope.split(',')).map(checkScope);
  const store = openKeyStore(makeDataDir(settingsOf(options).DATA_DIR));
  try {
    const { id, key } = store.add({ name: wanted.name, scopes, ratePerS: wanted.rate });
    if (wanted.json === true || !process.stdout.isTTY) {
      process.stdout.write(`${JSON.stringify({ id, name: wanted.name, scopes, rate: wanted.rate, key })}\n`);
      return;
    }
    process.stdout.write(`${key}\n`);
    process.stderr.write(
      `Key ${id} (${wanted.name}; ${scopes.join(', ')}). It is not shown again: only its hash is kept.\n`,
    );
  } finally {
    store.close();
  }
}

/** `keys list` */
export function listKeys(options: GlobalOptions): void {
  const store = openKeyStore(makeDataDir(settingsOf(options).DATA_DIR));
  try {
    printRows(
      store.list().map(({ id, name, scopes, ratePerS, createdAtMs, revokedAtMs }) => ({
        id,
        name,
        scopes: scopes.join(','),
        rate: ratePerS,
        created: time(createdAtMs),
        revoked: time(revokedAtMs),
      })),
      ['id', 'name', 'scopes', 'rate', 'created', 'revoked'],
    );
  } finally {
    store.close();
  }
}

/** `keys revoke ID` */
export function revokeKey(options: GlobalOptions, id: string): void {
  const store = openKeyStore(makeDataDir(settingsOf(options).DATA_DIR));
  try {
    if (!store.revoke(id)) throw new Error(`There is no key ${id}: keys list shows the keys`);
    process.stderr.write(`Key ${id} is revoked.\n`);
  } finally {
    store.close();
  }
}

function checkScope(scope: string): Scope {
  const known = SCOPES.find((one) => one === scope);
  if (known === undefined) throw new UsageError(`--scope was ${scope}; may be ${SCOPES.join(', ')}`);
  return known;
}

function time(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
