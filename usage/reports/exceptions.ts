import type { ReportRequest } from './request.ts';

/** A report's statement about itself, in the form of both Codes. */
export interface Exception {
  readonly code: number;
  readonly message: string;
  readonly data: string;
}

/** @param isEmpty whether the report has no usage */
export function exceptionsOf({ partial, months }: ReportRequest, isEmpty: boolean): readonly Exception[] {
  const first = months[0] ?? '';
  const last = months.at(-1) ?? '';
  const exceptions: Exception[] = [];
  if (isEmpty)
    exceptions.push({
      code: 3030,
      message: 'No Usage Available for Requested Dates',
      data: first === last ? first : `${first} to ${last}`,
    });
  if (partial !== undefined) exceptions.push({ code: 3040, message: 'Partial Data Returned', data: partial });
  return exceptions;
}
