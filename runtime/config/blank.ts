import { errorText } from '../error-text.ts';
import { isSecretName, redactQuery, redactText } from '../../taxonomy/redaction.ts';

/** Replaces a secret. */
export const BLANK = '***';
const SHOWN_LENGTH = 200;

/** From the first colon after the scheme, if there is one, up to the last @. */
const PASSWORD = /^(\s*(?:[a-z][a-z0-9+.-]*:\/+|(?![a-z][a-z0-9+.-]*:\/))[^:@]*):.*@/is;
/** Text in the place of a port that is no number: a password whose host was forgotten. */
const NO_PORT = /^(\s*[a-z][a-z0-9+.-]*:\/+(?!\[)[^:@/]*):(?!\d*(?:[/?#]|$))[^@]*$/is;
/** A user without a password, which may be a token. Users of brokers are not. */
const USER = /^(\s*(?!amqps?:)[a-z][a-z0-9+.-]*:\/+)[^/?#@:]*@/i;
/** A comma separates two URLs only if another one follows. A comma in a password is part of it. */
const NEXT_URL = /,(?=\s*[a-z][a-z0-9+.-]*:\/\/)/i;

/**
 * The URL or URLs, without secrets: everything from the user's colon up to the last @ is hidden, however malformed, and
 * so are the values of query parameters whose names look secret.
 */
export function blankUrls(text: string): string {
  return text
    .split(NEXT_URL)
    .map((url) =>
      blankQuery(url.replace(PASSWORD, `$1:${BLANK}@`).replace(NO_PORT, `$1:${BLANK}`).replace(USER, `$1${BLANK}@`)),
    )
    .join(',');
}

function blankQuery(url: string): string {
  const mark = url.search(/[?#]/);
  return mark === -1 ? url : url.slice(0, mark + 1) + starred(redactQuery(url.slice(mark + 1)));
}

const starred = (text: string): string => text.replaceAll('REDACTED', BLANK);

function blankText(text: string): string {
  const blanked = blankUrls(text);
  return blanked.includes('//') ? blanked : starred(redactText(blanked));
}

/**
 * Whether the whole value of a setting is a secret, by its name. The path of a file with a secret is not, nor is
 * ON_UNKNOWN_KEY.
 */
export function isSecretSetting(name: string): boolean {
  if (name.startsWith('ON_')) return false;
  return /headers$|dsn$/i.test(name) || isSecretName(name);
}

/**
 * A value as a message may show it: quoted, without secrets, and shortened. @param isSecret the whole value is a secret
 */
export function shown(value: unknown, isSecret: boolean): string {
  if (isSecret) return BLANK;
  const json = JSON.stringify(value, (name, inner: unknown) =>
    isSecretSetting(name) ? BLANK : typeof inner === 'string' ? blankText(inner) : inner,
  );
  const text = json ?? String(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

/** Why a file cannot be read, without its path: the message has it already, and it may be a URL. */
export function whyUnreadable(cause: unknown): string {
  return errorText(cause).replace(/, \w+ '.*'$/s, '');
}
