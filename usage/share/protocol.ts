import type { VerdictOptions } from '../rules/verdict.ts';
import type { StoredEvent } from '../store/columns.ts';
import type { AnswerRow } from '../store/engine.ts';
import type { CatalogPlaces, Contents, Ingested } from '../store/usage-store.ts';

/**
 * Calls to the process that has the store, over a socket beside the store: the methods of `UsageStore`. Both sides write one
 * JSON value per line. The store's process writes its version first: both must have the same.
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

/** From the caller. */
export type Call = {
  readonly [Name in CallName]: { readonly id: number; readonly call: Name; readonly args: Calls[Name]['args'] };
}[CallName];

/** From the process that has the store. */
export type Said =
  | { readonly version: string }
  | { readonly id: number; readonly done: number; readonly total: number }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

/** Path of the socket of the process that has a store in a file. */
export const socketOf = (store: string): string => `${store}.sock`;
