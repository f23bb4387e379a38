import Table from 'cli-table3';
import { parseArgs } from 'node:util';
import { api } from './api.ts';
import { intake, intakeGrpc } from './intake.ts';
import { nginx, nginxP99 } from './nginx.ts';
import { proxy, proxyOtel } from './proxy.ts';
import { publish } from './publish.ts';
import { memory, memoryTotal } from './memory.ts';
import { measure, type Result } from './row.ts';
import { dashboardPaint, usageImport, usageIntake, usageMemory, usageQuestions, usageReport } from './usage/rows.ts';

const ROWS = {
  intake,
  'intake-grpc': intakeGrpc,
  publish,
  api,
  proxy,
  'proxy-otel': proxyOtel,
  nginx,
  'nginx-p99': nginxP99,
  memory,
  'memory-total': memoryTotal,
  'usage-questions': usageQuestions,
  'usage-report': usageReport,
  'usage-memory': usageMemory,
  'usage-intake': usageIntake,
  'dashboard-paint': dashboardPaint,
  import: usageImport,
};

/** Names for groups of rows. */
const GROUPS: Readonly<Record<string, readonly (keyof typeof ROWS)[]>> = {
  proxy: ['proxy', 'proxy-otel', 'memory', 'memory-total'],
  intake: ['intake', 'intake-grpc'],
  memory: ['memory', 'memory-total'],
  nginx: ['nginx', 'nginx-p99'],
  usage: ['usage-questions', 'usage-report', 'usage-memory', 'usage-intake', 'dashboard-paint'],
};

const USAGE = `usage: npm run bench -- [${Object.keys(ROWS).join('|')} …] [--json] [--rounds N]

Measures each row against its peer, in turn, several rounds; the figures are medians, the spread is the lowest and the
highest ratio of a round. --json prints one line of JSON a row. Exit 0 whatever the figures.`;

function wrongUsage(message: string): never {
  console.error(`${message}\n${USAGE}`);
  process.exit(2);
}

function readArgs(): { rows: (keyof typeof ROWS)[]; json: boolean; rounds: number } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '5' },
        help: { type: 'boolean' },
      },
    });
    if (values.help === true) {
      console.log(USAGE);
      process.exit(0);
    }
    const names = Object.keys(ROWS) as (keyof typeof ROWS)[];
    const asked = positionals.flatMap(
      (name) => GROUPS[name] ?? names.find((row) => row === name) ?? wrongUsage(`there is no row ${name}`),
    );
    const rows = [...new Set(asked)];
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1) wrongUsage(`--rounds was ${values.rounds}; may be 1, 2, 3, …`);
    return { rows: rows.length === 0 ? names : rows, json: values.json, rounds };
  } catch (error) {
    return wrongUsage(error instanceof Error ? error.message : String(error));
  }
}

function table(results: readonly Result[]): string {
  const lines = new Table({ head: ['', 'ours', 'peer', 'unit', 'ratio', 'target', 'spread'], style: { head: [] } });
  for (const { name, ours, peer, unit, ratio, target, spread } of results) {
    const reached = ratio >= target ? '' : ' (not reached)';
    lines.push([name, ours, peer, unit, `${ratio}${reached}`, `≥ ${target}`, spread.join(' … ')]);
  }
  return lines.toString();
}

const { rows, json, rounds } = readArgs();
const onTerminal = process.stderr.isTTY;
const results: Result[] = [];
for (const row of rows) {
  try {
    const result = await measure(ROWS[row], rounds, (text) => onTerminal && process.stderr.write(`\r\u001B[K${text}`));
    if (json) console.log(JSON.stringify(result));
    results.push(result);
  } catch (error) {
    // A missing figure is a failure; a low one is not.
    console.error(`${row} could not be measured: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  } finally {
    if (onTerminal) process.stderr.write('\r\u001B[K');
  }
}
if (!json && results.length > 0) console.log(table(results));
