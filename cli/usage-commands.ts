import { InvalidArgumentError, Option, type Command } from 'commander';
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
  addCatalog(usage.command('catalog'), globals);
  usage
    .command('restatements')
    .description('list figures that changed after their month was reported, and why; the latest first')
    .action(async () => (await import('./usage-catalog.ts')).listRestatements(globals()));
}

function addCatalog(catalog: Command, globals: () => GlobalOptions): void {
  catalog.description('what is known of datasets beside their usage');
  catalog
    .command('fetch')
    .description('ask Clowder (CATALOG_URL) for titles, creators, files and more of the datasets that occur')
    .addOption(new Option('--max-age <age>', 'ask again for what is known so long, e.g. 0s, 12h, 30d').default('7d'))
    .addOption(new Option('--rate <requests>', 'requests a second').default(5).argParser(aboveNothing))
    .addOption(new Option('--concurrent <n>', 'requests at once').default(2).argParser(aboveNothing))
    .option('--out <file>', 'write what the store has then to a file, too, as --catalog of report takes it')
    .action(async (options: { maxAge: string; rate: number; concurrent: number; out?: string }) =>
      (await import('./usage-catalog.ts')).fetchUsageCatalog(globals(), options),
    );
  catalog
    .command('export')
    .description('write what the store has of datasets to a file, as --catalog of report takes it')
    .requiredOption('--out <file>', 'file to write')
    .action(async (options: { out: string }) =>
      (await import('./usage-catalog.ts')).exportUsageCatalog(globals(), options),
    );
}

function aboveNothing(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}
