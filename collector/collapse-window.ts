import type { FlatBody } from '../taxonomy/flat-body.ts';

const ENTRIES_MAX = 100_000;

/**
 * When each client was last counted as viewing each resource, by event time. One page of Clowder v2 asks the API up to
 * three times for what it shows; those calls are one view.
 */
export class CollapseWindow {
  readonly #lastCounted = new Map<string, number>();

  /** Whether an event of this key and time belongs to one that was counted. */
  holds(collapse: { readonly key: string; readonly withinMs: number }, createdMs: number): boolean {
    const last = this.#lastCounted.get(collapse.key);
    return last !== undefined && Math.abs(createdMs - last) < collapse.withinMs;
  }

  open(body: FlatBody): void {
    const key = keyOf(body);
    this.#lastCounted.delete(key);
    this.#lastCounted.set(key, body.created);
    if (this.#lastCounted.size <= ENTRIES_MAX) return;
    const oldest = this.#lastCounted.keys().next();
    if (oldest.done !== true) this.#lastCounted.delete(oldest.value);
  }

  close(body: FlatBody): void {
    this.#lastCounted.delete(keyOf(body));
  }
}

function keyOf(body: FlatBody): string {
  const client = body['client_id'] ?? body['session_id'] ?? body['user_id'];
  return `${body.event}|${String(client)}|${String(body['resource_id'])}`;
}
