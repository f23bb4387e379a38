export interface Check {
  readonly ok: boolean;
  readonly reason?: string | undefined;
  readonly [detail: string]: unknown;
}
export interface Readiness {
  readonly status: 'ready' | 'degraded' | 'unavailable';
  /** Undefined if there is nothing to check, such as usage that is not counted. */
  readonly checks: Readonly<Record<string, Check | undefined>>;
}
export interface Source {
  readonly source: string;
  readonly last_ms: number;
  readonly silent_s: number;
  readonly usual_s: number | null;
  readonly longest_s: number | null;
  readonly events: number;
  readonly unusual: boolean;
}
export interface Reading {
  readonly target: string;
  readonly component: string | null;
  readonly probe: string | null;
  readonly healthy: boolean;
  readonly at_ms: number;
  readonly since_ms: number;
  readonly stale: boolean;
  readonly error: string | null;
  readonly measures: Readonly<Record<string, number | boolean | string>>;
}
export interface Program {
  readonly name: string;
  readonly url: string;
  readonly ready: boolean | null;
  readonly reason: string | null;
  readonly at_ms: number | null;
}
export interface Overview {
  readonly now_ms: number;
  readonly version: string;
  readonly readiness: Readiness;
  readonly backlog: {
    readonly events: number;
    readonly exact: boolean;
    readonly oldest_s: number | null;
    readonly bytes: number;
  };
  readonly held: readonly {
    readonly reason: string;
    readonly type: string;
    readonly events: number;
    readonly since_ms: number;
  }[];
  readonly rejected: number;
  readonly complete: boolean;
  readonly sources: readonly Source[];
  readonly probes: readonly Reading[];
  readonly programs: readonly Program[];
  readonly traces_url: string | null;
}
export type Row = Readonly<Record<string, string | number | null>>;
export interface Stats {
  readonly period: { readonly from: string; readonly to: string };
  readonly time_zone: string;
  readonly counted_until: string | null;
  readonly totals: Readonly<Record<string, number | null>>;
  readonly rows: readonly Row[];
  /** Names of datasets, files, spaces, collections and users, by id, if known. */
  readonly names?: Readonly<Record<string, string>> | undefined;
  readonly before?: { readonly totals: Readonly<Record<string, number | null>> } | undefined;
}
export type ClowderEvent = Readonly<Record<string, unknown>> & {
  readonly event: string;
  readonly event_id: string;
  readonly created: number;
};
export interface Session {
  /** Null if the collector has no keys. */
  readonly key: string | null;
  readonly scopes: readonly string[];
}
export interface Rejected {
  readonly id: number;
  readonly atMs: number;
  readonly code: string;
  readonly message: string;
  readonly record: string;
  readonly origin: string;
  readonly sender?: string | undefined;
}
export interface Held {
  readonly id: number;
  readonly type: string;
  readonly since_ms: number;
  readonly event: string;
}
export interface DeadQueue {
  readonly sink: string;
  readonly messages: number;
}
export interface DeadLetter {
  readonly id: string;
  readonly type: string;
  readonly class: string;
  readonly reason: string;
  readonly time: string;
  readonly source: string;
  readonly event: string;
}

/**
 * The collector's answers to GET, by the path in `/openapi.json`. The dashboard imports nothing from the collector:
 * `test/unit/dashboard/answers.test.ts` makes the compiler compare these with the collector's own types.
 */
export interface Answers {
  readonly '/api/v1/overview': Overview;
  readonly '/api/v1/stats': Stats;
  readonly '/api/v1/events': { readonly events: readonly ClowderEvent[] };
  readonly '/api/v1/session': Session;
  readonly '/api/v1/rejected': { readonly rejected: readonly Rejected[] };
  readonly '/api/v1/held': { readonly held: readonly Held[] };
  readonly '/api/v1/dead': { readonly queues: readonly DeadQueue[] };
  readonly '/api/v1/dead/{sink}': { readonly letters: readonly DeadLetter[] };
  readonly '/schemas': { readonly schemas: readonly string[] };
}

/** Body and answer of each POST. */
export interface Acts {
  readonly '/api/v1/session': { readonly body: { readonly key: string }; readonly answer: Session };
  readonly '/api/v1/rejected/replay': {
    readonly body: { readonly ids?: readonly number[] };
    readonly answer: { readonly accepted: number; readonly rejected: number };
  };
  readonly '/api/v1/rejected/discard': {
    readonly body: { readonly ids: readonly number[] };
    readonly answer: { readonly discarded: number };
  };
  readonly '/api/v1/held/retry': {
    readonly body: undefined;
    readonly answer: { readonly published: number; readonly held: number };
  };
  readonly '/api/v1/dead/replay': {
    readonly body: { readonly sink: string; readonly ids?: readonly string[] };
    readonly answer: { readonly moved: number; readonly left: number; readonly reason: string };
  };
}

type Parameters<Path extends string> = Path extends `${infer Before}{${string}}${infer After}`
  ? `${Before}${string}${After}`
  : Path;
type UrlOf<Path extends string> = Parameters<Path> | `${Parameters<Path>}?${string}`;
/** The URLs that can be requested. */
export type Question = { [Path in keyof Answers]: UrlOf<Path> }[keyof Answers];
/** Type of a URL's answer. */
export type AnswerTo<Url extends string> = {
  [Path in keyof Answers]: Url extends UrlOf<Path> ? Answers[Path] : never;
}[keyof Answers];

/** A failed request: the API's `code`, or `no_answer`. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Header that a page of another site cannot send: see the collector's guard. */
const PAGE = { 'x-clowder-otel-page': '1' };

/** @throws ApiError */
export async function ask<Url extends Question>(url: Url, signal?: AbortSignal): Promise<AnswerTo<Url>> {
  return (await send(url, { method: 'GET', signal })) as AnswerTo<Url>;
}

/** @throws ApiError */
export async function act<Path extends keyof Acts>(
  path: Path,
  body: Acts[Path]['body'],
): Promise<Acts[Path]['answer']> {
  return (await send(path, { method: 'POST', body })) as Acts[Path]['answer'];
}

/** @throws ApiError */
export const endSession = (): Promise<unknown> => send('/api/v1/session', { method: 'DELETE' });

async function send(
  url: string,
  { method, body, signal }: { method: string; body?: unknown; signal?: AbortSignal | undefined },
): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    headers: body === undefined ? PAGE : { ...PAGE, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'no_answer', 'The collector does not answer');
  });
  const text = await answer.text();
  const said: unknown = text === '' ? undefined : parse(text);
  if (answer.ok) return said;
  const problem = typeof said === 'object' && said !== null ? (said as { code?: unknown; detail?: unknown }) : {};
  throw new ApiError(
    answer.status,
    typeof problem.code === 'string' ? problem.code : 'no_answer',
    typeof problem.detail === 'string' ? problem.detail : `The collector answers ${answer.status}`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
