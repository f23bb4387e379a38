import { makeDataDir } from '../collector/journal/data-dir.ts';
import { openShareStore, type ShareStore } from '../collector/keys/shares.ts';
import { statsQuery } from '../usage/ask/question.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows } from './output.ts';
import { settingsOf, UsageError } from './settings.ts';

export interface ShareWish {
  readonly name: string;
  readonly metrics: string;
  readonly datasets?: string;
  readonly from: string;
  readonly to: string;
  readonly expires?: string;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MONTH_OR_DAY = /^\d{4}-\d{2}(?:-\d{2})?$/;
const DAY_MS = 86_400_000;

/** `shares add`: makes a link and shows its token once. */
export function addShare(options: GlobalOptions, { name, datasets, expires, ...wish }: ShareWish): void {
  const asked = statsQuery.safeParse({ metric: wish.metrics, from: wish.from, to: wish.to });
  if (!asked.success) {
    const [issue] = asked.error.issues;
    const flag = issue?.path[0] === 'metric' ? 'metrics' : String(issue?.path[0]);
    throw new UsageError(`--${flag} ${issue?.message ?? 'is wrong'}`);
  }
  for (const flag of ['from', 'to'] as const)
    if (!MONTH_OR_DAY.test(wish[flag])) throw new UsageError(`--${flag} was ${wish[flag]}; may be a month or a day`);
  if (wish.to.padEnd(10, '-99') < wish.from.padEnd(10, '-00'))
    throw new UsageError(`--from must be before --to; it was ${wish.from}, and --to was ${wish.to}`);
  const ids = datasets?.split(',').map((id) => id.trim());
  if (ids?.some((id) => id === '') === true) throw new UsageError('--datasets must be ids, separated by commas');
  const limits = {
    metrics: asked.data.metric,
    from: wish.from,
    to: wish.to,
    ...(ids !== undefined && { datasets: ids }),
  };
  withShares(options, (store) => {
    const { id, token } = store.add({ name, ...limits, expiresAtMs: endOf(expires) });
    process.stdout.write(`${JSON.stringify({ id, name, ...limits, expires: expires ?? null, token })}\n`);
    process.stderr.write(
      `Link ${id} (${name}): /api/v1/shared/stats?token=… of the collector. Its token is not shown again.\n`,
    );
  });
}

/** `shares list` */
export function listShares(options: GlobalOptions): void {
  withShares(options, (store) =>
    printRows(
      store.list().map(({ id, name, metrics, datasets, from, to, createdAtMs, expiresAtMs, revokedAtMs }) => ({
        id,
        name,
        metrics: metrics.join(','),
        datasets: datasets?.join(',') ?? null,
        from,
        to,
        created: time(createdAtMs),
        expires: time(expiresAtMs),
        revoked: time(revokedAtMs),
      })),
      ['id', 'name', 'metrics', 'datasets', 'from', 'to', 'created', 'expires', 'revoked'],
    ),
  );
}

/** `shares revoke ID` */
export function revokeShare(options: GlobalOptions, id: string): void {
  withShares(options, (store) => {
    const { name } = store.revoke(id);
    process.stderr.write(`Link ${id} (${name}) is revoked.\n`);
  });
}

function withShares(options: GlobalOptions, use: (store: ShareStore) => void): void {
  const store = openShareStore(makeDataDir(settingsOf(options).DATA_DIR));
  try {
    use(store);
  } finally {
    store.close();
  }
}

/** @throws UsageError if it is not a day, or a day that is over */
function endOf(day: string | undefined): number | undefined {
  if (day === undefined) return undefined;
  const ms = DAY.test(day) ? Date.parse(`${day}T00:00:00Z`) : NaN;
  if (Number.isNaN(ms)) throw new UsageError(`--expires was ${day}; may be a day, such as 2027-12-31`);
  if (ms + DAY_MS <= Date.now()) throw new UsageError(`--expires was ${day}: that day is over`);
  return ms + DAY_MS;
}

const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
