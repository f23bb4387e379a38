import type { Command } from 'commander';
import type { GlobalOptions } from './global-options.ts';
import type { PushOptions, ReportOptions } from './report-options.ts';

/** Adds `report` and `report push`. */
export function addReport(program: Command, globals: () => GlobalOptions): void {
  const report = program.command('report');
  addReportFlags(report).action(async (kind: string, options: ReportOptions) =>
    (await import('./report.ts')).writeReport(globals(), kind, options),
  );
  // Commander gives an option that both commands have to the outer one, so the options of both are read.
  addPushFlags(report.command('push')).action(async (_options: PushOptions, command: Command) =>
    (await import('./report.ts')).pushMonth(globals(), command.optsWithGlobals()),
  );
}

function addPushFlags(command: Command): Command {
  return command
    .description("send a month's dataset report to DataCite's hub, or replace the one there")
    .option('--from <month>', 'the month, e.g. 2026-10; by default the last complete one')
    .option('--catalog <file>', 'titles, creators, DOIs and more about datasets: NDJSON or a JSON array')
    .option('--time-zone <zone>', 'time zone of days and months; by default REPORT_TIME_ZONE, or UTC')
    .option('--partial <why>', 'mark the report as incomplete (exception 3040), and say why')
    .option('--id <uuid>', 'the report at the hub to replace; by default the one sent for the month');
}

function addReportFlags(command: Command): Command {
  return command
    .argument('<kind>', 'ir, pr, pr_p1, rd1 or usage')
    .description(
      'write a usage report of whole months: COUNTER 5.1 (ir, pr, pr_p1), DataCite (rd1), or for people (usage)',
    )
    .option('--from <month>', 'first month, e.g. 2026-10; by default the last complete one')
    .option('--to <month>', 'last month; by default the first')
    .option(
      '--events <paths...>',
      'read files of events (NDJSON, also .gz), or directories of them, instead of the store',
    )
    .option('--catalog <file>', 'titles, creators, DOIs and more about datasets: NDJSON or a JSON array')
    .option(
      '--time-zone <zone>',
      'time zone of days and months, e.g. America/Chicago; by default REPORT_TIME_ZONE, or UTC',
    )
    .option('--format <format>', 'json, tsv, csv or html')
    .option('--partial <why>', 'mark the report as incomplete (exception 3040), and say why')
    .option('--out <file>', 'write to this file instead of standard output');
}
