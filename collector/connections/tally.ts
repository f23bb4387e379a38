import type { AccessLine } from './access-line.ts';

/** The figures of one kind of client in a window; absent if no line had them. */
export interface Counts {
  readonly requests: number;
  readonly connections?: number;
  readonly newConnections?: number;
  readonly uniqueClients?: number;
  readonly bytes?: number;
  /** Answers by the first digit of their status. */
  readonly responses: Readonly<Record<1 | 2 | 3 | 4 | 5, number>>;
}

/** A set whose members are counted, so that each can be removed as often as it was added. */
class Bag {
  readonly #counts = new Map<string, number>();

  get size(): number {
    return this.#counts.size;
  }

  change(member: string, by: 1 | -1): void {
    const count = (this.#counts.get(member) ?? 0) + by;
    if (count === 0) this.#counts.delete(member);
    else this.#counts.set(member, count);
  }
}

/** Counts access-log lines, and uncounts those that could not be saved. */
export class Tally {
  #requests = 0;
  #opened = 0;
  #withBytes = 0;
  #bytes = 0;
  readonly #responses = [0, 0, 0, 0, 0, 0];
  readonly #clients = new Bag();
  readonly #connections = new Bag();

  add(line: AccessLine): void {
    this.#change(line, 1);
  }

  takeBack(line: AccessLine): void {
    this.#change(line, -1);
  }

  counts(): Counts {
    const [, one = 0, two = 0, three = 0, four = 0, five = 0] = this.#responses;
    return {
      requests: this.#requests,
      responses: { 1: one, 2: two, 3: three, 4: four, 5: five },
      ...(this.#connections.size > 0 && { connections: this.#connections.size, newConnections: this.#opened }),
      ...(this.#clients.size > 0 && { uniqueClients: this.#clients.size }),
      ...(this.#withBytes > 0 && { bytes: this.#bytes }),
    };
  }

  #change({ bytes, client, connection, opens, statusClass }: AccessLine, by: 1 | -1): void {
    this.#requests += by;
    this.#responses[statusClass] = (this.#responses[statusClass] ?? 0) + by;
    if (client !== undefined) this.#clients.change(client, by);
    if (connection !== undefined) {
      this.#connections.change(connection, by);
      if (opens) this.#opened += by;
    }
    if (bytes === undefined) return;
    this.#bytes += by * bytes;
    this.#withBytes += by;
  }
}
