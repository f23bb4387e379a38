/** A request to the COUNTER API, below `/r51`, with the requestor already checked. */
export interface CounterRequest {
  /** `/status`, `/members`, `/reports`, `/reports/ir` … */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
}

/** Its answer, in JSON. */
export interface CounterAnswer {
  readonly status: 200 | 400 | 403 | 404 | 503;
  readonly body: string;
}

/** The exceptions of Release 5.1 (Appendix D of the Code of Practice) that are used here. */
export const COUNTER_EXCEPTIONS = {
  1000: 'Service Not Available',
  1010: 'Service Busy',
  1020: 'Client has made too many requests',
  1030: 'Insufficient Information to Process Request',
  2000: 'Requestor Not Authorized to Access Service',
  2010: 'Requestor is Not Authorized to Access Usage for Institution',
  2020: 'APIKey Invalid',
  3020: 'Invalid Date Arguments',
  3030: 'No Usage Available for Requested Dates',
  3031: 'Usage Not Ready for Requested Dates',
  3032: 'Usage No Longer Available for Requested Dates',
  3040: 'Partial Data Returned',
  3050: 'Parameter Not Recognized in this Context',
  3060: 'Invalid ReportFilter Value',
  3062: 'Invalid ReportAttribute Value',
  3063: 'Components Not Supported',
} as const;
export type CounterCode = keyof typeof COUNTER_EXCEPTIONS;

/** An exception as the body of an answer. */
export const counterException = (code: CounterCode, data?: string): object => ({
  Code: code,
  Message: COUNTER_EXCEPTIONS[code],
  ...(data !== undefined && { Data: data }),
});
