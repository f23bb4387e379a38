import { hash } from 'node:crypto';
import type { UsageStore } from '../store/usage-store.ts';
import type { Hub } from './hub.ts';
import type { Part } from './parts.ts';

/** What became of a month's report. */
export interface Pushed {
  readonly what: 'created' | 'replaced' | 'unchanged';
  /** Of the report at the hub. */
  readonly id: string;
  readonly parts: number;
}

/** What is remembered of a month that was sent. */
interface Sent {
  readonly id: string;
  /** Of what was sent. */
  readonly digest: string;
  /** Whether all parts were taken. */
  readonly whole: boolean;
}

/**
 * Sends a report to the hub: a new one, or in place of the one that the month has there. What was sent before and has not
 * changed is not sent. After a break, all parts are sent again, in place of those that are there.
 *
 * @param known id of the month's report at the hub, where the store does not know it
 * @throws HubError where it was not taken
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
  // The hub adds a compressed part to the report of the same month.
  for (const part of rest) await hub.create(part);
  if (rest.length > 0) await keep(true);
  return { what: there === undefined ? 'created' : 'replaced', id, parts: parts.length };
}
