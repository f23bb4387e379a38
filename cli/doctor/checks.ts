import { checkBindings } from './bindings.ts';
import { checkBroker } from './broker.ts';
import type { Finding } from './finding.ts';
import { checkKeys } from './keys.ts';
import { checkClock, checkDisk, checkSettings } from './machine.ts';
import { checkCollector, checkProxy, checkUsage } from './programs.ts';
import type { Site } from './site.ts';

/** The doctor's checks, in this order. */
export const CHECKS = {
  settings: checkSettings,
  broker: checkBroker,
  bindings: checkBindings,
  disk: checkDisk,
  clock: checkClock,
  collector: checkCollector,
  proxy: checkProxy,
  keys: checkKeys,
  usage: checkUsage,
} as const satisfies Record<string, (site: Site) => readonly Finding[] | Promise<readonly Finding[]>>;
