/** Clowder did not answer properly: the request, and what went wrong; no secrets. */
export class ClowderApiError extends Error {
  override readonly name = 'ClowderApiError';
  readonly code = 'clowder_api';
  /** Undefined if there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** GET of a path at Clowder. @throws ClowderApiError */
export type GetJson = (path: string) => Promise<unknown>;

/** Clowder does not have it, or does not show it to this user. */
const NOT_SHOWN: ReadonlySet<number | undefined> = new Set([400, 403, 404, 422]);

/** @returns undefined if Clowder does not have it or does not show it @throws ClowderApiError otherwise */
export async function orUndefined(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ClowderApiError && NOT_SHOWN.has(error.status)) return undefined;
    throw error;
  }
}

export interface ClowderApiOptions {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly version: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A larger answer cannot be the right one, in bytes. */
const MAX_ANSWER = 16 * 2 ** 20;

/**
 * Queries Clowder. The User-Agent marks us as a bot (taxonomy/client.ts), so that our requests never count as a person's. The
 * key goes in a header, and never to another host by a redirect.
 */
export function createGetJson({ url, apiKey, version, timeoutMs, signal }: ClowderApiOptions): GetJson {
  const headers: Record<string, string> = {
    'user-agent': `clowder-otel-monitor/${version}`,
    accept: 'application/json',
  };
  if (apiKey !== undefined) headers['x-api-key'] = apiKey;
  return async (path) => {
    const what = `GET ${path.replace(/\?.*/, '')}`;
    try {
      const response = await fetch(url + path, {
        headers,
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      const body = await readBounded(response, what);
      if (response.status !== 200) throw new ClowderApiError(`${what} answered ${response.status}`, response.status);
      return JSON.parse(body) as unknown;
    } catch (error) {
      if (error instanceof ClowderApiError) throw error;
      const reason = error instanceof SyntaxError ? 'an answer that is not JSON' : causeOf(error);
      throw new ClowderApiError(`${what} gave ${reason}`, undefined, { cause: error });
    }
  };
}

async function readBounded(response: Response, what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > MAX_ANSWER) throw new ClowderApiError(`${what} gave more than ${MAX_ANSWER} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'no answer';
  const cause = error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : error.name;
  return `no answer (${cause})`;
}
