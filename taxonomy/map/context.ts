import { randomBytes } from 'node:crypto';
import type { AddressPolicy, IsExtractor } from '../client.ts';
import type { ClowderVersion } from '../http/types.ts';

/** What the mapping needs besides the telemetry. Time and secrets are passed in; the mapping has none of its own. */
export interface MapContext {
  readonly clowder: ClowderVersion;
  /** Path that precedes every Clowder route, '' for none. */
  readonly contextPath: string;
  /** Name of the Clowder instance, for telemetry without one. */
  readonly instance?: string;
  readonly addressPolicy: AddressPolicy;
  /** Set if the addresses of extractors are known. */
  readonly isExtractor?: IsExtractor;
  /** Whether the sender may speak for a capture. If not, its reports count as ordinary observations. @default true */
  readonly believesCaptures: boolean;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** Returns the secret for client ids of one day (days since 1970, UTC); the same all day. */
  readonly dayKey: (day: number) => string;
}

export interface MapContextOptions extends Partial<Omit<MapContext, 'now' | 'dayKey'>> {
  readonly now?: () => number;
  readonly dayKey?: (day: number) => string;
}

/**
 * Creates a context. By default it accepts any Clowder, has no context path, anonymises addresses and makes a day key for this
 * process only.
 */
export function createMapContext(options: MapContextOptions = {}): MapContext {
  return {
    clowder: 'auto',
    contextPath: '',
    addressPolicy: 'anonymise',
    believesCaptures: true,
    now: Date.now,
    dayKey: processDayKey(),
    ...options,
  };
}

function processDayKey(): (day: number) => string {
  const keys = new Map<number, string>();
  return (day) => {
    let key = keys.get(day);
    if (key === undefined) {
      if (keys.size > 3) keys.clear();
      key = randomBytes(32).toString('hex');
      keys.set(day, key);
    }
    return key;
  };
}
