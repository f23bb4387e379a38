import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { runCli, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { startNginx, type Nginx } from '../support/nginx.ts';
import { freePort, tempDir } from '../support/processes.ts';
import { startProxyProcess } from '../support/proxy-process.ts';
import { startSnippetSite } from '../support/snippet-site.ts';
import { waitFor } from '../support/wait-for.ts';

const [FIRST, SECOND] = ['5f1e00000000000000000001', '5f1e00000000000000000002'];
const FILE = '5f1e00000000000000000011';
const GZIPPED_MAX = 1200;

type Event = Record<string, unknown> & {
  readonly event: string;
  readonly created: number;
  readonly url?: string;
  readonly resource_id?: string;
};

const stack = new AsyncDisposableStack();
/** The site with our proxy in front, and without it, where the pages name the collector's snippet themselves. */
const sites = { proxied: '', bare: '', plainHttp: '', nginx: '' };
let nginx: Nginx;
let collector: CollectorProcess;
let readKey: string;

beforeAll(async () => {
  const dataDir = await tempDir('snippet');
  stack.defer(() => dataDir.remove());
  const keyOf = async (...args: readonly string[]): Promise<string> => {
    const made = await runCli(['keys', 'add', '--name', args[1] ?? '', ...args, '--json'], { DATA_DIR: dataDir.path });
    return (JSON.parse(made) as { key: string }).key;
  };
  const [port, proxyPort] = [await freePort(), await freePort()];
  let browserKey = '';
  const plain = stack.use(await startSnippetSite(() => ''));
  const tag = (): string => `<script defer src="http://127.0.0.1:${port}/c/v.js" data-key="${browserKey}"></script>`;
  const tagged = stack.use(await startSnippetSite(tag));
  sites.proxied = `http://127.0.0.1:${proxyPort}`;
  sites.bare = tagged.url;
  sites.plainHttp = `http://clowder.test:${proxyPort}`;
  const nginxPort = await freePort();
  sites.nginx = `http://clowder.test:${nginxPort}`;
  browserKey = await keyOf('--scope', 'browser', '--origin', ...Object.values(sites));
  readKey = await keyOf('--scope', 'read');
  const ingest = await keyOf('--scope', 'ingest');
  collector = stack.use(
    await startCollector({
      port,
      dataDir: dataDir.path,
      amqpUrl: 'amqp://127.0.0.1:1',
      env: { TRUSTED_PROXIES: '127.0.0.1', CLOWDER_VERSION: 'v2', WAIT_FOR_CAPTURE_S: '5' },
    }),
  );
  nginx = stack.use(
    await startNginx({ upstream: new URL(plain.url).host, site: snippetByNginx(nginxPort, plain.url, browserKey) }),
  );
  stack.use(
    await startProxyProcess({
      target: plain.url,
      otlpUrl: collector.url,
      port: proxyPort,
      flags: ['--clowder', 'v2', '--inject-snippet', '--snippet-key', browserKey, '--snippet-collector', collector.url],
      env: { OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${ingest}`, TRUSTED_PROXIES: '' },
    }),
  );
});
afterAll(() => stack.disposeAsync());

/** The example of docs/nginx.md, with this test's addresses. */
function snippetByNginx(port: number, upstream: string, key: string): string {
  const page = readFileSync(new URL('../../docs/nginx.md', import.meta.url), 'utf8');
  const example = /## The browser snippet, put in by NGINX.*?```nginx\n(.*?)```/s.exec(page)?.[1] ?? '';
  const here = example
    .replace('http://127.0.0.1:4318', collector.url)
    .replace('http://127.0.0.1:9000', upstream)
    .replace('/etc/nginx/clowder-location.conf', 'clowder-location.conf')
    .replace('clo_…', key);
  return `server { listen 127.0.0.1:${port}; access_log log/clowder.json clowder_otel; ${here} }`;
}

/** New for each test, with a User-Agent of its own. */
let browser: Browser;
let context: BrowserContext;
let userAgent: string;
let tests = 0;
beforeEach(async () => {
  userAgent = `Mozilla/5.0 (X11) Chrome/140.0 Test/${(tests += 1)}`;
  browser = await launchChromium({ userAgent });
  context = await browser.newContext();
});
afterEach(() => browser.close());

async function eventsOf(agent = userAgent): Promise<readonly Event[]> {
  const headers = { authorization: `Bearer ${readKey}` };
  const answer = await fetch(`${collector.url}/api/v1/events?limit=1000`, { headers });
  const { events } = (await answer.json()) as { events: Event[] };
  return events.filter(({ user_agent: by }) => by === agent).toSorted((a, b) => a.created - b.created);
}

const isView = ({ event }: Event): boolean => event === 'view.page' || event === 'view.resource';
const pathOf = ({ url = '' }: Event): string => new URL(url).pathname;

/**
 * This test's views once everything is reported: what the proxy saw, what waited for the proxy, and what the browser still
 * had to send.
 */
async function viewsOf(...paths: readonly string[]): Promise<readonly Event[]> {
  await waitFor(
    async () => {
      const seen = new Set((await eventsOf()).filter(isView).map(pathOf));
      return paths.every((path) => seen.has(path));
    },
    { what: `views of ${paths.join(', ')}` },
  );
  const agent = `${userAgent} marker`;
  await (await fetch(`${sites.proxied}/datasets/${FIRST}`, { headers: { 'user-agent': agent } })).text();
  await waitFor(async () => (await eventsOf(agent)).length > 0, { what: 'what the proxy saw last' });
  await waitFor(
    async () => /^clowder_otel_waiting_observations 0$/m.test(await (await fetch(`${collector.url}/metrics`)).text()),
    {
      what: 'what waits for the proxy',
    },
  );
  return (await eventsOf()).filter(isView);
}

const shown = (page: Page, path: string): Promise<unknown> => page.locator(`body[data-shown="${path}"]`).waitFor();

async function open(path: string, site: string, prepare?: (page: Page) => Promise<unknown>): Promise<Page> {
  const page = await context.newPage();
  await prepare?.(page);
  await page.goto(site + path);
  await shown(page, path);
  return page;
}

async function go(page: Page, path: string): Promise<void> {
  await page.evaluate(`go(${JSON.stringify(path)})`);
  await shown(page, path);
}

/** Resolves once the collector has accepted the next report of a page. */
const told = (page: Page): Promise<unknown> =>
  page.waitForResponse((answer) => answer.url().endsWith('/c/v') && answer.ok());

describe.each(['proxied', 'bare'] as const)('the snippet on pages %s', (which) => {
  test('makes the right views of three in-app navigations, one back, one return and one reload', async () => {
    const site = sites[which];
    const page = await open(`/datasets/${FIRST}`, site);
    await go(page, `/datasets/${SECOND}`);
    await go(page, `/files/${FILE}`);
    await go(page, '/search');
    await page.evaluate('history.back()');
    await shown(page, `/files/${FILE}`);
    await page.goto(`${site}/explore`);
    await shown(page, '/explore');
    await page.goBack({ waitUntil: 'commit' });
    await page.locator('body[data-persisted="true"]').waitFor();
    await page.reload();
    await shown(page, `/files/${FILE}`);
    await go(page, '/profile');
    await page.close();
    const views = await viewsOf('/profile');
    // A view whose application asked before the view was reported has the address that the application asked for.
    expect(views.map((view) => view.resource_id ?? pathOf(view)).toSorted()).toEqual(
      [FIRST, SECOND, FILE, '/search', FILE, '/explore', FILE, FILE, '/profile'].toSorted(),
    );
    expect(views.filter(({ recovered }) => recovered === true)).toEqual([]);
  });

  test('gives a view within the application the previous page as referrer, and its own title', async () => {
    const page = await open(`/datasets/${FIRST}`, sites[which]);
    await Promise.all([told(page), go(page, '/search')]);
    await page.close();
    const views = await viewsOf('/search');
    expect(views.find((view) => pathOf(view) === '/search')).toMatchObject({
      source: 'browser',
      title: 'Clowder /search',
      referrer: `${sites[which]}/datasets/${FIRST}`,
    });
  });

  test('reports how long a page was seen when the page is left', async () => {
    const page = await open('/search', sites[which]);
    const [view] = await viewsOf('/search');
    await page.goto('about:blank');
    const ended = await waitFor(
      async () => (await eventsOf()).find(({ view_id: id }) => id !== undefined && id === view?.['event_id']),
      { what: 'the end of the view' },
    );
    expect(ended).toMatchObject({ event: 'view.ended', source: 'browser', visible_ms: expect.any(Number) });
    await page.close();
  });
});

describe('the snippet over plain http, where browsers hide Server-Timing', () => {
  test('makes one view of a loaded page that our proxy saw too', async () => {
    // Not every browser hides it, so this one is made to.
    const page = await open(`/datasets/${FIRST}`, sites.plainHttp, (one) =>
      one.addInitScript(
        'Object.defineProperty(PerformanceResourceTiming.prototype, "serverTiming", { get: () => undefined });',
      ),
    );
    expect(await page.evaluate('isSecureContext')).toBe(false);
    await go(page, '/profile');
    await page.close();
    const views = await viewsOf('/profile');
    expect(views.map((view) => view.resource_id ?? pathOf(view))).toEqual([FIRST, '/profile']);
  });

  test("names the request of NGINX's log if NGINX inserts it with sub_filter, as our page shows", async () => {
    const page = await context.newPage();
    const posted = page.waitForRequest((request) => request.url() === `${sites.nginx}/c/v`);
    const answered = page.waitForResponse((answer) => answer.url() === `${sites.nginx}/c/v`);
    await page.goto(`${sites.nginx}/search`);
    const { request } = (await posted).postDataJSON() as { request: string };
    expect((await answered).status()).toBe(202);
    await page.close();
    const line = await waitFor(async () => (await nginx.lines()).find((one) => one['url.path'] === '/search'), {
      what: 'the line of the log',
    });
    expect(request).toBe(`request:${line['clowder.request.id']}`);
    const [view] = await viewsOf('/search');
    expect(view).toMatchObject({ source: 'browser', event: 'view.page', title: 'Clowder /search' });
  });
});

describe('a page without our proxy', () => {
  const site = (): string => sites.bare;

  test.each([
    ['sendBeacon does nothing', 'navigator.sendBeacon = () => false'],
    ['sendBeacon throws', 'navigator.sendBeacon = () => { throw new Error("blocked"); }'],
    ['there is no sendBeacon', 'delete Navigator.prototype.sendBeacon'],
    ['fetch fails', 'fetch = () => Promise.reject(new TypeError("blocked"))'],
    ['there is no Navigation API', 'Object.defineProperty(window, "navigation", { value: undefined })'],
  ])('is counted, and so are its navigations, if %s', async (_, script) => {
    const page = await context.newPage();
    await page.addInitScript(script);
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`${site()}/search`);
    await page.locator('body[data-shown]').waitFor();
    await page.evaluate('go("/profile")');
    await page.locator('body[data-shown="/profile"]').waitFor();
    await page.close();
    expect((await viewsOf('/profile', '/search')).map(pathOf).toSorted()).toEqual(['/profile', '/search']);
    expect(errors).toEqual([]);
  });

  test.each([
    ['Do Not Track', 'Object.defineProperty(Navigator.prototype, "doNotTrack", { get: () => "1" })'],
    [
      'Global Privacy Control',
      'Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true })',
    ],
  ])('reports nothing on %s, and calls of clowder.event do no harm', async (_, script) => {
    const posted: string[] = [];
    const page = await open('/search', site(), async (one) => {
      await one.addInitScript(script);
      one.on('request', (request) => posted.push(request.url()));
    });
    await go(page, '/profile');
    await page.evaluate('clowder.event("file.uploaded", { file_id: "f" })');
    await page.goto('about:blank');
    expect(posted.filter((url) => url.endsWith('/c/v'))).toEqual([]);
    expect(posted.filter((url) => url.endsWith('/c/v.js'))).toHaveLength(1);
  });

  test('is one view if its first report was refused, as the report is sent once more', async () => {
    const page = await context.newPage();
    await page.route('**/c/v', (route) => route.fulfill({ status: 503 }), { times: 1 });
    await page.goto(`${site()}/search`);
    await told(page);
    await page.close();
    expect((await viewsOf('/search')).map(pathOf)).toEqual(['/search']);
  });

  test('stores nothing in the browser', async () => {
    const page = await open('/search', site());
    await Promise.all([told(page), go(page, '/profile')]);
    expect(await context.cookies()).toEqual([]);
    expect(await page.evaluate('[localStorage.length, sessionStorage.length]')).toEqual([0, 0]);
    expect(await page.evaluate('indexedDB.databases()')).toEqual([]);
  });

  test('removes secrets from its address in the browser already', async () => {
    const posted: string[] = [];
    const page = await context.newPage();
    page.on('request', (request) => posted.push(request.postData() ?? ''));
    const secrets = 'key=s3cret&access_token=s3cret/x&next=%2Fa%3Ftoken%3Ds3cret&q=soil';
    await page.goto(`${site()}/search?${secrets}#code=s3cret`);
    await told(page);
    await page.evaluate('go("/files/links/s3cret")');
    await told(page);
    // The title is left out, as it has the page's own words.
    const addresses = posted.join().replaceAll(/"title":"[^"]*"/g, '');
    expect(addresses).toContain('q=soil');
    expect(addresses).not.toContain('s3cret');
    await page.close();
  });

  test('is not counted while it is prerendered, but is when it is shown', async () => {
    const page = await open('/search', site());
    const target = `/datasets/${SECOND}`;
    await page.evaluate(`{
      const rules = document.createElement('script');
      rules.type = 'speculationrules';
      rules.textContent = JSON.stringify({ prerender: [{ urls: [${JSON.stringify(target)}], eagerness: 'immediate' }] });
      document.head.append(rules);
    }`);
    await page.evaluate(
      `{ const a = document.createElement('a'); a.href = ${JSON.stringify(target)}; a.textContent = 'go'; document.body.append(a); }`,
    );
    await go(page, '/profile');
    expect((await viewsOf('/profile', '/search')).map(pathOf).toSorted()).toEqual(['/profile', '/search']);
    await page.click('a');
    const all = ['/profile', '/search', target];
    expect((await viewsOf(...all)).map(pathOf).toSorted()).toEqual(all.toSorted());
    await page.close();
  });

  test('is not counted in a hidden tab until it is shown', async () => {
    const page = await open('/search', site(), (one) =>
      one.addInitScript(
        'let seen = false; Object.defineProperty(document, "hidden", { get: () => !seen }); addEventListener("see", () => { seen = true; document.dispatchEvent(new Event("visibilitychange")); });',
      ),
    );
    const posts: string[] = [];
    page.on('request', (request) => posts.push(request.url()));
    await go(page, '/profile');
    expect(posts.filter((url) => url.endsWith('/c/v'))).toEqual([]);
    await Promise.all([told(page), page.evaluate('dispatchEvent(new Event("see"))')]);
    await page.close();
    expect((await viewsOf('/profile')).map(pathOf)).toEqual(['/profile']);
  });

  test('is not counted if it is an error', async () => {
    const page = await open('/missing', site());
    await go(page, '/profile');
    await page.close();
    expect((await viewsOf('/profile')).map(pathOf)).toEqual(['/profile']);
  });

  test('reports an event of its own by clowder.event', async () => {
    const page = await open('/search', site());
    await Promise.all([
      told(page),
      page.evaluate(
        `clowder.event("extraction.queued", { file_id: "${FILE}", extractor_name: "ncsa.wordcount", user_id: "someone" })`,
      ),
    ]);
    const event = await waitFor(async () => (await eventsOf()).find((one) => one.event === 'extraction.queued'), {
      what: 'the event',
    });
    expect(event).toMatchObject({ source: 'browser', file_id: FILE, extractor_name: 'ncsa.wordcount' });
    expect(event).not.toHaveProperty('user_id');
    await page.close();
  });
});

test('the snippet is at most 1.2 KB compressed, and neither stores nor logs anything', async () => {
  const script = await (await fetch(`${collector.url}/c/v.js`)).text();
  expect(gzipSync(script, { level: 9 }).length).toBeLessThanOrEqual(GZIPPED_MAX);
  expect(script).not.toMatch(/localStorage|sessionStorage|cookie=|indexedDB|console\./);
});

test('a page works as usual if the collector is away, without errors', async () => {
  await collector.kill();
  const errors: string[] = [];
  const page = await open('/search', sites.proxied, async (one) => {
    one.on('pageerror', (error) => errors.push(error.message));
  });
  await go(page, '/profile');
  await page.goto('about:blank');
  expect(errors).toEqual([]);
  await page.close();
});
