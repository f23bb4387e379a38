import { randomBytes } from 'node:crypto';
import type { AddressPolicy, IsExtractor } from '../client.ts';
import type { ClowderVersion } from '../http/types.ts';

/** What the mapping needs to know beside the telemetry. Time and secrets are passed in: the mapping has none of its own. */
export interface MapContext {
  readonly clowder: ClowderVersion;
  /** Path that precedes every route of Clowder, '' for none. */
  readonly contextPath: string;
  /** Name of the Clowder instance, for telemetry that names none. */
  readonly instance?: string;
  readonly addressPolicy: AddressPolicy;
  /** Where it is known which addresses extractors call from. */
  readonly isExtractor?: IsExtractor;
  /** Whether the sender may speak for a capture; from any other, a capture's word is an observation like others'. */
  readonly believesCaptures: boolean;
  /** Unix time in milliseconds. */
  readonly now: () => number;
  /** The secret that client ids of a day (days since 1970, UTC) are keyed with; the same for the whole day. */
  readonly dayKey: (day: number) => string;
}

export interface MapContextOptions extends Partial<Omit<MapContext, 'now' | 'dayKey'>> {
  readonly now?: () => number;
  readonly dayKey?: (day: number) => string;
}

/** A context with defaults: any Clowder, no context path, addresses anonymised, a day key of this process alone. */
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
