import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cli } from '../../test/support/cli.ts';
import { startCollector } from '../../test/support/collector-process.ts';
import { tempDir } from '../../test/support/processes.ts';
import { toolPath } from '../../test/support/tools.ts';
import { download, traceRequest } from '../otlp-body.ts';
import type { Measure, Row } from '../row.ts';
import { writeAccessLog } from './access-log.ts';
import { openDashboard } from './first-paint.ts';

const run = promisify(execFile);
const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const EVENTS = 10_000_000;
/** Upper bounds (docs/design.md, "Speed"). */
const QUESTION_MS = 300;
const REPORT_MS = 3000;
const RSS_MIB = 700;
const PAINT_MS = 1000;

interface Asked {
  /** Milliseconds, by question. */
  readonly questions: Readonly<Record<string, number>>;
  readonly report: number;
  readonly rssMiB: number;
}

/** Made once for all rows that read it; removed when the process ends. */
let made: Promise<string> | undefined;
let asked: Promise<Asked> | undefined;

/** A store of ten million events, which one row at a time uses. */
const storeOfEvents = (): Promise<string> => (made ??= makeStore());

async function makeStore(): Promise<string> {
  const temp = await tempDir('bench-usage');
  process.once('exit', () => rmSync(temp.path, { recursive: true, force: true }));
  const store = join(temp.path, 'usage.duckdb');
  await run(process.execPath, [program('make-store.ts'), store, String(EVENTS)]);
  return store;
}

/** The figures that a separate process measures on that store. */
async function askStore(): Promise<Asked> {
  const { stdout } = await run(process.execPath, [program('ask-store.ts'), await storeOfEvents()]);
  process.stderr.write(stdout);
  return JSON.parse(stdout) as Asked;
}

function storeRow(name: string, unit: string, bound: number, read: (figures: Asked) => number): Row {
  return {
    name,
    unit,
    target: 1,
    better: 'lower',
    maxRounds: 1,
    start: async () => ({
      ours: async () => read(await (asked ??= askStore())),
      peer: async () => bound,
      [Symbol.asyncDispose]: async () => {},
    }),
  };
}

/** The slowest question of the dashboard. */
export const usageQuestions = storeRow('usage-questions', 'ms', QUESTION_MS, ({ questions }) =>
  Math.max(...Object.values(questions)),
);
/** The figures of a COUNTER report for a month with a million events. */
export const usageReport = storeRow('usage-report', 'ms', REPORT_MS, ({ report }) => report);
/** The largest resident set of a process that answers all of that. */
export const usageMemory = storeRow('usage-memory', 'MiB', RSS_MIB, ({ rssMiB }) => rssMiB);

/** When the dashboard's usage page shows its first figures in a real browser, with ten million events. */
export const dashboardPaint: Row = {
  name: 'dashboard-paint',
  unit: 'ms',
  target: 1,
  better: 'lower',
  async start() {
    await using stack = new AsyncDisposableStack();
    const dashboard = stack.use(await openDashboard(await storeOfEvents()));
    // The first visitor after a start waits until the store is read from disk.
    await dashboard.look();
    const owned = stack.move();
    return {
      ours: async () => {
        const painted = await dashboard.look();
        process.stderr.write(`${JSON.stringify(painted)}\n`);
        return painted.figures;
      },
      peer: async () => PAINT_MS,
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};

const SPANS = 512;
const REQUESTS = 200;

/** Intake of spans that are events, with and without the usage process. */
export const usageIntake: Row = {
  name: 'usage-intake',
  unit: 'events/s',
  target: 0.95,
  async start() {
    await using stack = new AsyncDisposableStack();
    const amqpUrl = 'amqp://127.0.0.1:1';
    const counting = stack.use(await startCollector({ amqpUrl, env: { USAGE: 'on', JOURNAL_MAX_BYTES: '8GiB' } }));
    const alone = stack.use(await startCollector({ amqpUrl, env: { USAGE: 'off', JOURNAL_MAX_BYTES: '8GiB' } }));
    const measure =
      (url: string): Measure =>
      async () => {
        const bodies = Array.from({ length: REQUESTS }, () => traceRequest(Array.from({ length: SPANS }, download)));
        const start = performance.now();
        const rest = bodies.values();
        await Promise.all(
          Array.from({ length: 4 }, async () => {
            for (const body of rest) await post(`${url}/v1/traces`, body);
          }),
        );
        return (REQUESTS * SPANS * 1000) / (performance.now() - start);
      };
    await measure(counting.url)();
    await measure(alone.url)();
    const owned = stack.move();
    return {
      ours: measure(counting.url),
      peer: measure(alone.url),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};

/** Over a connection of its own: the collector closes idle ones while the other side is measured. */
async function post(url: string, body: Buffer): Promise<void> {
  const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length };
  const sent = request(url, { method: 'POST', agent: false, headers });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  await buffer(answer);
  if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}`);
}

const LINES = 1_000_000;

/**
 * `usage import` of an access log against GoAccess. Every line is mapped, and every event is stored once and can be queried.
 */
export const usageImport: Row = {
  name: 'import',
  unit: 'lines/s',
  target: 0.3,
  maxRounds: 3,
  async start() {
    const goaccess = toolPath('goaccess');
    const temp = await tempDir('bench-import');
    const log = join(temp.path, 'access.log');
    await writeAccessLog(log, LINES);
    const timed = async (file: string, args: readonly string[], env: object = {}): Promise<number> => {
      const start = performance.now();
      await run(file, [...args], { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 ** 2 });
      return (LINES * 1000) / (performance.now() - start);
    };
    return {
      ours: async () => {
        const dataDir = join(temp.path, 'data');
        await rm(dataDir, { recursive: true, force: true });
        return timed(process.execPath, [...cli(), 'usage', 'import', '--nginx', log], {
          DATA_DIR: dataDir,
          CLOWDER_VERSION: 'v1',
        });
      },
      peer: () =>
        timed(goaccess, [log, '--log-format=COMBINED', '--no-progress', '-o', join(temp.path, 'report.json')]),
      [Symbol.asyncDispose]: () => temp.remove(),
    };
  },
};
