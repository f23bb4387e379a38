import { hash } from 'node:crypto';
import type { UsageStore } from '../store/usage-store.ts';
import type { Hub } from './hub.ts';
import type { Part } from './parts.ts';

/** Result for a month's report. */
export interface Pushed {
  readonly what: 'created' | 'replaced' | 'unchanged';
  /** The report's id at the hub. */
  readonly id: string;
  readonly parts: number;
}

/** What the store remembers about a month's report. */
interface Sent {
  readonly id: string;
  /** Hash of everything sent. */
  readonly digest: string;
  /** Whether the hub took all parts. */
  readonly whole: boolean;
}

/**
 * Sends a report to the hub: as a new one, or in place of the month's report there. An unchanged report is not sent again. If
 * sending was interrupted, all parts are sent again and replace those at the hub.
 *
 * @param known id of the month's report at the hub, if the store does not have it
 * @throws HubError if the hub did not take it
 */
export async function pushReport(
  store: UsageStore,
  hub: Hub,
  month: string,
  parts: readonly Part[],
  known?: string,
): Promise<Pushed> {
  const [first, ...rest] = parts;
  if (first === undefined) throw new Error('a report has one part at least');
  const name = `hub ${month}`;
  const kept = await store.mark(name);
  const before = kept === undefined ? undefined : (JSON.parse(kept) as Sent);
  const digest = hash('sha256', Buffer.concat(parts.map(({ body }) => Buffer.from(body))), 'hex');
  const there = known ?? before?.id;
  if (before !== undefined && before.whole && before.digest === digest && there === before.id)
    return { what: 'unchanged', id: before.id, parts: 0 };
  const id = there === undefined ? await hub.create(first) : await hub.replace(there, first);
  const keep = (whole: boolean): Promise<unknown> =>
    store.ingest([], { [name]: JSON.stringify({ id, digest, whole } satisfies Sent) });
  await keep(rest.length === 0);
  // The hub adds a compressed part to the same month's report.
  for (const part of rest) await hub.create(part);
  if (rest.length > 0) await keep(true);
  return { what: there === undefined ? 'created' : 'replaced', id, parts: parts.length };
}
