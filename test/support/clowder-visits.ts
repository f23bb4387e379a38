import type { Browser, Page } from 'playwright-core';
import { downloaded, pageView, uploaded, viewed } from '../stand-in/scenarios/events.ts';
import type { ExpectedEvent } from '../stand-in/scenarios/scenario.ts';
import { seedId } from '../stand-in/seeds.ts';
import type { StandInVersion } from '../stand-in/server.ts';
import { byProxy } from './published.ts';

/** A person's User-Agent: headless Chromium's own would count as a robot. */
export const VISITOR =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36';

const DATASET = seedId('dataset', 700);
const FILE = seedId('file', 700);
const OTHER_FILE = seedId('file', 701);
const UPLOADS = [
  { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.alloc(71, 'a') },
  { name: 'b.csv', mimeType: 'text/csv', buffer: Buffer.alloc(72, 'b') },
];
const preview = { resource_id: FILE, file_name: 'file-700.txt', bytes: 1700, tracked: false } as const;

/**
 * A person with a browser at a Clowder: looks around, uploads two files, downloads one. @returns the events that must result
 */
export async function visit(
  version: StandInVersion,
  browser: Browser,
  base: string,
): Promise<readonly ExpectedEvent[]> {
  const context = await browser.newContext({ userAgent: VISITOR, acceptDownloads: true });
  try {
    const page = await context.newPage();
    const events = await (version === 'v1' ? visitV1(page, base) : visitV2(page, base));
    return events.map((event) => byProxy(event, 'browser'));
  } finally {
    await context.close();
  }
}

/** Pages and what they load: previews, fragments, a poll, a form. */
async function visitV1(page: Page, base: string): Promise<readonly ExpectedEvent[]> {
  const show = async (path: string): Promise<void> => {
    await page.goto(base + path, { waitUntil: 'networkidle' });
    await page.locator('body[data-loaded]').waitFor();
  };
  await show('/');
  await show(`/datasets/${DATASET}`);
  await page.setInputFiles('input[type=file]', UPLOADS);
  await page.click('form button');
  const answer = await page.locator('#uploaded', { hasText: 'files' }).textContent();
  const { files } = JSON.parse(answer ?? '') as { files: { url: string }[] };
  await show(`/files/${FILE}?dataset=${DATASET}`);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
  await download.path();
  return [
    pageView({ url: '/' }),
    viewed('dataset', DATASET, { url: `/datasets/${DATASET}` }),
    ...twoUploads(files.map(({ url }) => url.split('/').at(-1) ?? '')),
    viewed('file', FILE, {
      dataset_id: DATASET,
      url: `/files/${FILE}?dataset=${DATASET}`,
    }),
    downloaded('file', { ...preview, url: `/files/${FILE}/blob` }),
    downloaded('file', { ...preview, tracked: true, url: `/api/files/${FILE}/blob` }),
  ];
}

declare global {
  // What the stand-in's v2 application exposes to its page.
  var clowder: {
    readonly ready: Promise<void>;
    readonly go: (path: string) => Promise<void>;
    readonly upload: (datasetId: string) => Promise<{ id: string }[]>;
    readonly download: (id: string) => void;
  };
}

/** One page with an application that navigates on its own: views show only in its API calls. */
async function visitV2(page: Page, base: string): Promise<readonly ExpectedEvent[]> {
  await page.goto(`${base}/datasets/${DATASET}`);
  await page.evaluate(() => globalThis.clowder.ready);
  await page.setInputFiles('input[type=file]', UPLOADS);
  const made = await page.evaluate((id) => globalThis.clowder.upload(id), DATASET);
  await page.evaluate((path) => globalThis.clowder.go(path), `/files/${FILE}?dataset=${DATASET}`);
  const asked = page.waitForEvent('download');
  await page.evaluate((id) => globalThis.clowder.download(id), OTHER_FILE);
  await (await asked).path();
  await page.reload();
  await page.evaluate(() => globalThis.clowder.ready);
  const previewed = downloaded('file', { ...preview, preview: true, url: `/api/v2/files/${FILE}?increment=false` });
  return [
    viewed('dataset', DATASET, { resource_name: 'dataset-700', url: `/datasets/${DATASET}` }),
    ...twoUploads(made.map(({ id }) => id)),
    viewed('file', FILE, { resource_name: 'file-700.txt', dataset_id: seedId('dataset', 700), url: `/api/v2/files/${FILE}/summary` }), // prettier-ignore
    previewed,
    downloaded('file', { resource_id: OTHER_FILE, file_name: 'file-701.txt', bytes: 1701, url: `/api/v2/files/${OTHER_FILE}` }), // prettier-ignore
    // A page that the browser already has (304) is another view, and its later requests belong to that view.
    viewed('file', FILE, {
      resource_name: 'file-700.txt',
      dataset_id: DATASET,
      url: `/files/${FILE}?dataset=${DATASET}`,
    }),
    previewed,
  ];
}

const twoUploads = (ids: readonly string[]): readonly ExpectedEvent[] =>
  UPLOADS.map(
    ({ name, mimeType, buffer }, index) =>
    uploaded({ file_id: ids[index] ?? '', file_name: name, bytes: buffer.length, content_type: mimeType, dataset_id: DATASET }), // prettier-ignore
  );
