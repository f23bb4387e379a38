import { describe, expect, it } from 'vitest';
import { startJobApi } from '../../../test/support/job-api.ts';
import { clientKind } from '../../../taxonomy/client.ts';
import { createGetJson, orUndefined, type GetJson } from './clowder-api.ts';

function getter(url: string, timeoutMs = 5000): GetJson {
  return createGetJson({
    url,
    apiKey: 'canary-key',
    version: '1.2.3',
    timeoutMs,
    signal: new AbortController().signal,
  });
}

describe('a request to Clowder', () => {
  it("sends the key in a header, and a User-Agent that is neither a person's nor an extractor's", async () => {
    await using api = await startJobApi();
    api.answers['/api/x'] = { a: 1 };
    expect(await getter(api.url)('/api/x?b=2')).toEqual({ a: 1 });
    const [{ path, headers } = { path: '', headers: {} }] = api.asked;
    expect([path, headers['x-api-key'], headers['user-agent']]).toEqual([
      '/api/x?b=2',
      'canary-key',
      'clowder-otel-monitor/1.2.3',
    ]);
    expect(clientKind(headers['user-agent'], true)).toBe('bot');
  });

  it('fails with path and status, and without the key, if the answer is an error', async () => {
    await using api = await startJobApi();
    api.answers['/api/x'] = {};
    api.status = 503;
    await expect(getter(api.url)('/api/x?key=1')).rejects.toMatchObject({
      message: 'GET /api/x answered 503',
      status: 503,
      code: 'clowder_api',
    });
  });

  it('fails if no answer comes, in time or at all', async () => {
    await expect(getter('http://127.0.0.1:9')('/api/x')).rejects.toThrow(/GET \/api\/x gave no answer/);
    const { createServer } = await import('node:http');
    const server = createServer(() => undefined);
    await new Promise<void>((listening) => {
      server.listen(0, '127.0.0.1', listening);
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(getter(`http://127.0.0.1:${port}`, 50)('/api/x')).rejects.toThrow('no answer (TimeoutError)');
    server.closeAllConnections();
    server.close();
  });

  it('treats a missing or hidden resource as nothing, but no other failure', async () => {
    await using api = await startJobApi();
    api.answers['/api/x'] = {};
    expect(await orUndefined(getter(api.url)('/api/none'))).toBeUndefined();
    api.status = 401;
    await expect(orUndefined(getter(api.url)('/api/x'))).rejects.toThrow('answered 401');
  });
});
