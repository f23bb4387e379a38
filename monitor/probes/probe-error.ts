import { redactText } from '../../taxonomy/index.ts';

/** What went wrong, in one line for people, without secrets. */
export function errorText(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return [...new Set(error.errors.map(errorText))].join('; ');
  if (!(error instanceof Error)) return redactText(String(error));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const message = error.message === '' ? error.name : error.message.replaceAll(/\s+/g, ' ');
  return redactText(code === '' || message.includes(code) ? message : `${message} (${code})`);
}
