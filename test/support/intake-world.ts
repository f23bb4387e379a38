import { vi } from 'vitest';
import type { QuietMs } from '../../collector/intake/event-folder.ts';
import { Intake } from '../../collector/intake/intake.ts';
import { SeenIds } from '../../collector/intake/seen-ids.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { MemoryJournal } from './memory-journal.ts';

export const WAIT_MS = 60_000;
export const WINDOW_MS = 3_600_000;
export const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** An intake over an in-memory journal, with a manual clock; `open` starts a new intake over the same journal. */
export function world(quietMs: QuietMs = {}, amongOthers = false) {
  const clock = { now: 1_000_000 };
  const journal = new MemoryJournal(() => clock.now);
  const observer = { accepted: vi.fn(), duplicate: vi.fn(), waiting: vi.fn(), recovered: vi.fn(), rejected: vi.fn() };
  const open = (): Intake =>
    new Intake({
      journal,
      seen: new SeenIds({ windowMs: WINDOW_MS }),
      waitMs: WAIT_MS,
      windowMs: WINDOW_MS,
      quietMs,
      amongOthers,
      now: () => clock.now,
      observer,
    });
  const ids = (): string[] => journal.lines.map((line) => (JSON.parse(line) as FlatBody).event_id);
  return { clock, journal, observer, open, intake: open(), ids };
}
