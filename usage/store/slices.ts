import type { Dialect, Period } from '../rules/dialect.ts';
import type { Engine } from './engine.ts';
import type { OnProgress } from './usage-store.ts';

/** Events of so long are worked on at once: it is seen how far long work has come, and what it takes in memory stays small. */
const SLICE_MS = 31 * 24 * 60 * 60 * 1000;

interface Slice extends Period {
  readonly events: number;
}

/**
 * Does some work with all events, a slice of time after the other.
 *
 * @param within the transaction that all of it is done in
 */
export async function inSlices(
  within: Engine,
  work: (period: Period) => Promise<void>,
  onProgress: OnProgress = () => undefined,
): Promise<void> {
  const slices = await slicesOf(within);
  const total = slices.reduce((sum, { events }) => sum + events, 0);
  let done = 0;
  for (const { events, ...period } of slices) {
    await work(period);
    done += events;
    onProgress(done, total);
  }
}

async function slicesOf(within: Engine): Promise<readonly Slice[]> {
  const rows = await within.query<{ nth: number; n: number }>(slicesSql(within.dialect));
  return rows.map(({ nth, n }) => ({ fromMs: nth * SLICE_MS, toMs: (nth + 1) * SLICE_MS, events: n }));
}

const slicesSql = (dialect: Dialect): string =>
  `SELECT ${dialect.quotient('created', SLICE_MS)} AS nth, count(*) AS n FROM ${dialect.events(EVER)} e GROUP BY 1 ORDER BY 1`;

/** All that the stores take. */
export const EVER: Period = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
