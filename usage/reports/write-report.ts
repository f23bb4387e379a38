import type { UsageStore } from '../store/usage-store.ts';
import { ReportError } from './errors.ts';
import { written } from './formats.ts';
import { isReportFormat, isReportKind, REPORT_FORMATS, REPORT_KINDS, REPORTS, type ReportFormat } from './kinds.ts';
import { makeReport, type ReportInput } from './report.ts';
import { checkRequest, monthAfter, type ReportRequest } from './request.ts';
import type { Site } from './settings.ts';

/** A request in the words of the command line. */
export interface Wanted {
  readonly kind: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly timeZone?: string | undefined;
  readonly format?: string | undefined;
  readonly partial?: string | undefined;
}

/** A report that can be made. */
export interface Plan {
  readonly request: ReportRequest;
  readonly format: ReportFormat;
}

/**
 * Checks the request before anything is read. Without months, it means the last complete one.
 *
 * @throws ReportError wrong_usage
 */
export function planOf(wanted: Wanted, site: Site, nowMs: number): Plan {
  const { kind, timeZone = site.timeZone } = wanted;
  if (!isReportKind(kind))
    throw new ReportError('wrong_usage', `The report was ${kind}; may be ${REPORT_KINDS.join(', ')}`);
  const format = wanted.format ?? REPORTS[kind].format;
  if (!isReportFormat(format))
    throw new ReportError('wrong_usage', `--format was ${format}; may be ${REPORT_FORMATS.join(', ')}`);
  const from = wanted.from ?? wanted.to;
  const to = wanted.to ?? wanted.from;
  // The zone is checked with the rest; before that, any month will do.
  const month = from === undefined ? monthAfter(new Date(nowMs).toISOString().slice(0, 7), -1) : '';
  const request = checkRequest(
    { kind, from: from ?? month, to: to ?? month, timeZone, partial: wanted.partial },
    nowMs,
  );
  return { request, format };
}

/** The report as text, with notes for its publisher. */
export async function reportText(
  { request, format }: Plan,
  store: UsageStore,
  site: Site,
  { catalog, reportedMs }: Pick<ReportInput, 'catalog' | 'reportedMs'> = {},
): Promise<{ readonly text: string; readonly notes: readonly string[] }> {
  const { report, notes } = await makeReport({ store, request, site, catalog, reportedMs });
  return { text: written(report, format), notes };
}
