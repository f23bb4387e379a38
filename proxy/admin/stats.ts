/** Counts of what the proxy has done, as plain numbers to keep counting cheap. */
export class ProxyStats {
  answered = 0;
  retried = 0;
  clientsLeft = 0;
  tunnels = 0;
  excess = 0;
  captureErrors = 0;
  connectionsRefused = 0;
  inFlight = 0;
  /** By `error.type`. */
  readonly upstreamErrors = new Map<string, number>();
  /** Requests that were not forwarded, by status. */
  readonly refused = new Map<string, number>();
}

/** Adds one. */
export function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
