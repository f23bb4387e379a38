import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

interface Turn {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly begin: () => void;
}

/** What one client's connection has sent: the request under way, and those behind it in the order of their coming. */
interface Line {
  current: Turn | undefined;
  waiting: Turn[];
  /** What comes when all of these are over. */
  follow?: () => void;
}

/** So many requests may wait on a connection; behind them no more are read, until there is room again. */
const READ_AHEAD = 8;

/**
 * Requests of a client's connection take turns: one begins when the answer to the one before it has left (RFC 9112,
 * section 9.3.2). So a client that sends many in one go takes one connection to Clowder, and two changes of one thing
 * happen in the order in which it asked for them.
 */
export class Turns {
  readonly #lines = new WeakMap<Duplex, Line>();

  /** @param begin called at once if nothing is under way on the connection, else when its turn comes, if it does */
  take(socket: Duplex, request: IncomingMessage, response: ServerResponse, begin: () => void): void {
    const line = this.#lineOf(socket);
    const turn = { request, response, begin };
    if (line.current === undefined) this.#begin(socket, line, turn);
    else {
      line.waiting.push(turn);
      if (isLong(line)) socket.pause();
    }
  }

  /** Has another read what follows on the connection, when what was read before is answered; at once if nothing was. */
  after(socket: Duplex, follow: () => void): void {
    const line = this.#lines.get(socket);
    if (line?.current === undefined) follow();
    else line.follow = follow;
  }

  /**
   * What follows on the connection is not a request: those that were read in full before it are answered, and the last
   * answer ends the connection.
   *
   * @returns false if there is no such request
   */
  endAfterThese(socket: Duplex): boolean {
    const line = this.#lines.get(socket);
    if (line?.current === undefined) return false;
    line.waiting = line.waiting.filter(({ request }) => request.complete);
    const last = line.waiting.at(-1) ?? line.current;
    if (!last.request.complete) return false;
    // The head that has left already says that the connection stays.
    if (last.response.headersSent) last.response.once('finish', () => destroySoon(socket));
    else last.response.shouldKeepAlive = false;
    return true;
  }

  #lineOf(socket: Duplex): Line {
    const known = this.#lines.get(socket);
    if (known !== undefined) return known;
    const line: Line = { current: undefined, waiting: [] };
    this.#lines.set(socket, line);
    // Node goes on reading with each request that ends.
    socket.on('resume', () => {
      if (isLong(line)) socket.pause();
    });
    return line;
  }

  #begin(socket: Duplex, line: Line, turn: Turn): void {
    line.current = turn;
    turn.response.once('close', () => this.#next(socket, line));
    turn.begin();
  }

  #next(socket: Duplex, line: Line): void {
    line.current = undefined;
    // Nobody could read the answers.
    if (!socket.writable) line.waiting = [];
    const turn = line.waiting.shift();
    if (turn === undefined) {
      line.follow?.();
      return;
    }
    if (!isLong(line) && socket.isPaused()) socket.resume();
    this.#begin(socket, line, turn);
  }
}

const isLong = ({ waiting }: Line): boolean => waiting.length > READ_AHEAD;

function destroySoon(socket: Duplex): void {
  if ('destroySoon' in socket && typeof socket.destroySoon === 'function') socket.destroySoon();
  else socket.destroy();
}
