import { openJournalReader } from '../collector/journal/journal.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows } from './output.ts';
import { requireJournal, settingsOf, UsageError } from './settings.ts';

/** `rejected list` */
export function listRejected(options: GlobalOptions, { limit }: { limit: number }): void {
  const settings = settingsOf(options);
  requireJournal(settings);
  const reader = openJournalReader(settings.DATA_DIR);
  try {
    const rows = reader.rejected({ limit }).map((one) => ({
      id: one.id,
      at: new Date(one.atMs).toISOString(),
      origin: one.origin,
      reason: one.message,
      record: one.record,
    }));
    printRows(rows, ['id', 'at', 'origin', 'reason', 'record']);
  } finally {
    reader.close();
  }
}

/** `rejected replay`: asks the running collector, the only writer of the journal, to check them again. */
export async function replayRejected(
  options: GlobalOptions,
  ids: readonly string[],
  { key }: { key?: string },
): Promise<void> {
  const wrong = ids.find((id) => !/^[1-9]\d{0,14}$/.test(id));
  if (wrong !== undefined) throw new UsageError(`${wrong} is no id of a rejected event: rejected list shows them`);
  const { HOST, PORT } = settingsOf(options);
  const host = HOST.includes(':') ? `[${HOST}]` : HOST === '0.0.0.0' ? '127.0.0.1' : HOST;
  const url = `http://${host}:${PORT}/api/v1/rejected/replay`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(ids.length === 0 ? {} : { ids: ids.map(Number) }),
  }).catch((cause: unknown) => {
    throw new Error(`No collector answers at ${url}: start it, or set HOST and PORT to where it runs`, { cause });
  });
  const answer = (await response.json().catch(() => ({}))) as { accepted?: number; rejected?: number; detail?: string };
  if (!response.ok || answer.accepted === undefined)
    throw new Error(
      `${url} answered ${response.status}: ${answer.detail ?? 'is it our collector that listens there?'}`,
    );
  printRows([{ accepted: answer.accepted, 'still rejected': answer.rejected }], ['accepted', 'still rejected']);
}
