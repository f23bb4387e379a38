import type { IncomingMessage } from 'node:http';
import { Busboy } from '@fastify/busboy';

/** How much of a body is kept; the rest is only counted. */
const KEPT = 1024 * 1024;

/** A file in a multipart body. */
export interface Part {
  readonly field: string;
  readonly name: string;
  readonly contentType: string;
  readonly size: number;
  readonly content: Buffer;
}

export interface Body {
  /** Parsed JSON; undefined if there is none. */
  readonly json: unknown;
  /** Form fields; if one is repeated, the last value. */
  readonly fields: ReadonlyMap<string, string>;
  readonly parts: readonly Part[];
}

/** A request as an answer maker sees it. */
export interface Asked {
  readonly method: string;
  /** Path and query as sent. */
  readonly url: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly header: (name: string) => string | undefined;
  /** Scheme, host and context path as the client named them; Clowder's own URLs begin with it. */
  readonly site: string;
  readonly body: Body;
}

const EMPTY: Body = { json: undefined, fields: new Map(), parts: [] };

/**
 * Reads a request's body to its end.
 *
 * @throws Error if the body does not match its Content-Type
 */
export async function readBody(request: IncomingMessage): Promise<Body> {
  const type = request.headers['content-type'] ?? '';
  if (/^multipart\/form-data/i.test(type)) return await readMultipart(request, type);
  const { content } = await collect(request);
  if (content.length === 0) return EMPTY;
  const text = content.toString();
  if (/^application\/x-www-form-urlencoded/i.test(type))
    return { ...EMPTY, fields: new Map(new URLSearchParams(text)) };
  return /json/i.test(type) ? { ...EMPTY, json: JSON.parse(text) as unknown } : EMPTY;
}

async function collect(stream: AsyncIterable<unknown>): Promise<{ content: Buffer; size: number }> {
  const kept: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    if (!Buffer.isBuffer(chunk)) continue;
    if (size < KEPT) kept.push(chunk.subarray(0, KEPT - size));
    size += chunk.length;
  }
  return { content: Buffer.concat(kept), size };
}

async function readMultipart(request: IncomingMessage, type: string): Promise<Body> {
  const fields = new Map<string, string>();
  const parts: Promise<Part>[] = [];
  const busboy = new Busboy({ headers: { 'content-type': type }, limits: { fileSize: Infinity } });
  busboy.on('field', (name, value) => fields.set(name, value));
  busboy.on('file', (field, stream, name, _encoding, contentType) => {
    parts.push(collect(stream).then(({ content, size }) => ({ field, name, contentType, size, content })));
  });
  await new Promise<void>((resolve, reject) => {
    busboy.once('finish', resolve).once('error', reject);
    request.once('error', reject).pipe(busboy);
  });
  return { json: undefined, fields, parts: await Promise.all(parts) };
}

/** A text field in the request's JSON or form; undefined if absent. */
export function given({ body }: Asked, name: string): string | undefined {
  const { json } = body;
  const value = typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[name] : undefined;
  return typeof value === 'string' ? value : body.fields.get(name);
}

/** A list of texts in the request's JSON; empty if absent. */
export function givenList({ body }: Asked, name: string): readonly string[] {
  const { json } = body;
  const value = typeof json === 'object' && json !== null ? (json as Record<string, unknown>)[name] : undefined;
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
