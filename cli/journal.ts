import { drainJournal, type Drained } from '../collector/drain.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows } from './output.ts';
import { progress } from './progress.ts';
import { requireJournal, settingsOf } from './settings.ts';

/** `journal drain DIR`: publishes the waiting events of a collector that is gone. */
export async function drain(options: GlobalOptions, dir: string): Promise<void> {
  const settings = { ...settingsOf(options), DATA_DIR: dir };
  requireJournal(settings);
  const shown = progress('events published');
  try {
    showDrained(await drainJournal(settings, (count) => shown.update(count)), dir);
  } finally {
    shown.end();
  }
}

/** @throws Error if events are left */
function showDrained({ confirmed, dropped, refused, held }: Drained, dir: string): void {
  // Usually zero: shown only otherwise.
  const counted = { confirmed, ...(dropped > 0 && { dropped }), ...(refused > 0 && { refused }), 'still held': held };
  printRows([counted], Object.keys(counted));
  if (held > 0)
    throw new Error(
      `${held} events are held in ${dir}: no queue took them. Bind one to clowder.events or clowder.metrics, or empty the one that is full, and run this again`,
    );
  if (refused > 0)
    throw new Error(
      `RabbitMQ refused ${refused} events for good: they are in the rejected store of ${dir}, with RabbitMQ's reason (DATA_DIR=${dir} clowder-otel rejected list)`,
    );
}
