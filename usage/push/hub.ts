import { errorText } from '../../runtime/error-text.ts';
import { backOff, heeding } from '../../runtime/sending/back-off.ts';
import type { Clock } from '../../runtime/sending/clock.ts';
import { post, type PostAnswer } from '../../runtime/sending/post.ts';
import { VERSION } from '../../runtime/version.ts';
import type { Part } from './parts.ts';

export interface HubOptions {
  readonly url: string;
  readonly token: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

/** The hub did not take a report; the message has its reason. */
export class HubError extends Error {
  override readonly name = 'HubError';
  readonly code = 'hub_refused';
}

const TRIES = 5;
const PAUSE = { first: 2000, longest: 60_000 };
const TIMEOUT_MS = 120_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** DataCite's hub. */
export interface Hub {
  /** @returns the report's id at the hub. @throws HubError */
  create(part: Part): Promise<string>;
  /** Replaces the report with that id. @throws HubError */
  replace(id: string, part: Part): Promise<string>;
}

export function createHub(options: HubOptions): Hub {
  const { url } = options;
  return {
    create: async (part) => idOf(await send(options, 'POST', `${url}/reports`, part)),
    async replace(id, part) {
      await send(options, 'PUT', `${url}/reports/${id}`, part);
      return id;
    },
  };
}

/** Sends until the hub takes or refuses the report; retries failures that may pass. */
async function send(options: HubOptions, method: 'POST' | 'PUT', url: string, part: Part): Promise<PostAnswer> {
  const { token, clock, random, signal } = options;
  for (let tries = 1; ; tries += 1) {
    let why: string;
    let wishMs: number | undefined;
    try {
      const answer = await post({
        method,
        url,
        headers: {
          ...part.headers,
          accept: 'application/json',
          authorization: `Bearer ${token}`,
          'user-agent': `clowder-otel/${VERSION}`,
        },
        body: part.body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        now: () => clock.now(),
        secrets: [token],
      });
      const { outcome } = answer;
      if (outcome.kind === 'accepted') return answer;
      if (outcome.kind !== 'retry') throw new HubError(`${method} ${url}: ${wordsOf(answer)}${cureOf(answer.status)}`);
      why = wordsOf(answer);
      wishMs = outcome.afterMs;
    } catch (error) {
      if (error instanceof HubError) throw error;
      why = errorText(error);
    }
    if (tries >= TRIES || signal.aborted) throw new HubError(`${method} ${url}: ${why}; tried ${tries} times, run it again later`); // prettier-ignore
    await clock.wait(heeding(wishMs, backOff(tries, PAUSE, random)), signal);
  }
}

/** The hub's own errors, each with its subject. */
function wordsOf({ status, text }: PostAnswer): string {
  const told = errorsOf(text).slice(0, 5);
  return `it answered ${status}${told.length === 0 ? (text === '' ? '' : `: ${text.slice(0, 500)}`) : `: ${told.join('; ')}`}`;
}

function errorsOf(text: string): readonly string[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return [];
  }
  if (typeof body !== 'object' || body === null) return [];
  if (!('errors' in body)) return Object.entries(body).map(([name, value]) => `${name}: ${[value].flat().join(', ')}`);
  return [body.errors].flat().map((error: unknown) => {
    if (typeof error !== 'object' || error === null) return String(error);
    const { source, title, detail } = error as Readonly<Record<string, unknown>>;
    return [source, title ?? detail].filter((one) => typeof one === 'string').join(': ') || JSON.stringify(error);
  });
}

function cureOf(status: number): string {
  if (status === 401) return '. REPORT_HUB_TOKEN is not known there, or has expired: ask DataCite for a new one';
  if (status === 403) return '. The token may not change this report: it is of another repository';
  return '';
}

function idOf({ text }: PostAnswer): string {
  const body: unknown = JSON.parse(text);
  const inside = typeof body === 'object' && body !== null && 'report' in body ? body.report : body;
  const id = typeof inside === 'object' && inside !== null && 'id' in inside ? inside.id : undefined;
  if (typeof id === 'string' && UUID.test(id)) return id;
  throw new HubError(`The hub took the report and told no id of it: ${text.slice(0, 200)}`);
}
