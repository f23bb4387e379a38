import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** The journal's events by id: not yet published, held, and set aside with a reason. */
export interface Kept {
  readonly waiting: ReadonlySet<string>;
  readonly held: ReadonlySet<string>;
  readonly aside: ReadonlySet<string>;
}

/** Tables that hold events, as far as this version has them. */
const HELD: Readonly<Record<string, string>> = {
  held: "SELECT line FROM held WHERE reason <> 'remembered'",
  held_event: 'SELECT line FROM held_event',
};
/** More lines than any row has. */
const ROW = 100_000;
const decoder = new TextDecoder();

/** Reads the committed journal from outside, whichever process runs. */
export class KeptEvents {
  /** Each event's position in the journal's order. */
  readonly positions = new Map<string, number>();
  readonly #cursor: StatementSync;
  readonly #rows: StatementSync;
  readonly #held: readonly StatementSync[];
  readonly #aside: StatementSync;
  #lastRow = 0;

  constructor(database: DatabaseSync) {
    const tables = database.prepare('SELECT name FROM sqlite_master').all();
    this.#cursor = database.prepare('SELECT row, line FROM cursor');
    this.#rows = database.prepare('SELECT row, lines FROM batch WHERE row > ?');
    this.#held = tables.flatMap(({ name }) => HELD[String(name)] ?? []).map((sql) => database.prepare(sql));
    this.#aside = database.prepare("SELECT record AS line FROM rejected WHERE origin = 'publisher'");
  }

  /** Records the positions of events added since the last look. */
  look(): void {
    for (const { id, row, index } of this.#events(this.#lastRow)) {
      if (!this.positions.has(id)) this.positions.set(id, row * ROW + index);
      this.#lastRow = Math.max(this.#lastRow, row);
    }
  }

  read(): Kept {
    const cursor = this.#cursor.get();
    const [row, line] = [Number(cursor?.['row'] ?? 0), Number(cursor?.['line'] ?? 0)];
    const waiting = new Set<string>();
    this.look();
    for (const { id, row: at, index } of this.#events(row - 1))
      if (at > row || (at === row && index >= line)) waiting.add(id);
    const held = new Set(this.#held.flatMap((statement) => idsOf(statement)));
    return { waiting, held, aside: new Set(idsOf(this.#aside)) };
  }

  *#events(afterRow: number): Generator<{ readonly id: string; readonly row: number; readonly index: number }> {
    for (const found of this.#rows.iterate(afterRow)) {
      const lines = found['lines'] instanceof Uint8Array ? decoder.decode(found['lines']).split('\n') : [];
      for (const [index, one] of lines.entries()) yield { id: idOf(one), row: Number(found['row']), index };
    }
  }
}

function idsOf(statement: StatementSync): string[] {
  return statement.all().map((found) => idOf(String(found['line'])));
}

/** The id comes first in every line. */
function idOf(line: string): string {
  return /^\{"event_id":"([^"\\]*)"/.exec(line)?.[1] ?? line;
}
