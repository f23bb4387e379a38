import { redactText } from '../taxonomy/redaction.ts';

/**
 * Codes of Node and of the operating system, such as `ECONNREFUSED`. Our own codes repeat the message, and SQLite has
 * one code for everything.
 */
const SYSTEM_CODE = /^(?!ERR_SQLITE_ERROR$)[A-Z][A-Z0-9_]+$/;
/** OpenSSL's form, in which REASON is for people: `…:error:0A000418:SSL routines:ssl3_read_bytes:REASON:file:line:…` */
const OPENSSL = /^[^]*?error:[0-9A-F]+:SSL routines:[^:]*:([^:]+):[^]*$/;
/** How many causes are followed. */
const CAUSES = 4;

/**
 * What went wrong, in one line for people, without secrets: the error's message, a system code that the message does
 * not contain, and the cause if the error has no code and does not explain itself (`fetch failed`).
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

/** Redacted before anything is appended, which would count as part of a secret. */
const oneLine = (text: string): string => redactText(text.replaceAll(/\s+/g, ' ').trim());
