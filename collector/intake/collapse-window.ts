import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { PIECES_WITHIN_MS } from '../../taxonomy/folding/pieces.ts';
import { VIEW_WITHIN_S } from '../../taxonomy/folding/views.ts';
import { viewKeyOf } from '../../taxonomy/map/keys.ts';
import type { Collapse, Denial } from '../../taxonomy/map/candidate.ts';

/** When a client was last counted as viewing a resource, by event time, in milliseconds. */
interface Counted {
  readonly page?: number;
  readonly call?: number;
  /** Set if the call was counted before its page was seen: how long before the call that page may have begun. */
  readonly unclaimedMs?: number;
  /** A call found nothing to show. Pages that began within this time before the call are not views. */
  readonly denied?: Denial;
  /** The first and the last piece of a download. */
  readonly pieces?: readonly [firstMs: number, lastMs: number];
}

/** What is known of a key after an observation, and whether the observation counted. */
interface Outcome {
  readonly counted: Counted;
  readonly counts: boolean;
}

const ENTRIES_MAX = 100_000;
const NEVER = Number.NEGATIVE_INFINITY;

/** How each kind of observation is counted. Several observations may belong to one event. */
const COUNTED_AS = {
  piece: (before, createdMs) => withPiece(before, createdMs),
  page: (before, createdMs) => withPage(before, createdMs),
  call: (before, createdMs, { withinMs = 0 }) => withCall(before, createdMs, withinMs),
} as const satisfies Record<
  Collapse['as'],
  (before: Counted | undefined, createdMs: number, collapse: Collapse) => Outcome
>;

/**
 * Decides which views of a resource, and which pieces of a file, by one client are one event. A page of Clowder v2 calls
 * the API up to three times. Those calls belong to the page's view; if the web application changed the page without loading
 * it, they are one view of their own. Observations may arrive in any order.
 */
export class CollapseWindow {
  readonly #counted = new Map<string, Counted>();

  /**
   * Counts an observation, unless it belongs to one that was counted.
   *
   * @returns whether it counts, and a function that undoes the counting
   */
  count(collapse: Collapse, createdMs: number): { readonly counts: boolean; readonly undo: () => void } {
    const beganMs = createdMs - (collapse.leadMs ?? 0);
    const { counted, counts } = COUNTED_AS[collapse.as](this.#counted.get(collapse.key), beganMs, collapse);
    return { counts, undo: this.#set(collapse.key, counted) };
  }

  /** Records that a page found nothing to show. @returns a function that undoes it */
  deny(denial: Denial): () => void {
    const { page, ...rest } = this.#counted.get(denial.key) ?? {};
    const isDenied = page !== undefined && isOfPage(denial, page);
    return this.#set(denial.key, { ...rest, ...(page !== undefined && !isDenied && { page }), denied: denial });
  }

  /** Restores a view counted before a restart. Its URL tells whether it was a call, or a page that may have had calls. */
  restore(body: FlatBody): void {
    const key = body.event === 'view.resource' ? viewKeyOf(body) : undefined;
    if (key === undefined) return;
    const { created } = body;
    const isCall = String(body['url']).includes('/api/v2/');
    this.#set(key, isCall ? { call: created, unclaimedMs: VIEW_WITHIN_S * 1000 } : { page: created, call: created });
  }

  /** The period of the counted pieces; undefined if there are none. */
  piecesOf(key: string): readonly [firstMs: number, lastMs: number] | undefined {
    return this.#counted.get(key)?.pieces;
  }

  /** Restores pieces that were counted before a restart. */
  restorePieces(key: string, pieces: readonly [firstMs: number, lastMs: number]): void {
    this.#set(key, { pieces });
  }

  #set(key: string, counted: Counted): () => void {
    const before = this.#counted.get(key);
    this.#counted.delete(key);
    this.#counted.set(key, counted);
    if (this.#counted.size > ENTRIES_MAX) {
      const oldest = this.#counted.keys().next();
      if (oldest.done !== true) this.#counted.delete(oldest.value);
    }
    return () => {
      if (before === undefined) this.#counted.delete(key);
      else this.#counted.set(key, before);
    };
  }
}

/** Whether a page that began at `createdMs` may have made the denied call. */
export const isOfPage = ({ atMs, withinMs }: Denial, createdMs: number): boolean =>
  atMs - createdMs >= 0 && atMs - createdMs < withinMs;

/** A piece belongs to any other that began shortly before or after it. */
function withPiece(before: Counted | undefined, created: number): Outcome {
  const [first, last] = before?.pieces ?? [NEVER, NEVER];
  const isOneMore = created > first - PIECES_WITHIN_MS && created < last + PIECES_WITHIN_MS;
  const pieces = isOneMore
    ? ([Math.min(first, created), Math.max(last, created)] as const)
    : ([created, created] as const);
  return { counted: { ...before, pieces }, counts: !isOneMore };
}

/** A call belongs to a page that began before it, and to another call before or after it. */
function withCall(before: Counted | undefined, created: number, withinMs: number): Outcome {
  const sincePage = created - (before?.page ?? NEVER);
  const isOfThatPage = sincePage >= 0 && sincePage < withinMs;
  if (isOfThatPage || Math.abs(created - (before?.call ?? NEVER)) < withinMs)
    return { counted: before ?? {}, counts: false };
  return { counted: { ...before, call: created, unclaimedMs: withinMs }, counts: true };
}

/** A page is a view of its own, unless one of its calls was counted already. Each such call stands for one page. */
function withPage(before: Counted | undefined, created: number): Outcome {
  if (before?.denied !== undefined && isOfPage(before.denied, created)) return { counted: before, counts: false };
  const { call, unclaimedMs, ...rest } = before ?? {};
  if (call === undefined || unclaimedMs === undefined) return { counted: { ...before, page: created }, counts: true };
  const untilCall = call - created;
  if (untilCall < 0 || untilCall >= unclaimedMs) return { counted: { ...before, page: created }, counts: true };
  return { counted: { ...rest, call, page: created }, counts: false };
}
