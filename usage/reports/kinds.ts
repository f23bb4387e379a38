import type { Code } from '../rules/access.ts';

/** The reports, by the word for each on the command line. */
export const REPORTS = {
  ir: { code: 'r51', format: 'json', about: 'COUNTER 5.1 Item Report: every dataset' },
  pr: { code: 'r51', format: 'json', about: 'COUNTER 5.1 Platform Report: the whole site' },
  pr_p1: { code: 'r51', format: 'json', about: 'COUNTER 5.1 Platform Usage: requests by people' },
  rd1: { code: 'rd1', format: 'json', about: 'dataset report of the Code for Research Data, for DataCite' },
  usage: {
    code: 'r51',
    format: 'html',
    about: 'for people: what was used, by whom, and by which rules it was counted',
  },
} as const satisfies Record<string, { code: Code; format: ReportFormat; about: string }>;

export type ReportKind = keyof typeof REPORTS;
export const REPORT_KINDS = Object.keys(REPORTS) as ReportKind[];

export const REPORT_FORMATS = ['json', 'tsv', 'csv', 'html'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export const isReportKind = (word: string): word is ReportKind => Object.hasOwn(REPORTS, word);
export const isReportFormat = (word: string): word is ReportFormat => REPORT_FORMATS.some((format) => format === word);
