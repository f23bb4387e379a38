import { errorText } from '../error-text.ts';
import { isSecretName, redactQuery, redactText } from '../../taxonomy/redaction.ts';

/** What stands in the place of a secret. */
export const BLANK = '***';
const SHOWN_LENGTH = 200;

/** From the first colon after the scheme, if there is one, up to the last @. */
const PASSWORD = /^(\s*(?:[a-z][a-z0-9+.-]*:\/+|(?![a-z][a-z0-9+.-]*:\/))[^:@]*):.*@/is;
/** What stands in the place of a port and is none: a password whose host was forgotten. */
const NO_PORT = /^(\s*[a-z][a-z0-9+.-]*:\/+(?!\[)[^:@/]*):(?!\d*(?:[/?#]|$))[^@]*$/is;
/** A user alone, who may be a token; those of brokers are none. */
const USER = /^(\s*(?!amqps?:)[a-z][a-z0-9+.-]*:\/+)[^/?#@:]*@/i;
/** A comma parts two URLs only where another one follows: one in a password is part of it. */
const NEXT_URL = /,(?=\s*[a-z][a-z0-9+.-]*:\/\/)/i;

/**
 * The URL, or the URLs, without their secrets: everything from the user's colon up to the last @ is hidden, however
 * malformed, and so are the values of query parameters whose names say that they are secrets.
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
 * Whether the whole value of a setting is a secret, by its name. The path of a file that holds a secret is not one, nor
 * is what to do about a key: ON_UNKNOWN_KEY.
 */
export function isSecretSetting(name: string): boolean {
  if (name.startsWith('ON_')) return false;
  return /headers$|dsn$/i.test(name) || isSecretName(name);
}

/** A value as a message may show it: quoted, without secrets, and not too long. @param isSecret as a whole */
export function shown(value: unknown, isSecret: boolean): string {
  if (isSecret) return BLANK;
  const json = JSON.stringify(value, (name, inner: unknown) =>
    isSecretSetting(name) ? BLANK : typeof inner === 'string' ? blankText(inner) : inner,
  );
  const text = json ?? String(value);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

/** Why a file cannot be read, without its path: that stands beside it already, and may be no path but a URL. */
export function whyUnreadable(cause: unknown): string {
  return errorText(cause).replace(/, \w+ '.*'$/s, '');
}
