import { makeDataDir } from '../collector/journal/data-dir.ts';
import { openKeyStore, SCOPES, type KeyStore, type MadeKey, type Scope } from '../collector/keys/store.ts';
import { entriesOf, origins, pause } from '../runtime/config/values.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows, shownTime } from './output.ts';
import { settingsOf, UsageError } from './settings.ts';

type KeyOutput = { readonly json?: true };

/** `keys add`: makes a key and shows it once. */
export function addKey(
  options: GlobalOptions,
  wanted: { name: string; scope: string[]; rate: number; origin?: string[] } & KeyOutput,
): void {
  const scopes = wanted.scope.flatMap((scope) => scope.split(',')).map(checkScope);
  if (scopes.includes('capture') && !scopes.includes('ingest'))
    throw new UsageError('--scope capture needs the scope ingest too: use --scope ingest capture');
  const key = { name: wanted.name, scopes, ratePerS: wanted.rate, origins: originsOf(wanted.origin, scopes) };
  withKeys(options, (store) => showKey(store, store.add(key), wanted));
}

/** `keys rotate ID`: replaces a key, which stays valid for a while. */
export function rotateKey(options: GlobalOptions, idOrName: string, wanted: { keep: string } & KeyOutput): void {
  const keepMs = pause.parse(wanted.keep);
  if (keepMs === undefined) throw new UsageError(`--keep was ${wanted.keep}; may be ${pause.mayBe}`);
  withKeys(options, (store) => {
    const { former, ...made } = store.rotate(idOrName, keepMs);
    showKey(store, made, wanted);
    process.stderr.write(
      `Key ${former.id} (${former.name}) stays valid until ${new Date(Date.now() + keepMs).toISOString()}.\n`,
    );
  });
}

/** `keys list` */
export function listKeys(options: GlobalOptions): void {
  withKeys(options, (store) =>
    printRows(
      store.list().map(({ id, name, scopes, ratePerS, origins: bound, createdAtMs, revokedAtMs }) => ({
        id,
        name,
        scopes: scopes.join(','),
        rate: ratePerS,
        origins: bound?.join(',') ?? null,
        created: shownTime(createdAtMs),
        revoked: revokedAtMs === undefined ? null : shownTime(revokedAtMs),
      })),
      ['id', 'name', 'scopes', 'rate', 'origins', 'created', 'revoked'],
    ),
  );
}

/** `keys revoke ID` */
export function revokeKey(options: GlobalOptions, idOrName: string): void {
  withKeys(options, (store) => {
    const { id, name } = store.revoke(idOrName);
    process.stderr.write(`Key ${id} (${name}) is revoked.\n`);
    for (const former of store.retiring().filter((one) => one.name === name))
      process.stderr.write(
        `Key ${former.id} (${name}), which was rotated, stays valid until ${shownTime(former.revokedAtMs ?? 0)}. To end it now, run "keys revoke ${former.id}".\n`,
      );
  });
}

function withKeys(options: GlobalOptions, use: (store: KeyStore) => void): void {
  const store = openKeyStore(makeDataDir(settingsOf(options).DATA_DIR));
  try {
    use(store);
  } finally {
    store.close();
  }
}

function showKey(store: KeyStore, { id, key }: MadeKey, { json }: KeyOutput): void {
  const made = store.list().find((one) => one.id === id);
  if (made === undefined) throw new Error(`The key ${id} is not in the store that it was written to`);
  const { name, scopes, ratePerS: rate, origins: bound } = made;
  if (json === true || !process.stdout.isTTY) {
    process.stdout.write(
      `${JSON.stringify({ id, name, scopes, rate, ...(bound !== undefined && { origins: bound }), key })}\n`,
    );
    return;
  }
  process.stdout.write(`${key}\n`);
  process.stderr.write(`Key ${id} (${name}; ${scopes.join(', ')}). It is not shown again: only its hash is kept.\n`);
}

/** @throws UsageError if one is not an origin, or no scope uses origins */
function originsOf(given: readonly string[] | undefined, scopes: readonly Scope[]): readonly string[] {
  if (given === undefined) return [];
  if (!scopes.includes('browser')) throw new UsageError('--origin only applies to keys with scope browser');
  const list = origins.parse(given.join(','));
  if (list === undefined) throw new UsageError(`--origin was ${given.join(' ')}; may be ${origins.mayBe}`);
  return entriesOf(list);
}

function checkScope(scope: string): Scope {
  const known = SCOPES.find((one) => one === scope);
  if (known === undefined) throw new UsageError(`--scope was ${scope}; may be ${SCOPES.join(', ')}`);
  return known;
}
