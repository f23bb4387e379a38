import { describe, expect, it } from 'vitest';
import { createAdmin, startAdmin, type AdminPages } from './admin.ts';

const registry = { contentType: 'text/plain; version=0.0.4', metrics: async () => 'up 1\n' };
const ready = { readiness: () => ({ ready: true, body: { status: 'ready' } }), registry };

const ask = (path: string, { method = 'GET', pages = ready }: { method?: string; pages?: AdminPages } = {}) =>
  createAdmin(pages)(method, path);

describe('the listener for health and metrics', () => {
  it('says at /healthz that the program answers, with what it adds', async () => {
    const pages = { ...ready, health: () => ({ targets: 2 }) };
    expect(await (await ask('/healthz', { pages })).json()).toEqual({ status: 'ok', targets: 2 });
    expect(await (await ask('/healthz')).json()).toEqual({ status: 'ok' });
  });

  it('says at /readyz whether the program does its work, in the status too', async () => {
    const down = { ...ready, readiness: async () => ({ ready: false, body: { status: 'degraded' } }) };
    const answers = [await ask('/readyz'), await ask('/readyz', { pages: down })];
    expect(answers.map(({ status }) => status)).toEqual([200, 503]);
    expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual([
      { status: 'ready' },
      { status: 'degraded' },
    ]);
  });

  it("gives the metrics at /metrics in the registry's format", async () => {
    const answer = await ask('/metrics');
    expect([answer.headers.get('content-type'), await answer.text()]).toEqual([registry.contentType, 'up 1\n']);
  });

  it('answers HEAD as GET, without the body', async () => {
    const answer = await ask('/metrics', { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
      200,
      registry.contentType,
      '',
    ]);
  });

  it('answers another method with 405 and the supported ones', async () => {
    const answer = await ask('/healthz', { method: 'POST' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect(await answer.json()).toEqual({ error: 'POST is not for /healthz: use GET, HEAD' });
  });

  it.each(['/', '/api/files', '/constructor'])('answers %s with 404 and the existing paths', async (path) => {
    const answer = await ask(path);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({
      error: `There is no ${path}: there are /healthz, /readyz, /metrics`,
    });
  });

  it('says so if a page cannot be made', async () => {
    const broken = { ...ready, registry: { ...registry, metrics: () => Promise.reject(new Error('no figures')) } };
    const answer = await ask('/metrics', { pages: broken });
    expect(answer.status).toBe(500);
    expect(await answer.json()).toEqual({ error: '/metrics cannot be read: Error: no figures' });
  });

  it('names the setting of a port that is in use', async () => {
    const first = await startAdmin({ host: '127.0.0.1', port: 0, setting: 'MONITOR_ADMIN' }, ready);
    const port = Number(new URL(first.url).port);
    const second = startAdmin({ host: '127.0.0.1', port, setting: 'MONITOR_ADMIN' }, ready);
    await expect(second).rejects.toMatchObject({
      code: 'cannot_listen',
      message: `MONITOR_ADMIN 127.0.0.1:${port} is in use by another program: stop that one, or set the port of MONITOR_ADMIN to a free one`,
    });
    const head = await fetch(`${first.url}/healthz`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    await first.close();
    await expect(fetch(first.url)).rejects.toThrow('fetch failed');
  });
});
