import type { Clock } from '../../runtime/sending/clock.ts';
import { isPostgres } from '../ask/settings.ts';
import { UsageStoreError } from '../store/errors.ts';
import { openUsageStore, type StorePlace } from '../store/open.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { connectStore } from './remote-store.ts';

/** A process that has just started has the store but does not answer yet; another command may finish soon. */
const PATIENCE_MS = 5000;
const PAUSE_MS = 100;

/**
 * The store: opened here, or reached through the process that has it.
 *
 * @throws UsageStoreError or PostgresSetupError if neither is possible; the message says what to do
 */
export async function reachUsageStore(place: StorePlace, clock: Clock): Promise<UsageStore> {
  const until = clock.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await openUsageStore(place);
    } catch (error) {
      if (!isInUse(error) || place.place === undefined || isPostgres(place.place)) throw error;
      const shared = await connectStore(place.place);
      if (shared !== undefined) return shared;
      if (clock.now() >= until) throw error;
      await clock.wait(PAUSE_MS, new AbortController().signal);
    }
  }
}

const isInUse = (error: unknown): boolean => error instanceof UsageStoreError && error.code === 'in_use';
