import { Option, type Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';

/** `usage` and what it has below it. */
export function addUsage(program: Command, globals: () => GlobalOptions): void {
  const usage = program
    .command('usage')
    .description('count usage: follow the journal, as the collector has it done by itself')
    .action(async () => (await import('./usage.ts')).countUsage(globals()));
  usage
    .command('import')
    .option('--events <paths...>', 'files of events, NDJSON, also gzip or zstd; or directories of them')
    .option('--nginx <files...>', 'access logs, clowder.json or combined, also gzip or zstd')
    .description('count what happened before: each event once, however often it is imported')
    .action(async (options: { events?: string[]; nginx?: string[] }) =>
      (await import('./usage-import.ts')).importUsage(globals(), options),
    );
  usage
    .command('export')
    .addOption(new Option('--format <format>', 'of the file').choices(['parquet', 'ndjson', 'csv']).default('ndjson'))
    .requiredOption('--out <file>', 'file to write')
    .option('--from <month>', 'from this month on, such as 2026-10')
    .option('--to <month>', 'until the end of this month')
    .description('write the events of the usage store to a file')
    .action(async (options: { format: 'parquet' | 'ndjson' | 'csv'; out: string; from?: string; to?: string }) =>
      (await import('./usage-store.ts')).exportUsage(globals(), options),
    );
  usage
    .command('rebuild')
    .description('judge user agents and place files anew, from the events alone')
    .action(async () => (await import('./usage-store.ts')).rebuildUsage(globals()));
  usage
    .command('forget')
    .requiredOption('--user <id>', 'id of the user')
    .description('take a user out of the events; what they did stays counted')
    .action(async (options: { user: string }) => (await import('./usage-store.ts')).forgetUser(globals(), options));
}
