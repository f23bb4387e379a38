import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { createPublisher } from '../exporter/publisher.ts';
import { amqpTls } from '../runtime/amqp/broker-settings.ts';
import { errorText } from '../runtime/error-text.ts';
import { createMapContext } from '../taxonomy/map/context.ts';
import type { Settings } from './config.ts';
import { ConnectionCounter } from './connections/connection-counter.ts';
import { Intake } from './intake/intake.ts';
import { SeenIds } from './intake/seen-ids.ts';
import { lockDataDir } from './journal/data-dir.ts';
import { openJournal, type Journal } from './journal/journal.ts';
import { memberOf } from './member.ts';
import { PublishLoop } from './publishing/publish-loop.ts';
import { connected } from './publishing/replay.ts';
import type { Fate } from './publishing/publish-line.ts';

/** What happened to the events that waited in a journal. */
export interface Drained extends Readonly<Record<Fate, number>> {
  /** Events that no queue took, still in the journal. */
  readonly held: number;
}

/** Nothing is held this long, so everything that waits is due then. */
const BEYOND_ALL_WAITING_MS = 2 * 3_600_000;
const LOOK_EVERY_MS = 20;
const CLOSE_MS = 30_000;

/**
 * Publishes everything in the journal of a directory that no collector has open, in order and with confirms, and
 * advances its cursor. That includes events that wait for another observation, or are held until they are whole. If it
 * is killed, the next run continues, and events that were in flight are published again with the same ids.
 *
 * @param settings the settings of the journal's collector; DATA_DIR is the directory and has a journal
 * @param onPublished called with the number of settled events as it grows
 * @throws DataDirError if a collector has it open
 * @throws Error if no broker accepts the connection, or the journal cannot be read or written
 */
export async function drainJournal(settings: Settings, onPublished: (count: number) => void): Promise<Drained> {
  const lock = lockDataDir(settings.DATA_DIR);
  try {
    const journal = await openJournal({
      dir: settings.DATA_DIR,
      maxBytes: settings.JOURNAL_MAX_BYTES,
      retentionMs: settings.JOURNAL_RETENTION_DAYS * 86_400_000,
    });
    try {
      return await publishAll(journal, settings, onPublished);
    } finally {
      await journal.close();
    }
  } finally {
    lock.release();
  }
}

async function publishAll(
  journal: Journal,
  settings: Settings,
  onPublished: (count: number) => void,
): Promise<Drained> {
  const publisher = createPublisher({
    urls: settings.AMQP_URL,
    connectionName: 'clowder-otel drain',
    ...amqpTls(settings, readFileSync),
  });
  const counts: Record<Fate, number> = { confirmed: 0, returned: 0, dropped: 0, nacked: 0, refused: 0 };
  let settled = 0;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const loop = new PublishLoop({
    journal,
    publisher,
    onUnroutable: settings.ON_UNROUTABLE,
    now: Date.now,
    onPublished: (fate) => {
      counts[fate] += 1;
      settled += 1;
      onPublished(settled);
    },
    onError: (error) => failed.reject(new Error(`Publishing from the journal failed: ${errorText(error)}`)),
  });
  try {
    await connected(publisher);
    await endWaiting(journal, settings);
    loop.start();
    while (!loop.isDone) await Promise.race([delay(LOOK_EVERY_MS), failed.promise]);
    await Promise.race([loop.held.retryNow(), failed.promise]);
  } finally {
    await publisher.close({ timeoutMs: CLOSE_MS });
    await loop.stop();
  }
  const { unroutable, nacked } = loop.held.state;
  return { ...counts, held: unroutable.events + nacked.events };
}

/** Nothing that the journal waits for will come: all of it becomes events now. */
async function endWaiting(journal: Journal, settings: Settings): Promise<void> {
  let aheadMs = 0;
  const now = (): number => Date.now() + aheadMs;
  const windowMs = settings.DEDUPE_WINDOW_S * 1000;
  const ignore = (): void => undefined;
  const intake = new Intake({
    journal,
    seen: new SeenIds({ windowMs }),
    waitMs: 0,
    windowMs,
    amongOthers: settings.COLLECTORS === 'several',
    now,
    observer: { accepted: ignore, duplicate: ignore, waiting: ignore, recovered: ignore, rejected: ignore },
  });
  const member = memberOf(settings);
  const connections = new ConnectionCounter({
    journal,
    windowMs: Math.max(1, Math.round(settings.CONNECTIONS_WINDOW_S * 1000)),
    latenessMs: settings.CONNECTIONS_LATENESS_S * 1000,
    context: createMapContext(settings.CLOWDER_INSTANCE === undefined ? {} : { instance: settings.CLOWDER_INSTANCE }),
    ...(member !== undefined && { member }),
    now,
    observer: { lines: ignore, closed: ignore },
  });
  aheadMs = BEYOND_ALL_WAITING_MS;
  if (intake.waitingCount > 0) await intake.recoverDue();
  if (connections.openCount > 0) await connections.closeDue();
}
