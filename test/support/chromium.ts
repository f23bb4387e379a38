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
];

/** The real Chromium, without a screen, with a profile of its own. */
export const launchChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: toolPath('chromium'), args: FLAGS });
