/** As the collector's API answers; see `/openapi.json`. */
export interface Check {
  readonly ok: boolean;
  readonly reason?: string;
  readonly [detail: string]: unknown;
}
export interface Readiness {
  readonly status: 'ready' | 'degraded' | 'unavailable';
  readonly checks: Readonly<Record<string, Check>>;
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
  /** Names of datasets, files, spaces, collections and users, by their ids, as far as they are known. */
  readonly names?: Readonly<Record<string, string>>;
  readonly before?: { readonly totals: Readonly<Record<string, number | null>> };
}
export type ClowderEvent = Readonly<Record<string, unknown>> & {
  readonly event: string;
  readonly event_id: string;
  readonly created: number;
};
export interface Session {
  /** Null where no key is made. */
  readonly key: string | null;
  readonly scopes: readonly string[];
}

/** An answer that is none: `code` of the API, or `no_answer`. */
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

/** What a page of another site cannot send: see the collector's guard. */
const PAGE = { 'x-clowder-otel-page': '1' };

/** @throws ApiError */
export async function call<Answer>(
  url: string,
  { method = 'GET', body, signal }: { method?: string; body?: unknown; signal?: AbortSignal } = {},
): Promise<Answer> {
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
  // A 503 of /readyz is an answer; of others it is none.
  if (answer.ok) return said as Answer;
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
