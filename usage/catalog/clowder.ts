import { z } from 'zod';
import { errorText } from '../../runtime/error-text.ts';
import { retryAfterMs } from '../../runtime/sending/retry-after.ts';
import { meaningOf } from '../../runtime/sending/status.ts';
import { VERSION } from '../../runtime/version.ts';
import type { CatalogEntry } from './catalog.ts';
import type { CatalogState } from './catalog-table.ts';

/** Clowder's description of a dataset; `same`: unchanged since the ETag. */
export type Described =
  | { readonly state: 'found'; readonly entry: CatalogEntry; readonly etag?: string }
  | { readonly state: Exclude<CatalogState, 'found'> | 'same' };

/** Clowder, as the catalog asks it. Each method throws ClowderAway if Clowder does not answer as it should. */
export interface ClowderCatalog {
  dataset(id: string, etag: string | null): Promise<Described>;
  /** The dataset that a file is in; undefined if this version does not say, or the file may not be seen. */
  datasetOfFile(id: string): Promise<string | undefined>;
}

/** Clowder does not answer, or asks to wait. The question itself is not at fault. */
export class ClowderAway extends Error {
  override readonly name = 'ClowderAway';
  readonly code = 'clowder_away';
  /** How long Clowder asks to wait, in milliseconds. */
  readonly afterMs: number | undefined;

  constructor(message: string, afterMs?: number) {
    super(message);
    this.afterMs = afterMs;
  }
}

export interface ClowderOptions {
  /** Scheme, host, port, and the path that precedes every route. */
  readonly url: string;
  /** Key of an account that sees the datasets; without one, Clowder shows only public ones. */
  readonly apiKey?: string | undefined;
  readonly version: 'v1' | 'v2';
  /** Called before each request; resolves when the request may be sent. */
  readonly turn: () => Promise<void>;
  readonly now: () => number;
}

const TIMEOUT_MS = 30_000;
const FILES_AT_ONCE = 500;
const id = z.string().min(1);
/** Clowder's text for a missing name. */
const NO_NAME = /^(?:N\/A)?$/;

const datasetV1 = z.object({
  id,
  name: z.string(),
  created: z.string().optional(),
  authorId: id.optional(),
  spaces: z.array(id).optional(),
});
const userV1 = z.object({ fullName: z.string().optional() });
const filesV1 = z.array(z.object({ id }));

const datasetV2 = z.object({
  id,
  name: z.string(),
  status: z.string().optional(),
  created: z.string().optional(),
  doi: z.string().nullish(),
  creator: z.object({ first_name: z.string().nullish(), last_name: z.string().nullish() }).optional(),
});
const filesV2 = z.object({
  metadata: z.object({ total_count: z.number() }).optional(),
  data: z.array(z.object({ id })),
});
const fileV2 = z.object({ dataset_id: id });

/** Clowder over HTTP. */
export function clowderCatalog(options: ClowderOptions): ClowderCatalog {
  return options.version === 'v1' ? v1(options) : v2(options);
}

function v1(options: ClowderOptions): ClowderCatalog {
  const get = getter(options);
  // The creator of one dataset has often created others.
  const creators = new Map<string, string | undefined>();
  const creatorOf = async (userId: string): Promise<string | undefined> => {
    if (!creators.has(userId)) {
      const answer = await get(`/api/users/${encodeURIComponent(userId)}`);
      creators.set(
        userId,
        answer.body === undefined ? undefined : nameOf(userV1.safeParse(answer.body).data?.fullName),
      );
    }
    return creators.get(userId);
  };
  return {
    async dataset(datasetId, etag) {
      const path = `/api/datasets/${encodeURIComponent(datasetId)}`;
      const answer = await get(path, { etag });
      if (answer.body === undefined) return { state: answer.state };
      const { name, created, authorId, spaces: [space] = [] } = parsed(datasetV1, answer.body, path);
      const creator = authorId === undefined ? undefined : await creatorOf(authorId);
      const files = await get(`${path}/files`);
      // The answer does not say who may see the dataset: a request without a key finds out.
      const isOpen = options.apiKey === undefined || (await get(path, { anonymous: true })).body !== undefined;
      return found(answer.etag, {
        dataset_id: datasetId,
        ...titled(name),
        ...(creator !== undefined && { creators: [{ name: creator }] }),
        ...yearOf(created),
        access: isOpen ? 'Open' : 'Controlled',
        url: `${options.url}/datasets/${datasetId}`,
        ...(space !== undefined && { space_id: space }),
        files: files.body === undefined ? [] : parsed(filesV1, files.body, `${path}/files`).map((file) => file.id),
      });
    },
    datasetOfFile: async () => undefined,
  };
}

