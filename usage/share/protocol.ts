import type { VerdictOptions } from '../rules/verdict.ts';
import type { StoredEvent } from '../store/columns.ts';
import type { AnswerRow } from '../store/engine.ts';
import type { CatalogPlaces, Contents, Ingested } from '../store/usage-store.ts';

/**
 * What can be asked of the process that has the store, over a socket beside it: what `UsageStore` has, a call each. Both
 * sides write one JSON value a line. The one that has the store begins, with its version: both must be of the same.
 */
export interface Calls {
  ingest: { args: { events: readonly StoredEvent[]; marks: Readonly<Record<string, string>> }; result: Ingested };
  mark: { args: { name: string }; result: string | null };
  verdicts: { args: VerdictOptions; result: string };
  contents: { args: object; result: Contents };
  place: { args: CatalogPlaces; result: null };
  rebuild: { args: object; result: null };
  forget: { args: { userId: string }; result: number };
  dropBefore: { args: { ms: number }; result: number };
  query: { args: { sql: string }; result: readonly AnswerRow[] };
  run: { args: { statements: readonly string[] }; result: null };
}
export type CallName = keyof Calls;

/** Of whoever asks. */
export type Call = {
  readonly [Name in CallName]: { readonly id: number; readonly call: Name; readonly args: Calls[Name]['args'] };
}[CallName];

/** Of whoever has the store. */
export type Said =
  | { readonly version: string }
  | { readonly id: number; readonly done: number; readonly total: number }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

/** Where the process that has a store in a file is asked. */
export const socketOf = (store: string): string => `${store}.sock`;
