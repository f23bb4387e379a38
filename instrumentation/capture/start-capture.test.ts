import type { IncomingHttpHeaders } from 'node:http';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { derivedEventId } from '../../taxonomy/event-id.ts';
import { startCapture } from './start-capture.ts';
import type { Capture, CaptureOptions, CaptureResult, RequestHead } from './types.ts';

const ID = '5f1e00000000000000000001';
const OTHER = '5f1e00000000000000000002';
const TRACE = '0af7651916cd43dd8448eb211c80319c';

interface Exchange {
  readonly sent?: IncomingHttpHeaders;
  readonly body?: string | Uint8Array;
  readonly status?: number;
  readonly answered?: Readonly<Record<string, string>>;
  readonly answer?: string | Uint8Array;
  readonly complete?: boolean;
  readonly options?: Partial<CaptureOptions>;
  readonly head?: Partial<RequestHead>;
}

/** Sends `METHOD /target` through a capture, bodies cut into small chunks. */
function exchange(line: string, seen: Exchange = {}): CaptureResult & { readonly capture: Capture } {
  const [method = '', target = ''] = line.split(' ');
  const capture = startCapture(
    {
      method,
      target,
      headers: { host: 'clowder.example', ...seen.sent },
      httpVersion: '1.1',
      remoteAddress: '192.0.2.7',
      scheme: 'http',
      ...seen.head,
    },
    { clowder: 'auto', contextPath: '', trustForwarded: false, ...seen.options },
  );
  for (const chunk of chunks(seen.body)) capture.requestChunk(chunk);
  const answered: Readonly<Record<string, string>> = seen.answered ?? { 'content-type': 'application/json' };
  capture.responseHead(seen.status ?? 200, (name) => answered[name]);
  for (const chunk of chunks(seen.answer)) capture.responseChunk(chunk);
  return { capture, ...capture.end(seen.complete ?? true, TRACE) };
}

function* chunks(body: string | Uint8Array | undefined): Generator<Uint8Array> {
  const bytes = Buffer.from(body ?? '');
  for (let at = 0; at < bytes.length; at += 37) yield bytes.subarray(at, at + 37);
}

const BOUNDARY = '----WebKitFormBoundary7MA4YWxkTrZu0gW';
const FORM = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
const part = (disposition: string, content: string, type?: string): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; ${disposition}\r\n${type === undefined ? '' : `Content-Type: ${type}\r\n`}\r\n${content}\r\n`;
const form = (...parts: string[]): string => `${parts.join('')}--${BOUNDARY}--\r\n`;

describe('an upload', () => {
  test('has its name, size and type from the form and its id from the answer', () => {
    const { events, errors, refuted, capture } = exchange(`POST /api/uploadToDataset/${OTHER}?key=s3cret`, {
      sent: { ...FORM, 'user-agent': 'curl/8.5' },
      body: form(part('name="File"; filename="a.txt"', 'hello', 'text/plain')),
      answer: `{"id":"${ID}"}`,
    });
    expect(capture.mayBeEvent).toBe(true);
    expect(errors).toEqual([]);
    expect(refuted).toEqual([]);
    expect(events).toEqual([
      {
        type: 'file.uploaded',
        attributes: {
          'clowder.source': 'proxy',
          'clowder.event.id': derivedEventId(TRACE, 'file.uploaded', ID),
          'client.address': '192.0.2.7',
          'user_agent.original': 'curl/8.5',
          'clowder.client.kind': 'api',
          'clowder.file.id': ID,
          'clowder.file.name': 'a.txt',
          'clowder.dataset.id': OTHER,
          'clowder.bytes': 5,
          'clowder.content_type': 'text/plain',
        },
      },
    ]);
  });

  test('by the web form: the dataset in a field behind the file, the answer gzipped', () => {
    const files = [{ name: 'a.txt', size: 5, url: `http://clowder.example/files/${ID}` }];
    const { events } = exchange('POST /dataset/submit', {
      sent: FORM,
      body: form(part('name="files[]"; filename="a.txt"', 'hello', 'text/plain'), part('name="datasetid"', OTHER)),
      answered: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      answer: gzipSync(JSON.stringify({ files })),
    });
    expect(events).toMatchObject([
      { type: 'file.uploaded', attributes: { 'clowder.file.id': ID, 'clowder.dataset.id': OTHER, 'clowder.bytes': 5 } },
    ]);
  });
});

describe('what path and status promise and the body denies', () => {
  test('is refuted by the id that every other observer gives it', () => {
    const deleted = `DELETE /api/files/${ID}`;
    const done = exchange(deleted, { answer: '{"status":"success"}' });
    const refused = exchange(deleted, { answer: '{"status":"error","message":"no"}' });
    expect(done.refuted).toEqual([]);
    expect(refused.events).toEqual([]);
    expect(refused.refuted).toEqual([done.events[0]?.attributes['clowder.event.id']]);
  });

  test('is not refuted where a weaker observer would not have made it either', () => {
    expect(exchange(`DELETE /api/files/${ID}`, { status: 403 }).refuted).toEqual([]);
  });
});
