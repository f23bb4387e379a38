import { whyUnreadable } from '../../runtime/config/blank.ts';

/** The input is wrong; the message names file and line. */
export class InputError extends Error {
  override readonly name: string = 'InputError';
  /** `wrong_usage`: a named file is missing. */
  readonly code: 'bad_input' | 'wrong_usage';

  constructor(code: InputError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A file cannot be read, or not to its end. Everything before that was delivered. */
export class BrokenFileError extends InputError {
  override readonly name = 'BrokenFileError';

  static unreadable(path: string, cause: unknown): BrokenFileError {
    return new BrokenFileError('wrong_usage', `${path} cannot be read: ${whyUnreadable(cause)}`, { cause });
  }
}
