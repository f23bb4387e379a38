/** A marked observation that waits until the strong one of the same request arrives, or its time is up. */
export interface WaitingEntry {
  readonly id: string;
  readonly line: string;
  readonly requestKey: string | undefined;
  /** Whether it names no resource. */
  readonly vague: boolean;
  readonly dueMs: number;
  /** Its row in the journal, once committed. */
  heldId?: number;
  /** Whether a strong observation that replaces it is being written. */
  claimed?: boolean;
}

export type DueEntry = WaitingEntry & { readonly heldId: number };

/** Most waiting entries, and characters of them. They bound the memory that a sender can use by marking observations. */
const WAITING_MAX = 20_000;
const WAITING_CHARACTERS = 16 * 1024 * 1024;

/** Index of the journal's waiting lines, by event id and by request and type. Holds nothing that the journal lacks. */
export class WaitingRoom {
  #characters = 0;
  readonly #byId = new Map<string, WaitingEntry>();
  readonly #byRequest = new Map<string, Set<string>>();

  get size(): number {
    return this.#byId.size;
  }

  /** Whether one more may wait. */
  get hasRoom(): boolean {
    return this.#byId.size < WAITING_MAX && this.#characters < WAITING_CHARACTERS;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  /** Whether an observation of the request that names its resource is waiting. */
  hasNamed(requestKey: string): boolean {
    for (const id of this.#byRequest.get(requestKey) ?? []) if (this.#byId.get(id)?.vague === false) return true;
    return false;
  }

  add(entry: WaitingEntry): void {
    this.#byId.set(entry.id, entry);
    this.#characters += entry.line.length;
    if (entry.requestKey === undefined) return;
    const ids = this.#byRequest.get(entry.requestKey) ?? new Set();
    this.#byRequest.set(entry.requestKey, ids.add(entry.id));
  }

  putBack(entry: WaitingEntry): void {
    delete entry.claimed;
    this.add(entry);
  }

  /** Claims the entries that a strong observation replaces. */
  claim(id: string, requestKeys: readonly (string | undefined)[]): WaitingEntry[] {
    const claimed: WaitingEntry[] = [];
    if (this.#byId.size === 0) return claimed;
    const ids = new Set([id, ...requestKeys.flatMap((key) => [...(this.#byRequest.get(key ?? '') ?? [])])]);
    for (const one of ids) {
      const entry = this.#byId.get(one);
      if (entry === undefined || entry.claimed === true) continue;
      entry.claimed = true;
      claimed.push(entry);
    }
    return claimed;
  }

  unclaim(entries: readonly WaitingEntry[]): void {
    for (const entry of entries) delete entry.claimed;
  }

  heldIdsOf(ids: readonly string[]): number[] {
    return ids.map((id) => this.#byId.get(id)?.heldId).filter((heldId) => heldId !== undefined);
  }

  /**
   * After a commit: stores the rows of new entries, and drops the released ones.
   *
   * @param unheld rows that the commit deleted
   * @returns further rows to delete, of entries that were released before their row was known
   */
  settle(
    added: readonly string[],
    heldIds: readonly number[],
    released: readonly string[],
    unheld: readonly number[],
  ): number[] {
    const orphans: number[] = [];
    added.forEach((id, index) => {
      const heldId = heldIds[index];
      const entry = this.#byId.get(id);
      if (heldId === undefined) return;
      if (entry === undefined) orphans.push(heldId);
      else entry.heldId = heldId;
    });
    const gone = new Set(unheld);
    for (const heldId of this.heldIdsOf(released)) if (!gone.has(heldId)) orphans.push(heldId);
    this.forget(released);
    return orphans;
  }

  forget(ids: readonly string[]): void {
    for (const id of ids) {
      const entry = this.#byId.get(id);
      if (entry === undefined) continue;
      this.#byId.delete(id);
      this.#characters -= entry.line.length;
      if (entry.requestKey === undefined) continue;
      const siblings = this.#byRequest.get(entry.requestKey);
      siblings?.delete(id);
      if (siblings?.size === 0) this.#byRequest.delete(entry.requestKey);
    }
  }

  /** Removes and returns entries whose time is up, at most `limit`. */
  takeDue(nowMs: number, limit: number): DueEntry[] {
    const due: DueEntry[] = [];
    for (const entry of this.#byId.values()) {
      if (due.length === limit) break;
      if (entry.dueMs <= nowMs && entry.claimed !== true && isCommitted(entry)) due.push(entry);
    }
    this.forget(due.map((entry) => entry.id));
    return due;
  }
}

function isCommitted(entry: WaitingEntry): entry is DueEntry {
  return entry.heldId !== undefined;
}
