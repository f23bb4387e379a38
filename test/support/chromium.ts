import { chromium, type Browser } from 'playwright-core';
import { toolPath } from './tools.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Real-looking site names instead of localhost, so plain http counts as insecure.
  '--host-resolver-rules=MAP *.test 127.0.0.1',
];

/** How long a page may take for any step: long, so that a busy machine does not matter. */
const WAIT_MS = 120_000;

/**
 * The real Chromium, headless, with its own profile. It keeps pages that are left in its back/forward cache, as people's
 * browsers do.
 *
 * @param userAgent its User-Agent, also sent while a page is left. @default its own name
 */
export async function launchChromium({ userAgent }: { userAgent?: string } = {}): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: toolPath('chromium'),
    args: userAgent === undefined ? FLAGS : [...FLAGS, `--user-agent=${userAgent}`],
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (options) => {
    const context = await newContext(options);
    context.setDefaultTimeout(WAIT_MS);
    return context;
  };
  return browser;
}
