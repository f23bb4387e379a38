import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { post, type PostAnswer } from './post.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

/** Posts to a server with this answer. */
async function postTo(answer: RequestListener, secrets: readonly string[] = []): Promise<PostAnswer> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const signal = AbortSignal.timeout(5000);
  return post({ url: `http://127.0.0.1:${port}/`, headers: {}, body: '[]', signal, now: () => 0, secrets });
}

const status = (code: number, headers: Record<string, string> = {}): Promise<PostAnswer> =>
  postTo((_request, response) => response.writeHead(code, headers).end('why'));

describe('the answer to a post', () => {
  it.each([
    [200, 'accepted'],
    [204, 'accepted'],
    [302, 'misconfigured'],
    [400, 'rejected'],
    [401, 'misconfigured'],
    [403, 'misconfigured'],
    [404, 'misconfigured'],
    [405, 'misconfigured'],
    [408, 'retry'],
    [409, 'rejected'],
    [410, 'misconfigured'],
    [413, 'too_large'],
    [415, 'misconfigured'],
    [422, 'rejected'],
    [425, 'retry'],
    [429, 'retry'],
    [500, 'retry'],
    [503, 'retry'],
  ])('%i means %s', async (code, kind) => {
    expect((await status(code)).outcome.kind).toBe(kind);
  });

  it('says how long to wait', async () => {
    expect((await status(429, { 'retry-after': '7' })).outcome).toEqual({
      kind: 'retry',
      reason: 'HTTP 429: why',
      afterMs: 7000,
    });
  });

  it('never contains a secret of the request', async () => {
    const { text, outcome } = await postTo(
      (_request, response) => response.writeHead(400).end('key k+1 or k%2B1'),
      ['k+1'],
    );
    expect(text).toBe('key REDACTED or REDACTED');
    expect(outcome).toEqual({ kind: 'rejected', reason: 'HTTP 400: key REDACTED or REDACTED' });
  });

  it('is cut at 64 KiB, and read to its end', async () => {
    const { text } = await postTo((_request, response) => response.end('x'.repeat(200_000)));
    expect(text).toHaveLength(65_536);
  });

  it('that breaks off is an error, as it is not known what was accepted', async () => {
    const broken = postTo((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    await expect(broken).rejects.toThrow(/terminated|aborted|other side/);
  });
});
