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
  // Names of a site as people have it: not this machine, so that plain http there is plain http.
  '--host-resolver-rules=MAP *.test 127.0.0.1',
];

/** How long a page may take for anything: long, since a busy machine must not matter. */
const WAIT_MS = 120_000;

/**
 * The real Chromium, without a screen, with a profile of its own; it keeps pages that are left, as people's browsers do.
 *
 * @param userAgent what it calls itself, also while a page is left. @default its own name
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
