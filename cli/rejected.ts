import { openJournalReader } from '../collector/journal/journal.ts';
import { askCollector } from './collector-request.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows, shownTime } from './output.ts';
import { requireJournal, settingsOf, UsageError } from './settings.ts';

/** `rejected list` */
export function listRejected(options: GlobalOptions, { limit }: { limit: number }): void {
  const settings = settingsOf(options);
  requireJournal(settings);
  const reader = openJournalReader(settings.DATA_DIR);
  try {
    const rows = reader.rejected({ limit }).map((one) => ({
      id: one.id,
      at: shownTime(one.atMs),
      origin: one.origin,
      from: one.sender ?? '',
      reason: one.message,
      record: one.record,
    }));
    printRows(rows, ['id', 'at', 'reason', 'origin', 'from', 'record']);
  } finally {
    reader.close();
  }
}

/** `rejected replay`: makes the running collector check them again. */
export async function replayRejected(
  options: GlobalOptions,
  ids: readonly string[],
  { key }: { key?: string },
): Promise<void> {
  const body = ids.length === 0 ? {} : { ids: ids.map(idOf) };
  const { accepted, rejected } = await askCollector(options, '/api/v1/rejected/replay', body, key);
  printRows([{ accepted: Number(accepted), 'still rejected': Number(rejected) }], ['accepted', 'still rejected']);
}

/** `rejected discard`: makes the running collector delete them. */
export async function discardRejected(
  options: GlobalOptions,
  ids: readonly string[],
  { key }: { key?: string },
): Promise<void> {
  const { discarded } = await askCollector(options, '/api/v1/rejected/discard', { ids: ids.map(idOf) }, key);
  printRows([{ discarded: Number(discarded) }], ['discarded']);
}

function idOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new UsageError(`${text} is not an id of a rejected event: rejected list shows them`);
  return Number(text);
}
