import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

interface Turn {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly begin: () => void;
}

/** The requests of one client's connection: the one under way, and those after it in order of arrival. */
interface Line {
  current: Turn | undefined;
  waiting: Turn[];
  /** Called when all of these are over. */
  follow?: () => void;
}

/** Requests that may wait on a connection; beyond this number, reading pauses until there is room. */
const READ_AHEAD = 8;

/**
 * Lets the requests of a client's connection take turns: each begins once the previous answer has been sent (RFC 9112, section
 * 9.3.2). A client that sends many at once then uses one connection to Clowder, and its changes happen in the order in which it
 * sent them.
 */
export class Turns {
  readonly #lines = new WeakMap<Duplex, Line>();

  /** @param begin called at once if nothing is under way on the connection, else when its turn comes, if ever */
  take(socket: Duplex, request: IncomingMessage, response: ServerResponse, begin: () => void): void {
    const line = this.#lineOf(socket);
    const turn = { request, response, begin };
    if (line.current === undefined) this.#begin(socket, line, turn);
    else {
      line.waiting.push(turn);
      if (isLong(line)) socket.pause();
    }
  }

  /** Calls `follow` once all requests read so far are answered; at once if there are none. */
  after(socket: Duplex, follow: () => void): void {
    const line = this.#lines.get(socket);
    if (line?.current === undefined) follow();
    else line.follow = follow;
  }

  /**
   * Call when the connection continues with something that is no request. Requests already read in full are answered, and the
   * last answer ends the connection.
   *
   * @returns false if there is no such request
   */
  endAfterThese(socket: Duplex): boolean {
    const line = this.#lines.get(socket);
    if (line?.current === undefined) return false;
    line.waiting = line.waiting.filter(({ request }) => request.complete);
    const last = line.waiting.at(-1) ?? line.current;
    if (!last.request.complete) return false;
    // The head already sent says that the connection stays open.
    if (last.response.headersSent) last.response.once('finish', () => destroySoon(socket));
    else last.response.shouldKeepAlive = false;
    return true;
  }

  #lineOf(socket: Duplex): Line {
    const known = this.#lines.get(socket);
    if (known !== undefined) return known;
    const line: Line = { current: undefined, waiting: [] };
    this.#lines.set(socket, line);
    // Node resumes reading at the end of each request.
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
    // The client could not read the answers.
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
