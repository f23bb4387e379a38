import { whyUnreadable } from '../../runtime/config/blank.ts';

/** What was given to read is wrong; the message names file and line. */
export class InputError extends Error {
  override readonly name = 'InputError';
  /** `wrong_usage`: what was named is not there. */
  readonly code: 'bad_input' | 'wrong_usage';

  constructor(code: InputError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  static unreadable(path: string, cause: unknown): InputError {
    return new InputError('wrong_usage', `${path} cannot be read: ${whyUnreadable(cause)}`, { cause });
  }

  static atLine(path: string, line: number, what: string): InputError {
    return new InputError('bad_input', `${path}, line ${line}: ${what}`);
  }
}
