import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { viewKeyOf } from '../../taxonomy/map/keys.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';

export type Collapse = NonNullable<Candidate['collapse']>;

/** When a client was last counted as viewing a resource, by event time, in milliseconds. */
interface Counted {
  readonly page?: number;
  readonly call?: number;
  /** The call was counted before the page that it belongs to was seen: how long before it that page may have begun. */
  readonly unclaimedMs?: number;
}

const ENTRIES_MAX = 100_000;

/**
 * Which views of a resource by a client are one. A page of Clowder v2 asks the API up to three times for what it shows:
 * those calls are the page's view, or, where the web application changed the page by itself, one view of their own.
 * Observations of the page and of its calls may come in any order.
 */
export class CollapseWindow {
  readonly #counted = new Map<string, Counted>();

  /**
   * Counts the view, unless it belongs to one that was counted.
   *
   * @returns what takes the counting back; undefined where it was not counted
   */
  count({ key, withinMs }: Collapse, createdMs: number): (() => void) | undefined {
    const before = this.#counted.get(key);
    const after = withinMs === undefined ? withPage(before, createdMs) : withCall(before, createdMs, withinMs);
    if (after === undefined) return undefined;
    this.#set(key, after.counted);
    if (!after.counts) return undefined;
    return () => {
      if (before === undefined) this.#counted.delete(key);
      else this.#counted.set(key, before);
    };
  }

  /** A view that was counted before a restart: it is not known whether it was a page's or a call's. */
  restore(body: FlatBody): void {
    const key = viewKeyOf(body);
    if (key !== undefined) this.#set(key, { page: body.created, call: body.created });
  }

  #set(key: string, counted: Counted): void {
    this.#counted.delete(key);
    this.#counted.set(key, counted);
    if (this.#counted.size <= ENTRIES_MAX) return;
    const oldest = this.#counted.keys().next();
    if (oldest.done !== true) this.#counted.delete(oldest.value);
  }
}

/** A call belongs to a page that began before it, and to another call before or after it. */
function withCall(
  before: Counted | undefined,
  created: number,
  withinMs: number,
): { counted: Counted; counts: true } | undefined {
  const sincePage = created - (before?.page ?? Number.NEGATIVE_INFINITY);
  if (sincePage >= 0 && sincePage < withinMs) return undefined;
  if (Math.abs(created - (before?.call ?? Number.NEGATIVE_INFINITY)) < withinMs) return undefined;
  return { counted: { ...before, call: created, unclaimedMs: withinMs }, counts: true };
}

/** A page is a view of its own, unless one of its calls was counted already; each such call stands for one page. */
function withPage(before: Counted | undefined, created: number): { counted: Counted; counts: boolean } {
  const { call, unclaimedMs, ...rest } = before ?? {};
  if (call === undefined || unclaimedMs === undefined) return { counted: { ...before, page: created }, counts: true };
  const untilCall = call - created;
  if (untilCall < 0 || untilCall >= unclaimedMs) return { counted: { ...before, page: created }, counts: true };
  return { counted: { ...rest, call, page: created }, counts: false };
}
