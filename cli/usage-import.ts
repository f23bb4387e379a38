import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../collector/config.ts';
import { CollapseWindow } from '../collector/intake/collapse-window.ts';
import { entriesOf } from '../runtime/config/values.ts';
import { isOneOf } from '../runtime/config/networks.ts';
import { createMapContext, type MapContext } from '../taxonomy/map/context.ts';
import { parseEventLine } from '../usage/import/event-line.ts';
import { importFile, type ImportOptions } from '../usage/import/import-file.ts';
import { parseLogLine } from '../usage/import/log-line.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows, progress } from './output.ts';
import { settingsOf, UsageError } from './settings.ts';
import { terminalText } from './terminal-text.ts';
import { openStore } from './usage.ts';

interface What {
  readonly events?: readonly string[];
  readonly nginx?: readonly string[];
}

/** Of lines that cannot be read, so many are shown. */
const SHOWN = 20;

/** `usage import`: events, or old access logs. @throws Error where a line could not be read, or a file ends in the middle */
export async function importUsage(options: GlobalOptions, { events = [], nginx = [] }: What): Promise<void> {
  const files = [...events, ...nginx].flatMap(filesOf);
  if (files.length === 0) throw new UsageError('usage import needs --events PATH… or --nginx FILE…');
  const settings = settingsOf(options);
  const parse = nginx.length > 0 ? logParser(settings) : ({ text }: { text: string }) => parseEventLine(text);
  const store = await openStore(settings);
  try {
    await importAll(files, { store, parse });
  } finally {
    await store.close();
  }
}

async function importAll(files: readonly string[], parts: Pick<ImportOptions, 'store' | 'parse'>): Promise<void> {
  const shown = progress(
    'lines',
    process.stderr,
    Date.now,
    files.reduce((sum, file) => sum + statSync(file).size, 0),
  );
  const said: string[] = [];
  let [before, done, wrong] = [0, 0, 0];
  const rows = [];
  for (const file of files) {
    const { cutOff, ...counts } = await importFile(file, {
      ...parts,
      onProblem: (message) => said.length < SHOWN && said.push(message),
      onProgress: (lines, bytes) => shown.update(done + lines, before + bytes),
    });
    before += statSync(file).size;
    done += counts.lines;
    wrong += counts.wrong + (cutOff === undefined ? 0 : 1);
    if (cutOff !== undefined) said.push(cutOff);
    rows.push({ file, ...counts });
  }
  shown.end();
  printRows(rows, ['file', 'lines', 'stored', 'known', 'wrong']);
  for (const line of said) process.stderr.write(`${terminalText(line)}\n`);
  if (wrong > 0) throw new Error(`${wrong} lines or files could not be read; everything else is in the store`);
}

/** A directory stands for the files in it. @throws UsageError */
function filesOf(path: string): readonly string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) throw new UsageError(`${path} does not exist`);
  if (!found.isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join(path, name))
    .toSorted();
}

function logParser(settings: Settings): ImportOptions['parse'] {
  const window = new CollapseWindow();
  const context = contextOf(settings);
  return (line) =>
    parseLogLine(line, {
      context,
      counts: ({ collapse, body }) => collapse === undefined || window.count(collapse, body.created) !== undefined,
    });
}

/** As the collector maps: the same settings, and keys of clients that nobody has after this run. */
function contextOf(settings: Settings): MapContext {
  return createMapContext({
    clowder: settings.CLOWDER_VERSION,
    contextPath: settings.CLOWDER_CONTEXT.replace(/\/+$/, ''),
    addressPolicy: settings.CLIENT_ADDRESS,
    ...(settings.EXTRACTOR_ADDRESSES !== undefined && {
      isExtractor: isOneOf(entriesOf(settings.EXTRACTOR_ADDRESSES)),
    }),
    ...(settings.CLOWDER_INSTANCE !== undefined && { instance: settings.CLOWDER_INSTANCE }),
  });
}
