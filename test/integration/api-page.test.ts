import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { runCli, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { tempDir } from '../support/processes.ts';

let browser: Browser;
let collector: CollectorProcess;
let dir: Awaited<ReturnType<typeof tempDir>>;
let key: string;

beforeAll(async () => {
  dir = await tempDir('swagger');
  const made = await runCli(['keys', 'add', '--name', 'page', '--scope', 'ingest', 'read', '--json'], {
    DATA_DIR: dir.path,
  });
  ({ key } = JSON.parse(made) as { key: string });
  collector = await startCollector({ dataDir: dir.path, amqpUrl: 'amqp://127.0.0.1:1' });
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
  await collector.stop();
  await dir.remove();
});

describe('Swagger UI', () => {
  test('posts an event by "try it out", with the key that was entered', async () => {
    const page = await browser.newPage();
    await page.goto(`${collector.url}/docs`);
    await page.click('button.authorize');
    const dialog = page.locator('.dialog-ux');
    await dialog.locator('input').first().fill(key);
    await dialog.locator('button[type=submit]').first().click();
    await dialog.locator('button.btn-done').first().click();
    const operation = page.locator('#operations-events-post_events');
    await operation.locator('.opblock-summary-control').click();
    await operation.locator('button.execute').click();
    await operation.locator('.live-responses-table .response-col_status', { hasText: '202' }).waitFor();

    const listed = await fetch(`${collector.url}/api/v1/events`, { headers: { authorization: `Bearer ${key}` } });
    expect(await listed.json()).toMatchObject({ events: [{ event: 'file.uploaded', source: 'api' }] });
    expect(await page.locator('.errors-wrapper').count()).toBe(0);
    await page.close();
  });
});
