/** There is no report. The message says what is wrong and what to do. */
export class ReportError extends Error {
  override readonly name = 'ReportError';
  readonly code: 'wrong_usage' | 'bad_input' | 'inconsistent';

  constructor(code: ReportError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
