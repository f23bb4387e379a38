import { isVague } from '../../taxonomy/map/keys.ts';
import type { Sliced } from '../slices.ts';
import type { Journal } from '../journal/journal.ts';
import type { SegmentKeys } from '../journal/segments.ts';
import type { EventFolder } from './event-folder.ts';
import { KEY_RULE, keyOfId, keysOfLine } from './intake-keys.ts';
import type { KnownKeys } from './known-keys.ts';
import { waitingOf } from './waiting-line.ts';
import type { WaitingRoom } from './waiting-room.ts';

/** The parts of an intake that are restored from the journal. */
interface Restored {
  readonly journal: Journal;
  readonly known: KnownKeys;
  readonly folder: EventFolder;
  readonly waiting: WaitingRoom;
}

/** A restart restores the views of the last minute, from at most this many segments of the journal. */
const VIEWS_MS = 60_000;
const VIEW_SEGMENTS = 2;

/**
 * Restores the ids of the window, the waiting observations and the held events from the journal. The awaited observations
 * could not arrive during the downtime, so the waiting times start again.
 *
 * @returns rows of waiting observations that are settled already
 */
export function* restoreIntake(
  parts: Restored,
  { waitMs, windowMs }: { readonly waitMs: number; readonly windowMs: number },
  now: number,
): Sliced<readonly number[]> {
  const { journal, known, folder, waiting } = parts;
  const sinceMs = now - windowMs;
  const { viewsFrom, linesFrom } = restoreKeys(parts, sinceMs, now);
  if (viewsFrom < linesFrom) restoreViews(parts, viewsFrom, linesFrom);
  const add = (line: string, atMs: number): void => {
    const { keys, viewed } = keysOfLine(line);
    for (const key of keys) if (!known.has(key)) known.add(key, atMs);
    if (viewed !== undefined) folder.restoreView(viewed);
  };
  for (const row of journal.scan({ direction: 'asc', sinceMs, fromRow: linesFrom })) {
    for (const line of row.lines) add(line, row.atMs);
    for (const key of row.keys ?? []) if (!known.has(key)) known.add(key, row.atMs);
    yield;
  }
  for (const { line } of journal.held('remembered')) if (!folder.restorePieces(line)) known.restore(line, now);
  for (const held of journal.held('gathering')) {
    const { event, keys } = folder.restore(held);
    add(JSON.stringify(event), now);
    for (const key of keys) if (!known.has(key)) known.add(key, now);
  }
  const settled: number[] = [];
  for (const { id: heldId, line } of journal.held('waiting')) {
    const { body, requestKey } = waitingOf(line);
    const id = keyOfId(body.event_id);
    if (known.isSettled(id, requestKey)) settled.push(heldId);
    else waiting.add({ id, line, requestKey, vague: isVague(body), dueMs: now + waitMs, heldId });
  }
  return settled;
}

/**
 * Restores the keys that the journal has stored per segment.
 *
 * @returns the rows after which lines must still be read: all lines, and views that later observations may belong to
 */
function restoreKeys(
  { journal, known }: Restored,
  sinceMs: number,
  now: number,
): { readonly viewsFrom: number; readonly linesFrom: number } {
  const ends: { readonly lastRow: number; readonly lastMs: number }[] = [];
  function* noted(): Generator<SegmentKeys> {
    for (const segment of journal.keys(KEY_RULE.version, sinceMs)) {
      ends.push({ lastRow: segment.lastRow, lastMs: segment.lastMs });
      yield segment;
    }
  }
  known.restoreSummed(noted());
  const old = ends.findIndex(({ lastMs }) => lastMs < now - VIEWS_MS);
  const views = Math.min(old === -1 ? ends.length : old, VIEW_SEGMENTS);
  return { viewsFrom: ends[views]?.lastRow ?? 0, linesFrom: ends[0]?.lastRow ?? 0 };
}

function restoreViews({ journal, folder }: Restored, after: number, to: number): void {
  for (const { row, lines } of journal.scan({ direction: 'asc', fromRow: after, types: ['view.resource'] })) {
    if (row > to) return;
    for (const line of lines) {
      const { viewed } = keysOfLine(line);
      if (viewed !== undefined) folder.restoreView(viewed);
    }
  }
}
