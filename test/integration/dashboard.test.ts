import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { makeKey, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { COUNTRIES, dashboardEvents, sendEvents } from '../support/dashboard-data.ts';
import { tempDir } from '../support/processes.ts';
import { mmdbOf } from '../support/usage/mmdb.ts';
import { waitFor } from '../support/wait-for.ts';

const PAGES = ['/', '/usage', '/machines', '/events', '/kept'] as const;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const sent = dashboardEvents(Date.now());

const stack = new AsyncDisposableStack();
const keys = { reader: '', boss: '', sender: '' };
let collector: CollectorProcess;
let browser: Browser;

beforeAll(async () => {
  const dir = await tempDir('dashboard');
  stack.defer(() => dir.remove());
  keys.reader = await makeKey(dir.path, 'read', 'reader');
  keys.boss = await makeKey(dir.path, 'read admin', 'boss');
  keys.sender = await makeKey(dir.path, 'ingest capture', 'sender');
  // RabbitMQ is away: everything except publishing works.
  const countries = join(dir.path, 'countries.mmdb');
  writeFileSync(countries, mmdbOf(COUNTRIES));
  const env = { USAGE: 'on', TRACES_URL: 'http://jaeger.example.org', USAGE_COUNTRIES_FILE: countries };
  collector = stack.use(await startCollector({ dataDir: dir.path, amqpUrl: 'amqp://127.0.0.1:1', env }));
  await sendEvents(collector.url, sent, keys.sender);
  browser = await launchChromium();
  stack.defer(() => browser.close());
  await waitFor(async () => (await stats('metric=views&client=browser')).totals['views'] === viewsOf('browser'), {
    what: 'all to be counted',
  });
});
afterAll(() => stack.disposeAsync());

interface Stats {
  readonly totals: Readonly<Record<string, number>>;
}

const ask = (path: string): Promise<Response> =>
  fetch(collector.url + path, { headers: { authorization: `Bearer ${keys.reader}` } });
async function stats(query: string): Promise<Stats> {
  return (await (
    await ask(`/api/v1/stats?from=2020&to=2100-01-01&${query}`.replace('=2020&', '=2020-01-01&'))
  ).json()) as Stats;
}

const of = (event: string, kind: string) => sent.filter((one) => one.event === event && one['client_kind'] === kind);
const viewsOf = (kind: string): number => of('view.resource', kind).length;
const count = (value: number): string => value.toLocaleString('en');

/** A new browser context that records requests to other servers and what the policy refuses. */
async function visitor(
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<{ readonly context: BrowserContext; readonly page: Page; readonly strays: string[] }> {
  const context = await browser.newContext({ timezoneId: 'UTC', ...options });
  const page = await context.newPage();
  const strays: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${collector.url}/`)) strays.push(request.url());
  });
  page.on('console', (message) => {
    if (/Content.Security.Policy/i.test(message.text())) strays.push(message.text());
  });
  page.on('pageerror', (error) => strays.push(error.message));
  return { context, page, strays };
}

async function logIn(page: Page, key: string, path = '/'): Promise<void> {
  await page.goto(collector.url + path);
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.locator('nav').waitFor();
}

const panel = (page: Page, title: string) => page.getByRole('region', { name: title, exact: true });
const tile = (page: Page, title: string, name: string) =>
  panel(page, title).locator('.tile', { hasText: name }).first().locator('b');
const row = (page: Page, title: string, name: string) =>
  panel(page, title).locator('tbody tr', { hasText: name }).first();
/** Waits for the first figures of a row: a row may appear before its figures. */
const expectFigures = async (page: Page, title: string, name: string, expected: readonly string[]): Promise<void> => {
  const cells = row(page, title, name).locator('td.figure');
  await expect
    .poll(async () => (await cells.allTextContents()).slice(0, expected.length), { timeout: 120_000 })
    .toEqual(expected);
};

describe('the login', () => {
  test('refuses a wrong key and says so, admits a key that may read, and logs out', async () => {
    const { context, page, strays } = await visitor();
    await page.goto(`${collector.url}/usage`);
    await page.getByLabel('API key').fill('clo_wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'This key is unknown' }).waitFor();
    await page.getByLabel('API key').fill(keys.sender);
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: 'the dashboard needs read' }).waitFor();
    await page.getByLabel('API key').fill(keys.reader);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'How much was it used?' }).waitFor();

    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    expect(cookie?.value).not.toContain(keys.reader);
    expect(await page.evaluate('document.cookie')).toBe('');

    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('API key').waitFor();
    expect(await context.cookies()).toEqual([]);
    expect(strays).toEqual([]);
    await context.close();
  });

  test('is skipped if the collector has no keys', async () => {
    await using open = await startCollector({ amqpUrl: 'amqp://127.0.0.1:1' });
    const page = await browser.newPage();
    await page.goto(open.url);
    await page.getByRole('heading', { name: /^Needs attention: RabbitMQ is away/ }).waitFor();
    // Usage is off there: each panel says so, and the page still works.
    await page.goto(`${open.url}/usage`);
    await page.getByText('Not counted now.').first().waitFor();
    await page.goto(`${open.url}/events`);
    await page.getByRole('heading', { name: 'Events as they come' }).waitFor();
    await page.close();
  });
});

describe('the pages of the dashboard', () => {
  let page: Page;
  let context: BrowserContext;
  let strays: string[];
  beforeAll(async () => {
    ({ context, page, strays } = await visitor());
    await logIn(page, keys.reader);
  });
  afterAll(() => context.close());
  afterEach(() => {
    if (strays.length > 0) throw new Error(`What leaves the origin, or breaks the policy: ${strays.join('\n')}`);
  });

  test('the first line says that RabbitMQ is away, why, what to do, and how many events wait', async () => {
    await page.goto(collector.url);
    await page.getByRole('heading', { name: /^Needs attention: RabbitMQ is away/ }).waitFor();
    expect(await tile(page, 'From intake to RabbitMQ', 'Backlog').textContent()).toBe(count(sent.length));
    expect(await tile(page, 'From intake to RabbitMQ', 'RabbitMQ').textContent()).toBe('away');
    await page.getByRole('link', { name: 'What to do' }).first().click();
    await page.getByRole('heading', { name: 'Troubleshooting by symptom' }).waitFor();
    expect(new URL(page.url()).hash).toBe('#troubleshooting-by-symptom');
  });

  test('every source and every probe is listed, each probe with its state', async () => {
    await page.goto(collector.url);
    const sources = new Set(sent.map(({ source }) => String(source)));
    for (const source of sources) await row(page, 'Sources', source).waitFor();
    const targets = new Set(sent.flatMap(({ target }) => (target === undefined ? [] : [String(target)])));
    for (const target of targets) await row(page, 'What the monitor watches', target).getByText('up').waitFor();
  });

  test('a switch selects people, bots or extractors, and their figures match the sent events', async () => {
    for (const [who, kind] of [
      ['people', 'browser'],
      ['bots', 'bot'],
      ['extractors', 'extractor'],
    ] as const) {
      await page.goto(`${collector.url}/usage?period=90d&who=${who}`);
      const [views, downloads] = [viewsOf(kind), of('view.download', kind)];
      await expect
        .poll(() => tile(page, 'Last 90 days', 'Views').textContent(), { timeout: 120_000 })
        .toBe(count(views));
      expect(await tile(page, 'Last 90 days', 'Downloads').textContent()).toBe(count(downloads.length));
      const mebibytes = downloads.reduce((sum, { bytes = 0 }) => sum + Number(bytes), 0) / 1024 ** 2;
      const bytes = await tile(page, 'Last 90 days', 'Downloaded').textContent();
      expect(Number.parseFloat(bytes ?? '') * (bytes?.endsWith('GiB') ? 1024 : 1)).toBeCloseTo(mebibytes, -1);
      const users = new Set([...of('view.resource', kind), ...downloads].map((one) => one['user_id']));
      if (kind === 'browser') expect(await tile(page, 'Last 90 days', 'Active users').textContent()).toBe(count(users.size)); // prettier-ignore
      // The chart shows the same figures for each day.
      await panel(page, 'Activity').getByText('As a table').click();
      const cells = await panel(page, 'Activity').locator('tbody tr td:nth-child(2)').allTextContents();
      expect(cells).toHaveLength(90);
      expect(cells.reduce((sum, text) => sum + Number(text.replaceAll(',', '')), 0)).toBe(views);
    }
  });

  test('the figures of the most used datasets and files match the sent events', async () => {
    await page.goto(`${collector.url}/usage?period=90d&who=people`);
    for (const dataset of new Set(sent.map((one) => String(one['dataset_id'])).filter((id) => id !== 'undefined'))) {
      const own = (event: string) => of(event, 'browser').filter((one) => one['dataset_id'] === dataset || one['resource_id'] === dataset); // prettier-ignore
      const shown = panel(page, 'Most used datasets').locator('tbody tr', {
        has: page.locator(`[title="${dataset}"]`),
      });
      await expect
        .poll(async () => (await shown.locator('td.figure').allTextContents()).slice(0, 2), { timeout: 30_000 })
        .toEqual([own('view.download').length, own('view.resource').length].map(count));
    }
  });

  /** Figures of a list, keyed by row name. */
  const listOf = async (title: string): Promise<Readonly<Record<string, readonly string[]>>> => {
    const rows = panel(page, title).locator('tbody tr');
    const lists = await Promise.all(
      (await rows.all()).map(async (one) => [
        (await one.locator('th').textContent()) ?? '',
        await one.locator('td.figure').allTextContents(),
      ]),
    );
    return Object.fromEntries(lists) as Readonly<Record<string, readonly string[]>>;
  };
  /** Downloads and views by people, as the lists show them, keyed by a name taken from each event. */
  const byName = (nameOf: (event: (typeof sent)[number]) => string): Readonly<Record<string, readonly string[]>> => {
    const events = [...of('view.resource', 'browser'), ...of('view.download', 'browser')];
    const many = (name: string, type: string): string =>
      count(events.filter((one) => one.event === type && nameOf(one) === name).length);
    const names = [...new Set(events.map(nameOf))];
    return Object.fromEntries(names.map((name) => [name, [many(name, 'view.download'), many(name, 'view.resource')]]));
  };
  /** The figures of a list match the sent events, and it has no other rows. */
  const expectList = async (title: string, nameOf: (event: (typeof sent)[number]) => string): Promise<void> => {
    const firstTwo = async (): Promise<Readonly<Record<string, readonly string[]>>> =>
      Object.fromEntries(Object.entries(await listOf(title)).map(([name, all]) => [name, all.slice(0, 2)]));
    await expect.poll(firstTwo, { timeout: 30_000 }).toEqual(byName(nameOf));
  };

  test('the figures of referrers, countries, spaces and users match the sent events', async () => {
    await page.goto(`${collector.url}/usage?period=90d&who=people`);
    const hostOf = (referrer: unknown): string =>
      typeof referrer === 'string' ? new URL(referrer).hostname : 'No other site';
    await expectList('Where they came from', (one) => hostOf(one['referrer']));

    const codes = new Map<string, string>(COUNTRIES.map(([network, code]) => [network.replace('/24', ''), code]));
    await expectList('Countries', (one) => codes.get(String(one['client_address'])) ?? 'Not known');
    await expectList('By space', (one) => String(one['space_id']));
    await expectList('Most active users', (one) => String(one['user_name']));
  });

  test('file types show the downloads, uploads and bytes that were sent', async () => {
    await page.goto(`${collector.url}/usage?period=90d&who=people`);
    const ofFiles = { downloads: of('view.download', 'browser'), uploads: sent.filter(({ event }) => event === 'file.uploaded') }; // prettier-ignore
    const types = new Set(Object.values(ofFiles).flatMap((all) => all.map((one) => String(one['content_type']))));
    await expect.poll(async () => new Set(Object.keys(await listOf('File types'))), { timeout: 30_000 }).toEqual(types);
    const list = await listOf('File types');
    for (const type of types) {
      const [downloads = '', downloaded = '', uploads = '', uploaded = ''] = list[type] ?? [];
      for (const [shown, bytes, all] of [
        [downloads, downloaded, ofFiles.downloads],
        [uploads, uploaded, ofFiles.uploads],
      ] as const) {
        const own = all.filter((one) => one['content_type'] === type);
        expect(shown).toBe(count(own.length));
        const mebibytes = own.reduce((sum, { bytes: many = 0 }) => sum + Number(many), 0) / 1024 ** 2;
        expect(Number.parseFloat(bytes)).toBeCloseTo(mebibytes, 0);
      }
    }
  });

  test('a click on a column orders the list by it, and the address records it', async () => {
    await page.goto(`${collector.url}/usage?period=90d&who=people`);
    await panel(page, 'Most used datasets').getByRole('button', { name: 'Views', exact: true }).click();
    expect(new URL(page.url()).searchParams.get('order')).toBe('views');
    await panel(page, 'Most used datasets').locator('th[aria-sort="descending"]', { hasText: 'Views' }).waitFor();
    const views = Object.values(byName((one) => String(one['dataset_id']))).map(([, many]) => Number(many));
    await expect
      .poll(async () => Object.values(await listOf('Most used datasets')).map(([, many]) => Number(many)), {
        timeout: 30_000,
      }) // prettier-ignore
      .toEqual(views.toSorted((a, b) => b - a));
  });

  test('a drag over a chart of hours selects those hours, and the address records them', async () => {
    await page.goto(`${collector.url}/usage?period=24h`);
    const over = panel(page, 'Activity').locator('.u-over');
    await over.waitFor();
    const { x, y, width, height } = (await over.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    await page.mouse.move(x + width * 0.3, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width * 0.6, y + height / 2, { steps: 5 });
    await page.mouse.up();
    await expect.poll(() => new URL(page.url()).searchParams.get('from'), { timeout: 30_000 }).toMatch(/T\d\d:00:00\.000Z$/); // prettier-ignore
    const { searchParams } = new URL(page.url());
    const hours = (Date.parse(searchParams.get('to') ?? '') - Date.parse(searchParams.get('from') ?? '')) / 3_600_000;
    expect(hours).toBeGreaterThan(4);
    expect(hours).toBeLessThan(12);
    await panel(page, 'Activity').getByText('As a table').click();
    await expect.poll(() => panel(page, 'Activity').locator('tbody tr').count(), { timeout: 30_000 }).toBe(hours);
  });

  test('a panel without a CSV in the API exports what it shows', async () => {
    await page.goto(`${collector.url}/machines`);
    await row(page, 'Certificates', 'idp.example.org').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      panel(page, 'Certificates').getByRole('button', { name: 'CSV' }).click(),
    ]);
    expect(readFileSync((await download.path()) ?? '', 'utf8').split('\r\n')).toEqual([
      'Address,Days left,State',
      'https://idp.example.org/,9,! ends soon',
      'https://clowder.example.org/healthz,61,✓ good',
      '',
    ]);
  });

  test('uncounted events are listed with their reason', async () => {
    await page.goto(`${collector.url}/usage?period=90d`);
    const expected = [viewsOf('bot'), of('view.download', 'bot').length].map(count);
    await expectFigures(page, 'What was counted, and what was not', 'A robot', expected);
  });

  test('a click shows one dataset alone, in the address and in every panel, and back shows all again', async () => {
    await page.goto(`${collector.url}/usage?period=90d&who=people`);
    const first = panel(page, 'Most used datasets').locator('tbody button').first();
    const dataset = await first.getAttribute('title');
    await first.click();
    await page.getByRole('button', { name: /Remove the filter Dataset/ }).waitFor();
    expect(new URL(page.url()).searchParams.get('dataset')).toBe(dataset);
    const own = of('view.resource', 'browser').filter((one) => one['resource_id'] === dataset).length;
    await expect.poll(() => tile(page, 'Last 90 days', 'Views').textContent(), { timeout: 120_000 }).toBe(count(own));
    await page.goBack();
    await expect
      .poll(() => tile(page, 'Last 90 days', 'Views').textContent(), { timeout: 120_000 })
      .toBe(count(viewsOf('browser')));
  });

  test('the question of a panel is an API call for everyone, and its CSV is the answer', async () => {
    await page.goto(`${collector.url}/usage?period=90d&who=people`);
    const totals = panel(page, 'Last 90 days');
    await totals.getByRole('button', { name: 'Question' }).click();
    const call = (await totals.locator('code').first().textContent())?.replace(/^GET /, '') ?? '';
    const answer = (await (await ask(call)).json()) as Stats;
    expect(answer.totals).toMatchObject({
      views: viewsOf('browser'),
      downloads: of('view.download', 'browser').length,
    });
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      totals.getByRole('link', { name: 'CSV' }).click(),
    ]);
    const csv = readFileSync((await download.path()) ?? '', 'utf8')
      .trim()
      .split(/\r?\n/);
    expect(csv[0]?.split(',').slice(0, 2)).toEqual(['views', 'downloads']);
    expect(csv[1]?.split(',')[0]).toBe(String(viewsOf('browser')));
    const picture = page.waitForEvent('download');
    await panel(page, 'Activity').getByRole('button', { name: 'PNG' }).click();
    expect(
      readFileSync((await (await picture).path()) ?? '')
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });

  test('extractors, queues, certificates and the web server show what was sent', async () => {
    await page.goto(`${collector.url}/machines?period=30d`);
    const jobs = sent.filter((one) => one['extractor_name'] === 'ncsa.wordcount');
    const many = (event: string): number => jobs.filter((one) => one.event === event).length;
    const [queued, failed] = [many('extraction.queued'), many('extraction.failed')];
    const open = queued - failed - many('extraction.done');
    await row(page, 'Extractors', 'ncsa.wordcount').getByText('alive').waitFor();
    await expectFigures(page, 'Extractors', 'ncsa.wordcount', [2, open, queued, failed].map(count));
    await expectFigures(page, 'Queues', 'clowder.sink.matomo.dead', ['3', '0']);
    await row(page, 'Certificates', 'idp.example.org').getByText('ends soon').waitFor();
    const pings = sent.filter((one) => one['component'] === 'keycloak');
    const uptime = Math.floor((10_000 * pings.filter(({ healthy }) => healthy).length) / pings.length) / 100;
    await expectFigures(page, 'Components', 'keycloak', [`${uptime.toFixed(2)} %`]);
    const responses = sent.reduce((sum, one) => sum + Number(one['responses_2xx'] ?? 0), 0);
    await panel(page, 'Web server')
      .locator('.key', { hasText: '2xx' })
      .getByText(count(responses), { exact: true })
      .waitFor();
    const picture = page.waitForEvent('download');
    await panel(page, 'Web server').getByRole('button', { name: 'PNG of Web server' }).click();
    const png = readFileSync((await (await picture).path()) ?? '');
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    // One above the other: responses, connections and bytes.
    const heightOf = async (): Promise<number> => {
      const canvases = await panel(page, 'Web server').locator('canvas').all();
      const heights = await Promise.all(
        canvases.map((one) => one.evaluate(({ height }: { height: number }) => height)),
      );
      return heights.reduce((sum, height) => sum + height, 0);
    };
    expect(png.readUInt32BE(20)).toBeGreaterThan(await heightOf());
  });
});

describe('the events page', () => {
  test('shows an event within a second of its acceptance, and opens it with schema, source and trace', async () => {
    const { context, page, strays } = await visitor();
    await logIn(page, keys.reader, '/events?type=file.deleted');
    await page.locator('.state', { hasText: 'live' }).waitFor();
    // The page records the time of display by the clock that times the post.
    await page.evaluate(`void (window.seen = new Promise((resolve) => new MutationObserver(() => {
      if (document.body.textContent.includes('gone.csv')) resolve(Date.now());
    }).observe(document.body, { childList: true, subtree: true, characterData: true })))`);
    const accepted = await fetch(`${collector.url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.sender}`, 'content-type': 'application/json' },
      body: JSON.stringify([
        { event: 'file.deleted', file_id: 'f9', file_name: 'gone.csv', trace_id: 'ab'.repeat(16) },
        { event: 'user.login', user_id: 'somebody' },
      ]),
    });
    expect(accepted.status).toBe(202);
    const postedAt = Date.now();
    expect((await page.evaluate<number>('window.seen')) - postedAt).toBeLessThan(1000);
    expect(await page.getByText('somebody').count()).toBe(0);

    await page.getByRole('button', { name: 'file.deleted' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('reported by api').waitFor();
    expect(await dialog.getByRole('link', { name: 'Its schema' }).getAttribute('href')).toBe(
      '/schemas/file.deleted.json',
    );
    expect(await dialog.getByRole('link', { name: 'Its trace' }).getAttribute('href')).toBe(
      `http://jaeger.example.org/trace/${'ab'.repeat(16)}`,
    );
    await page.keyboard.press('Escape');
    await expect.poll(() => new URL(page.url()).searchParams.has('event'), { timeout: 120_000 }).toBe(false);
    expect(strays).toEqual([]);
    await context.close();
  });

  test('shows rejected records with reason and owner; only an administrator can replay or discard them', async () => {
    await fetch(`${collector.url}/v1/logs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.sender}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        resourceLogs: [{ scopeLogs: [{ logRecords: [{ eventName: 'clowder.file.exploded' }] }] }],
      }),
    });
    const reader = await visitor();
    await logIn(reader.page, keys.reader, '/kept');
    await row(reader.page, 'Rejected events', 'key sender').waitFor();
    expect(await reader.page.getByRole('button', { name: 'Replay all' }).count()).toBe(0);
    await reader.context.close();

    const { context, page, strays } = await visitor();
    await logIn(page, keys.boss, '/kept');
    await page.getByRole('button', { name: 'Replay all' }).click();
    await page.getByText('0 accepted, 1 still wrong').waitFor();
    page.on('dialog', (dialog) => void dialog.accept());
    await page.getByRole('checkbox').first().check();
    await page.getByRole('button', { name: 'Discard 1' }).click();
    await page.getByText('1 discarded').waitFor();
    await panel(page, 'Rejected events').getByText('None.').waitFor();
    expect(strays).toEqual([]);
    await context.close();
  });
});

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary: string }[];
}

describe.each([
  ['light', { colorScheme: 'light', viewport: { width: 1400, height: 900 } }],
  ['dark', { colorScheme: 'dark', viewport: { width: 1400, height: 900 } }],
  ['on a phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
] as const)('%s', (_, options) => {
  test('every page and the login are accessible: axe finds nothing, and nothing overflows sideways', async () => {
    // The test injects axe, so it bypasses the policy that the other tests check.
    const { context, page } = await visitor({ ...options, bypassCSP: true, reducedMotion: 'reduce' });
    const violations = async (): Promise<readonly string[]> => {
      await page.evaluate(AXE);
      const { violations: found } = (await page.evaluate('axe.run()')) as { violations: Violation[] };
      return found.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id} ${target.join(' ')}: ${failureSummary}`)); // prettier-ignore
    };
    await page.goto(collector.url);
    await page.getByLabel('API key').waitFor();
    expect(await violations()).toEqual([]);
    await logIn(page, keys.boss);
    for (const path of [...PAGES, '/kept?what=held', '/kept?what=dead', '/guide']) {
      await page.goto(collector.url + path);
      await page.locator('h1').first().waitFor();
      await expect.poll(() => page.locator('[aria-busy="true"]').count(), { timeout: 120_000 }).toBe(0);
      expect({ path, violations: await violations() }).toEqual({ path, violations: [] });
      const [wide, screen] = (await page.evaluate('[document.documentElement.scrollWidth, innerWidth]')) as [number, number]; // prettier-ignore
      expect({ path, wide: Math.max(wide, screen) }).toEqual({ path, wide: screen });
    }
    await context.close();
  });
});
