import { styleText } from 'node:util';
import { loadSettings } from '../../collector/config.ts';
import { ConfigError } from '../../runtime/config/config-error.ts';
import { textOf } from '../../runtime/config/source.ts';
import { address, printAddress } from '../../runtime/config/values.ts';
import type { GlobalOptions } from '../global-options.ts';
import { UsageError } from '../settings.ts';
import { terminalJson, terminalText } from '../terminal-text.ts';
import { CHECKS } from './checks.ts';
import { failed, type Finding, type State } from './finding.ts';
import { askOverHttp, managementUrl, type Site } from './site.ts';

export interface DoctorOptions {
  readonly json?: true;
  readonly key?: string;
  readonly management?: string;
  readonly proxy?: string;
}

interface Row extends Finding {
  readonly check: string;
}

/** `doctor`: checks everything that the collector needs, and says what to do. @throws Error if a check failed */
export async function runDoctor(options: GlobalOptions, given: DoctorOptions): Promise<void> {
  const rows = await examine(options, given);
  if (given.json === true) process.stdout.write(`${terminalJson({ ok: !rows.some(isBad), checks: rows })}\n`);
  else if (process.stdout.isTTY) for (const row of rows) process.stdout.write(forPeople(row, process.stdout));
  else for (const row of rows) process.stdout.write(`${terminalJson(row)}\n`);
  const bad = [...new Set(rows.filter(isBad).map(({ check }) => check))];
  if (bad.length > 0) throw new Error(`Problems found: ${bad.join(', ')}`);
}

const rowOf = (check: string, finding: Finding): Row => ({ check, ...finding });
const isBad = ({ state }: Row): boolean => state === 'failed';

async function examine(options: GlobalOptions, given: DoctorOptions): Promise<readonly Row[]> {
  let site: Site;
  try {
    site = siteOf(options, given);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [
      {
        check: 'settings',
        ...failed(error.message, 'Correct the settings, and run this again. Nothing else was checked'),
      },
    ];
  }
  const found = await Promise.all(
    Object.entries(CHECKS).map(async ([check, look]) => (await look(site)).map((finding) => rowOf(check, finding))),
  );
  return found.flat();
}

function siteOf({ config }: GlobalOptions, { key, management, proxy }: DoctorOptions): Site {
  const settings = loadSettings(process.env, config);
  const admin = address('127.0.0.1').parse(textOf(process.env, 'PROXY_ADMIN'));
  return {
    settings,
    key: key ?? textOf(process.env, 'CLOWDER_OTEL_API_KEY'),
    management: managementUrl(
      firstUrl(settings.AMQP_URL),
      management === undefined ? undefined : urlOf('--management', management),
    ),
    proxy: proxy === undefined ? admin && new URL(`http://${printAddress(admin)}`) : urlOf('--proxy', proxy),
    now: Date.now,
    ask: askOverHttp,
  };
}

const firstUrl = (urls = 'amqp://guest:guest@127.0.0.1:5672'): string => urls.split(/,(?=\s*amqps?:)/)[0] ?? '';

function urlOf(option: string, text: string): URL {
  if (URL.canParse(text) && /^https?:/.test(text)) return new URL(text);
  throw new UsageError(`${option} was ${text}; may be a URL that begins with http:// or https://`);
}

const LOOKS = {
  ok: 'green',
  warning: 'yellow',
  failed: 'red',
  skipped: 'dim',
} as const satisfies Record<State, Parameters<typeof styleText>[0]>;
const STATE_WIDTH = 9;
const CHECK_WIDTH = 11;

/** State, check and the sentences, wrapped to fit the terminal. */
function forPeople({ state, check, found, do: todo }: Row, stream: NodeJS.WriteStream): string {
  const indent = ' '.repeat(STATE_WIDTH + CHECK_WIDTH);
  const width = Math.max(40, (stream.columns || 80) - indent.length);
  const lines = wrap(found, width).concat(todo === undefined ? [] : wrap(`→ ${todo}`, width));
  const head = styleText(LOOKS[state], state.padEnd(STATE_WIDTH), { stream }) + check.padEnd(CHECK_WIDTH);
  return `${head}${lines.join(`\n${indent}`)}\n`;
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).map(terminalText)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
