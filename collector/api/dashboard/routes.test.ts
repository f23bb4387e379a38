import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { guidePage } from '../../../tools/guide.ts';
import { dashboardRoutes, DASHBOARD_ROUTES } from './routes.ts';

const FILES: Readonly<Record<string, string>> = {
  'app.js': 'let a = 1;\n'.repeat(500),
  'app.css': 'a{color:red}',
  'guide.html': guidePage('# Operate'),
};
const app = dashboardRoutes(async (name) => FILES[name] ?? '');
const get = (path: string, headers: Record<string, string> = {}) => app.request(path, { headers });
const PAGES = ['/', '/usage', '/machines', '/events', '/kept'];

describe('the dashboard', () => {
  test.each([...PAGES, '/guide'])('has at %s a page that loads everything from this server', async (path) => {
    const answer = await get(path);
    expect(answer.headers.get('content-type')).toContain('text/html');
    const page = await answer.text();
    const parts = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(parts.filter((part) => !part.startsWith('/') || part.startsWith('//'))).toEqual([]);
    for (const part of parts.filter((one) => one.startsWith('/dashboard/')))
      expect([part, (await get(part)).status]).toEqual([part, 200]);
    expect(page).not.toMatch(/<script>|<style>|\sstyle=|\son\w+=|clo_/);
  });

  test('allows no foreign script, and no other page to frame it', async () => {
    for (const { path } of DASHBOARD_ROUTES) {
      const { headers } = await get(path);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; .*frame-ancestors 'none'$/);
      expect(policy).not.toContain('unsafe');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  test('sends its script compressed, and not again if the browser has it', async () => {
    const answer = await get('/dashboard/app.js', { 'accept-encoding': 'gzip' });
    expect(answer.headers.get('content-encoding')).toBe('gzip');
    const sent = Buffer.from(await answer.arrayBuffer());
    expect(sent.length).toBeLessThan(200);
    expect(gunzipSync(sent).toString()).toBe(FILES['app.js']);
    const etag = answer.headers.get('etag') ?? '';
    expect((await get('/dashboard/app.js', { 'if-none-match': etag, 'accept-encoding': 'gzip' })).status).toBe(304);
  });
});
