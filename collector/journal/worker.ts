import { parentPort, workerData } from 'node:worker_threads';
import { KEY_RULE } from '../intake/intake-keys.ts';
import { GuardedStore } from './guarded-store.ts';
import { serveStore } from './serve-store.ts';
import type { StoreOptions } from './store.ts';

/** The writer's thread. */
if (parentPort !== null)
  serveStore(new GuardedStore({ ...(workerData as StoreOptions), keyRule: KEY_RULE }), parentPort);
