import { InvalidArgumentError, Option, type Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';

/** `usage` and its subcommands. */
export function addUsage(program: Command, globals: () => GlobalOptions): void {
  const usage = program
    .command('usage')
    .description('count usage from the journal, as the collector does by default')
    .action(async () => (await import('./usage.ts')).countUsage(globals()));
  usage
    .command('import')
    .option('--events <paths...>', 'files of events (NDJSON, also gzip or zstd), or directories of them')
    .option('--nginx <files...>', 'access logs (clowder.json or combined, also gzip or zstd)')
    .description('count earlier events; each counts once, however often you import it')
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
    .description('classify user agents and place files again, from the events alone')
    .action(async () => (await import('./usage-store.ts')).rebuildUsage(globals()));
  usage
    .command('forget')
    .requiredOption('--user <id>', 'id of the user')
    .description('remove a user from the events; their actions still count')
    .action(async (options: { user: string }) => (await import('./usage-store.ts')).forgetUser(globals(), options));
  addCatalog(usage.command('catalog'), globals);
  usage
    .command('restatements')
    .description('list figures that changed after their month was reported, and why, latest first')
    .action(async () => (await import('./usage-catalog.ts')).listRestatements(globals()));
}

function addCatalog(catalog: Command, globals: () => GlobalOptions): void {
  catalog.description('titles, creators and more about datasets');
  catalog
    .command('fetch')
    .description('ask Clowder (CATALOG_URL) about the datasets that occur: titles, creators, files and more')
    .addOption(
      new Option(
        '--max-age <age>',
        'ask again about datasets last asked about this long ago, e.g. 0s, 12h, 30d',
      ).default('7d'),
    )
    .addOption(new Option('--rate <requests>', 'requests a second').default(5).argParser(aboveNothing))
    .addOption(new Option('--concurrent <n>', 'requests at once').default(2).argParser(aboveNothing))
    .option('--out <file>', 'also write the catalog to a file, for report --catalog')
    .action(async (options: { maxAge: string; rate: number; concurrent: number; out?: string }) =>
      (await import('./usage-catalog.ts')).fetchUsageCatalog(globals(), options),
    );
  catalog
    .command('export')
    .description('write the catalog to a file, for report --catalog')
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
