import type { Browser } from 'playwright-core';
import { launchChromium } from '../../test/support/chromium.ts';
import { startCollector } from '../../test/support/collector-process.ts';

/** Records when the first figure is painted and when no panel is waiting any more: milliseconds since navigation began. */
const NOTE_TIMES = `
  window.painted = new Promise((resolve) => {
    const times = {};
    const note = (name, isThere) => {
      if (name in times || !isThere()) return;
      times[name] = undefined;
      requestAnimationFrame(() => setTimeout(() => {
        times[name] = performance.now();
        if (times.figures > 0 && times.all > 0) resolve(times);
      }));
    };
    new MutationObserver(() => {
      note('figures', () => /\\d/.test(document.querySelector('.tile b')?.textContent ?? ''));
      note('all', () => 'figures' in times && document.querySelector('[aria-busy="true"]') === null);
    }).observe(document, { childList: true, subtree: true, characterData: true, attributes: true });
  });
`;

/** When the usage dashboard had its first figure on the screen, and when all of them. */
export interface Painted {
  readonly figures: number;
  readonly all: number;
}

/** The dashboard of a store as a visitor sees it, each time in a browser with an empty cache. */
export interface OpenDashboard extends AsyncDisposable {
  look(): Promise<Painted>;
}

/** @param store file of a store that no other process has open */
export async function openDashboard(store: string): Promise<OpenDashboard> {
  await using stack = new AsyncDisposableStack();
  const env = { USAGE: 'on', USAGE_STORE: store };
  const collector = stack.use(await startCollector({ amqpUrl: 'amqp://127.0.0.1:1', env }));
  const browser = await launchChromium();
  stack.defer(() => browser.close());
  const owned = stack.move();
  return {
    look: () => paintedBy(browser, `${collector.url}/usage?from=2026-10-01&to=2026-10-31`),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function paintedBy(browser: Browser, url: string): Promise<Painted> {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
  try {
    const page = await context.newPage();
    await page.addInitScript(NOTE_TIMES);
    await page.goto(url);
    return await page.evaluate<Painted>('window.painted');
  } finally {
    await context.close();
  }
}
