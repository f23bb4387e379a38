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

/** What can be said of a report that is sent. */
export type PushOptions = Pick<ReportOptions, 'from' | 'to' | 'catalog' | 'timeZone' | 'partial'> & {
  readonly id?: string;
};
