import type { Command } from 'commander';

/** What can be said of a report. */
export interface ReportOptions {
  readonly from?: string;
  readonly to?: string;
  readonly events?: readonly string[];
  readonly catalog?: string;
  readonly timeZone?: string;
  readonly format?: string;
  readonly partial?: string;
  readonly out?: string;
}

export function addReportFlags(command: Command): Command {
  return command
    .argument('<kind>', 'ir, pr, pr_p1, rd1 or usage')
    .description(
      'write a usage report of whole months: COUNTER 5.1 (ir, pr, pr_p1), DataCite (rd1), or for people (usage)',
    )
    .option('--from <month>', 'first month, e.g. 2026-10; by default the last one that is over')
    .option('--to <month>', 'last month; by default the first')
    .option(
      '--events <paths...>',
      'from files of events (NDJSON, also .gz), or directories of them, in place of the store',
    )
    .option('--catalog <file>', 'titles, creators, DOIs and more of datasets: NDJSON or a JSON array')
    .option('--time-zone <zone>', 'whose days and months, e.g. America/Chicago; by default REPORT_TIME_ZONE, or UTC')
    .option('--format <format>', 'json, tsv, csv or html')
    .option('--partial <why>', 'state that the report is not complete (exception 3040), and why')
    .option('--out <file>', 'write it there, in place of standard output');
}
