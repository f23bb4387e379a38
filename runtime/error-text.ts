import { redactText } from '../taxonomy/redaction.ts';

/**
 * Codes of Node and of the operating system, `ECONNREFUSED`. Ours say what the message says already, and SQLite's is one
 * for all.
 */
const SYSTEM_CODE = /^(?!ERR_SQLITE_ERROR$)[A-Z][A-Z0-9_]+$/;
/** OpenSSL's own form, of which the reason is for people: `…:error:0A000418:SSL routines:ssl3_read_bytes:REASON:file:line:…` */
const OPENSSL = /^[^]*?error:[0-9A-F]+:SSL routines:[^:]*:([^:]+):[^]*$/;
/** So many errors, each the cause of the one before. */
const CAUSES = 4;

/**
 * What went wrong, in one line for people, without secrets: what the error says, its code if that is the system's and
 * not in the words, and the cause of an error that has no code and so does not explain itself (`fetch failed`).
 */
export function errorText(error: unknown): string {
  return textOf(error, CAUSES);
}

function textOf(error: unknown, depth: number): string {
  if (error instanceof AggregateError && error.errors.length > 0 && depth > 0)
    return [...new Set(error.errors.map((one) => textOf(one, depth - 1)))].join('; ');
  if (!(error instanceof Error)) return oneLine(String(error));
  const said = oneLine(error.message.replace(OPENSSL, '$1')) || error.name;
  if ('code' in error) return withCode(said, error.code);
  if (error.cause === undefined || depth === 0) return said;
  const cause = textOf(error.cause, depth - 1);
  return said.includes(cause) ? said : `${said}: ${cause}`;
}

function withCode(said: string, code: unknown): string {
  return typeof code === 'string' && SYSTEM_CODE.test(code) && !said.includes(code) ? `${said} (${code})` : said;
}

/** Made safe before anything is put behind it, which would count as the end of a secret. */
const oneLine = (text: string): string => redactText(text.replaceAll(/\s+/g, ' ').trim());
