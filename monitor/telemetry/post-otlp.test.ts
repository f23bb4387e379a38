import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startWebProxy } from '../../test/support/web-proxy.ts';
import { createPostOtlp, type OtlpSettings } from './post-otlp.ts';

interface Seen {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array | string;
}

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  vi.unstubAllEnvs();
});

async function receiver(answer: Answer | 'hang' | 'drop'): Promise<{ readonly url: string; readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      if (answer === 'drop') request.socket.destroy();
      else if (answer !== 'hang') response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, seen };
}

const never = new AbortController().signal;
const post = (settings: OtlpSettings, body = 'body') =>
  createPostOtlp('logs', settings, process.env)(Buffer.from(body), never);

describe('posting OTLP', () => {
  it("goes through the environment's proxy, except to this machine", async () => {
    await using proxy = await startWebProxy();
    const { url, seen } = await receiver({});
    const sent = (endpoint: string) =>
      createPostOtlp('logs', { endpoint }, { HTTP_PROXY: proxy.url })(Buffer.from('body'), never);
    await expect(sent('http://receiver.invalid:4318')).resolves.toMatchObject({ kind: 'accepted' });
    expect(proxy.asked).toEqual(['receiver.invalid POST /v1/logs']);
    await expect(sent(url)).resolves.toMatchObject({ kind: 'accepted' });
    expect([proxy.asked.length, seen.length]).toEqual([1, 1]);
  });

  it('goes to /v1/logs of the endpoint with the configured headers', async () => {
    const { url, seen } = await receiver({});
    await expect(post({ endpoint: `${url}/otlp/`, headers: { 'x-api-key': 'k1' } })).resolves.toEqual({
      kind: 'accepted',
      rejected: 0,
      message: '',
    });
    expect(seen).toMatchObject([
      { path: '/otlp/v1/logs', headers: { 'x-api-key': 'k1', 'content-type': 'application/x-protobuf' } },
    ]);
    expect(String(seen[0]?.body)).toBe('body');
  });

  it('follows the standard variables, which override the settings', async () => {
    const { url, seen } = await receiver({});
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', url);
    vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'authorization=Bearer%20k2');
    vi.stubEnv('OTEL_EXPORTER_OTLP_COMPRESSION', 'gzip');
    await post({ endpoint: 'http://127.0.0.1:1', headers: { 'x-api-key': 'k1' } });
    expect(seen).toMatchObject([
      { path: '/v1/logs', headers: { authorization: 'Bearer k2', 'content-encoding': 'gzip' } },
    ]);
    expect(seen[0]?.headers['x-api-key']).toBeUndefined();
    expect(gunzipSync(seen[0]?.body ?? '').toString()).toBe('body');
  });

  it('reads how many records were rejected', async () => {
    // ExportLogsServiceResponse { partial_success: { rejected_log_records: 3, error_message: "no" } }
    const partial = Buffer.from([0x0a, 0x06, 0x08, 0x03, 0x12, 0x02, 0x6e, 0x6f]);
    const { url } = await receiver({ body: partial });
    await expect(post({ endpoint: url })).resolves.toEqual({ kind: 'accepted', rejected: 3, message: 'no' });
  });

  it.each([
    [400, 'rejected'],
    [422, 'rejected'],
    [413, 'too_large'],
    [401, 'misconfigured'],
    [403, 'misconfigured'],
    [404, 'misconfigured'],
    [302, 'misconfigured'],
    [408, 'retry'],
    [429, 'retry'],
    [500, 'retry'],
    [502, 'retry'],
    [503, 'retry'],
    [504, 'retry'],
  ])('HTTP %i means %s', async (status, kind) => {
    const { url } = await receiver({ status, body: 'because\u0000 of it' });
    await expect(post({ endpoint: url })).resolves.toEqual({ kind, reason: `HTTP ${status} because of it` });
  });

  it('passes on Retry-After', async () => {
    const { url } = await receiver({ status: 503, headers: { 'retry-after': '7' } });
    await expect(post({ endpoint: url })).resolves.toMatchObject({ kind: 'retry', afterMs: 7000 });
  });

  it('tries again after a refused or dropped connection, and after the time-out', async () => {
    await expect(post({ endpoint: 'http://127.0.0.1:1' })).resolves.toMatchObject({
      kind: 'retry',
      reason: expect.stringContaining('ECONNREFUSED'),
    });
    const dropping = await receiver('drop');
    await expect(post({ endpoint: dropping.url })).resolves.toMatchObject({ kind: 'retry' });
    server?.close();
    const hanging = await receiver('hang');
    vi.stubEnv('OTEL_EXPORTER_OTLP_TIMEOUT', '50');
    await expect(post({ endpoint: hanging.url })).resolves.toMatchObject({ kind: 'retry' });
  });
});
