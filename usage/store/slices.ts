import type { Dialect, Period } from '../rules/dialect.ts';
import type { Engine } from './engine.ts';
import type { OnProgress } from './usage-store.ts';

/** Time whose events are worked on at once: this shows progress and bounds memory. */
const SLICE_MS = 31 * 24 * 60 * 60 * 1000;

interface Slice extends Period {
  readonly events: number;
}

/**
 * Works on all events, one slice of time after another.
 *
 * @param within the transaction for all of it
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

/** Everything that the stores accept. */
export const EVER: Period = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };
