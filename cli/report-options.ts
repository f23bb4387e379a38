/** Options of `report`. */
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

/** Options of `report push`. */
export type PushOptions = Pick<ReportOptions, 'from' | 'to' | 'catalog' | 'timeZone' | 'partial'> & {
  readonly id?: string;
};
