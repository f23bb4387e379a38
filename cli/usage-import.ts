import { statSync } from 'node:fs';
import { makeDataDir } from '../collector/journal/data-dir.ts';
import type { StoreSettings } from '../collector/config.ts';
import { CollapseWindow } from '../collector/intake/collapse-window.ts';
import { entriesOf } from '../runtime/config/values.ts';
import { isOneOf } from '../runtime/config/networks.ts';
import { createMapContext, type MapContext } from '../taxonomy/map/context.ts';
import { parseEventLine } from '../usage/input/event-line.ts';
import { filesOf } from '../usage/input/files.ts';
import { parseLogLine } from '../usage/input/log-line.ts';
import { takeFile, type TakeOptions } from '../usage/input/take-file.ts';
import type { UsageStore } from '../usage/store/usage-store.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows } from './output.ts';
import { progress } from './progress.ts';
import { storeSettingsOf, UsageError } from './settings.ts';
import { terminalText } from './terminal-text.ts';
import { openStore } from './usage.ts';

interface What {
  readonly events?: readonly string[];
  readonly nginx?: readonly string[];
}

interface ToTake {
  readonly file: string;
  readonly parse: TakeOptions['parse'];
}

/** How many unreadable lines are shown. */
const SHOWN = 20;

/** `usage import`: events and old access logs. @throws Error if a line cannot be read, or a file ends in the middle */
export async function importUsage(options: GlobalOptions, { events = [], nginx = [] }: What): Promise<void> {
  if (events.length + nginx.length === 0)
    throw new UsageError('usage import needs --events PATH… or --nginx FILE…, or both');
  const settings = storeSettingsOf(options);
  const logs = logParser(settings);
  const files: readonly ToTake[] = [
    ...(await filesOf(events, 'events')).map((file) => ({ file, parse: eventParser })),
    ...(await filesOf(nginx, 'nginx')).map((file) => ({ file, parse: logs })),
  ];
  // The import may be the first command on this machine.
  if (settings.USAGE_STORE === undefined) makeDataDir(settings.DATA_DIR);
  const store = await openStore(settings);
  try {
    await importAll(files, store);
  } finally {
    await store.close();
  }
}

async function importAll(files: readonly ToTake[], store: UsageStore): Promise<void> {
  const shown = progress('lines');
  const total = files.reduce((sum, { file }) => sum + statSync(file).size, 0);
  const said: string[] = [];
  let [before, done, wrong] = [0, 0, 0];
  const rows = [];
  for (const { file, parse } of files) {
    const { broken, ...counts } = await takeFile(file, {
      store,
      parse,
      onProblem: (message) => said.length < SHOWN && said.push(message),
      onProgress: (lines, bytes) => shown.update(done + lines, { part: before + bytes, total }),
    });
    before += statSync(file).size;
    done += counts.lines;
    wrong += counts.wrong + (broken === undefined ? 0 : 1);
    if (broken !== undefined) said.push(broken.message);
    rows.push({ file, ...counts });
  }
  shown.end();
  printRows(rows, ['file', 'lines', 'stored', 'known', 'wrong']);
  for (const line of said) process.stderr.write(`${terminalText(line)}\n`);
  if (wrong > 0) throw new Error(`${wrong} lines or files could not be read; everything else is in the store`);
}

const eventParser: TakeOptions['parse'] = ({ text }) => parseEventLine(text);

function logParser(settings: StoreSettings): TakeOptions['parse'] {
  const window = new CollapseWindow();
  const context = contextOf(settings);
  return (line) =>
    parseLogLine(line, {
      context,
      counts: ({ collapse, body }) => collapse === undefined || window.count(collapse, body.created) !== undefined,
    });
}

/** Maps as the collector does, with the same settings. Keys of clients do not outlive this run. */
function contextOf(settings: StoreSettings): MapContext {
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