function v2(options: ClowderOptions): ClowderCatalog {
  const get = getter(options);
  const filesOf = async (path: string): Promise<readonly string[]> => {
    const files: string[] = [];
    for (;;) {
      const { body } = await get(`${path}/files?skip=${files.length}&limit=${FILES_AT_ONCE}`);
      if (body === undefined) return files;
      const { data, metadata } = parsed(filesV2, body, `${path}/files`);
      files.push(...data.map((file) => file.id));
      if (data.length === 0 || files.length >= (metadata?.total_count ?? 0)) return files;
    }
  };
  return {
    async dataset(datasetId, etag) {
      const path = `/api/v2/${options.apiKey === undefined ? 'public_datasets' : 'datasets'}/${encodeURIComponent(datasetId)}`;
      const answer = await get(path, { etag });
      // For a private dataset, a public route answers 200 and null.
      if (answer.body === undefined || answer.body === null)
        return { state: answer.body === null ? 'forbidden' : answer.state };
      const { name, status, created, doi, creator } = parsed(datasetV2, answer.body, path);
      const who = nameOf([creator?.last_name, creator?.first_name].filter(Boolean).join(', '));
      return found(answer.etag, {
        dataset_id: datasetId,
        ...titled(name),
        ...(who !== undefined && { creators: [{ name: who }] }),
        ...yearOf(created),
        ...(typeof doi === 'string' && isDoi(doi) && { doi: bareDoi(doi) }),
        ...(status !== undefined && { access: status === 'PUBLIC' ? 'Open' : 'Controlled' }),
        url: `${options.url}/${options.apiKey === undefined ? 'public_datasets' : 'datasets'}/${datasetId}`,
        files: [...(await filesOf(path))],
      });
    },
    async datasetOfFile(fileId) {
      const path = `/api/v2/${options.apiKey === undefined ? 'public_files' : 'files'}/${encodeURIComponent(fileId)}`;
      const { body } = await get(path);
      return fileV2.safeParse(body).data?.dataset_id;
    },
  };
}

const found = (etag: string | undefined, entry: CatalogEntry): Described => ({
  state: 'found',
  entry,
  ...(etag !== undefined && { etag }),
});

const nameOf = (name: string | undefined): string | undefined =>
  name === undefined || NO_NAME.test(name.trim()) ? undefined : name.trim();
const titled = (name: string): { title?: string } => {
  const title = nameOf(name);
  return title === undefined ? {} : { title };
};
const bareDoi = (given: string): string => given.trim().replace(/^(?:https?:\/\/(?:dx\.)?doi\.org\/|doi:\s*)/i, '');
const isDoi = (given: string): boolean => /^10\.[1-9]\d{2}[\d.]*\/.+$/.test(bareDoi(given));

/** Year of creation, the only one that Clowder knows. v1 writes `Mon Nov 23 10:00:00 UTC 2026`. */
function yearOf(created: string | undefined): { year?: number } {
  const year = /^(\d{4})-/.exec(created ?? '')?.[1] ?? /(\d{4})$/.exec(created ?? '')?.[1];
  return year === undefined ? {} : { year: Number(year) };
}

interface Got {
  /** The result if there is no body. */
  readonly state: Exclude<CatalogState, 'found'> | 'same';
  readonly body?: unknown;
  readonly etag?: string;
}

type Get = (path: string, how?: { readonly etag?: string | null; readonly anonymous?: boolean }) => Promise<Got>;

function getter({ url, apiKey, turn, now }: ClowderOptions): Get {
  return async (path, { etag = null, anonymous = false } = {}) => {
    await turn();
    const headers = {
      accept: 'application/json',
      'user-agent': `clowder-otel/${VERSION} (catalog)`,
      ...(apiKey !== undefined && !anonymous && { 'x-api-key': apiKey }),
      ...(etag !== null && { 'if-none-match': etag }),
    };
    const response = await fetch(`${url}${path}`, {
      headers,
      // A login page is no answer.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((cause: unknown) => {
      throw new ClowderAway(`${url} does not answer: ${errorText(cause)}`);
    });
    const text = await response.text().catch((cause: unknown) => {
      throw new ClowderAway(`${url}${path} broke off: ${errorText(cause)}`);
    });
    if (response.status === 304) return { state: 'same' };
    if (response.status === 404 || response.status === 410 || response.status === 400) return { state: 'gone' };
    if ([401, 403].includes(response.status) || (response.status >= 300 && response.status < 400))
      return { state: 'forbidden' };
    if (!response.ok) {
      const afterMs = meaningOf(response.status) === 'retry' ? retryAfterMs(response.headers.get('retry-after'), now()) : undefined; // prettier-ignore
      throw new ClowderAway(`${url}${path} answered ${response.status}`, afterMs);
    }
    const tag = response.headers.get('etag');
    return { state: 'gone', body: jsonOf(text, `${url}${path}`), ...(tag !== null && { etag: tag }) };
  };
}

function jsonOf(text: string, from: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ClowderAway(`${from} answered no JSON: is it Clowder?`);
  }
}

function parsed<T>(schema: z.ZodType<T>, body: unknown, path: string): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ClowderAway(`${path} answered something else than this version of Clowder does: ${issue?.path.join('.')} ${issue?.message}`); // prettier-ignore
}
