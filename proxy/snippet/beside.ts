import {
  Agent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import { sendAnswer } from '../own-answers.ts';
import type { ProxyLog } from '../report.ts';

export interface BesideOptions {
  /** The collector's URL, http or https. */
  readonly collector: URL;
  /** Prefix of the script's name on Clowder's site: `/c/`. */
  readonly path: string;
  /** Whether X-Forwarded-For comes from our own proxy in front and is added to. */
  readonly trustForwarded: boolean;
  readonly log: Pick<ProxyLog, 'debug' | 'warn'>;
}

/**
 * Forwards what the pages' script asks for to the collector. Nothing else of the collector is reachable through Clowder's site.
 */
export interface Beside {
  /** @param path of a request, with its query */
  has(path: string): boolean;
  pass(request: IncomingMessage, response: ServerResponse, path: string): void;
  close(): void;
}

/** Names that the script asks for, and their prefix at the collector. */
const NAMES: ReadonlySet<string> = new Set(['v.js', 'v']);
const AT_COLLECTOR = '/c/';
const WAIT_MS = 10_000;
/** Request headers that the collector receives. Cookies are left out: who is logged in is none of the collector's business. */
const TOLD = [
  'origin', 'referer', 'user-agent', 'content-type', 'content-length', 'accept-encoding', 'if-none-match',
  'access-control-request-method', 'access-control-request-headers',
] as const; // prettier-ignore

export function createBeside({ collector, path, trustForwarded, log }: BesideOptions): Beside {
  const isTls = collector.protocol === 'https:';
  const agent = new (isTls ? TlsAgent : Agent)({ keepAlive: true, maxSockets: 64 });
  const ask = isTls ? httpsRequest : httpRequest;
  const nameOf = (target: string): string | undefined => {
    const plain = target.split('?', 1)[0] ?? '';
    const name = plain.startsWith(path) ? plain.slice(path.length) : undefined;
    return name !== undefined && NAMES.has(name) ? name : undefined;
  };
  let failures = 0;

  function pass(request: IncomingMessage, response: ServerResponse, target: string): void {
    const query = target.includes('?') ? target.slice(target.indexOf('?')) : '';
    const asked = ask(new URL(AT_COLLECTOR + (nameOf(target) ?? '') + query, collector), {
      agent,
      method: request.method,
      headers: { ...toldOf(request), 'x-forwarded-for': forwardedFor(request) },
      timeout: WAIT_MS,
    });
    asked.on('timeout', () => asked.destroy(new Error('it did not answer in time')));
    asked.on('response', (answer) => {
      failures = 0;
      if (response.destroyed) {
        answer.resume();
        return;
      }
      const { connection: _connection, 'keep-alive': _keepAlive, 'transfer-encoding': _coding, ...headers } = answer.headers; // prettier-ignore
      response.writeHead(answer.statusCode ?? 502, headers);
      pipeline(answer, response, () => undefined);
    });
    pipeline(request, asked, (error) => {
      if (!error) return;
      failures += 1;
      log[failures === 1 ? 'warn' : 'debug'](
        { reason: error.message, collector: collector.origin },
        "the collector of PROXY_SNIPPET_COLLECTOR did not answer a page's script",
      );
      sendAnswer(request, response, 502, { reason: 'The collector cannot be reached.' });
    });
  }

  function forwardedFor({ headers, socket }: IncomingMessage): string {
    const before = trustForwarded ? headers['x-forwarded-for'] : undefined;
    const peer = socket.remoteAddress ?? '';
    return before === undefined ? peer : `${String(before)}, ${peer}`;
  }

  return { has: (target) => nameOf(target) !== undefined, pass, close: () => agent.destroy() };
}

function toldOf({ headers }: IncomingMessage): OutgoingHttpHeaders {
  return Object.fromEntries(TOLD.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}
