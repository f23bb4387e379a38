import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { makeKey, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { tempDir } from '../support/processes.ts';

let browser: Browser;
let collector: CollectorProcess;
let dir: Awaited<ReturnType<typeof tempDir>>;
let key: string;

beforeAll(async () => {
  dir = await tempDir('api-page');
  key = await makeKey(dir.path, 'ingest read');
  collector = await startCollector({ dataDir: dir.path, amqpUrl: 'amqp://127.0.0.1:1' });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  await collector.stop();
  await dir.remove();
});

/** How many events the collector lists. */
async function eventCount(): Promise<number> {
  const listed = await fetch(`${collector.url}/api/v1/events`, { headers: { authorization: `Bearer ${key}` } });
  return ((await listed.json()) as { events: unknown[] }).events.length;
}

interface Opened {
  readonly page: Page;
  /** Requests of the page to other servers. */
  readonly foreign: string[];
  /** What the browser refused, and what failed. */
  readonly complaints: string[];
}

async function open(width: number, height: number): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width, height } });
  const foreign: string[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(collector.url) && !/^(?:data|blob):/.test(url)) foreign.push(url);
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.goto(`${collector.url}/docs#?route=auth`);
  return { page, foreign, complaints };
}

describe('the API page', () => {
  test.each([
    ['a screen', 1280, 800],
    ['a phone', 390, 844],
  ])('posts an event from %s with the key that was entered, and contacts no other server', async (_, width, height) => {
    const { page, foreign, complaints } = await open(width, height);
    const before = await eventCount();
    const bearer = page.locator('#auth tr').first();
    await bearer.locator('input').fill(key);
    await bearer.locator('button').click();
    await page.evaluate('location.hash = "?route=post-/api/v1/events"');
    await page.locator('.btn-execute').first().click();
    await page.getByText('Accepted (202)').waitFor();
    expect(await eventCount()).toBe(before + 1);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);

    // The page keeps the key over a reload.
    await page.goto(`${collector.url}/docs#?route=auth`);
    await page.reload();
    await page.getByText('Key Applied', { exact: true }).waitFor();
    expect({ foreign, complaints }).toEqual({ foreign: [], complaints: [] });
    await page.close();
  });
});
