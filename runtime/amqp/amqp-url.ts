import { blankUrls } from '../config/blank.ts';

/** AMQP_URL is wrong. The message names the part, never the password. */
export class AmqpUrlError extends Error {
  override readonly name = 'AmqpUrlError';
  readonly code = 'invalid_amqp_url';
}

/** The broker to use if nothing is configured. */
export const DEFAULT_AMQP_URL = 'amqp://guest:guest@127.0.0.1:5672';

/**
 * Checks AMQP_URL: one broker, or several separated by commas, tried in turn.
 *
 * @returns the URLs, in order
 * @throws AmqpUrlError
 */
export function parseAmqpUrls(text: string = DEFAULT_AMQP_URL): readonly string[] {
  return split(text).map((part) => check(part.trim()));
}

/** The virtual host of a broker's URL. */
export function vhostOf(url: string): string {
  const path = new URL(url).pathname.slice(1);
  return path === '' ? '/' : decodeURIComponent(path);
}

/**
 * A comma separates two brokers only if another URL follows. A comma in a password is an error, and must not be
 * printed.
 */
function split(text: string): readonly string[] {
  return text.split(/,(?=\s*amqps?:\/\/)/i);
}

function check(text: string): string {
  const wrong = (what: string): AmqpUrlError =>
    new AmqpUrlError(
      `AMQP_URL was ${redactAmqpUrl(text)}: ${what}; it may be amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://… on 5671`,
    );
  const scheme = /^([^:/?#]*):\/\//.exec(text)?.[1];
  if (scheme === undefined) throw wrong('it has no scheme');
  if (scheme !== 'amqp' && scheme !== 'amqps') throw wrong(`its scheme is ${scheme}`);
  const rest = text.slice(scheme.length + 3);
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  if (rest.slice(authority.length).includes('@'))
    throw wrong(
      'an @ follows its host; characters such as @ : / ? # in the password or virtual host must be percent-encoded',
    );
  if (authority.includes(','))
    throw wrong('it holds a comma; brokers are separated by ",amqp://", and a comma in the password is written as %2C');
  const port = /^(?:\[[^\]]*\]|[^:]*):(.*)$/.exec(authority.slice(authority.lastIndexOf('@') + 1))?.[1];
  if (port !== undefined && port !== '') {
    if (!/^\d+$/.test(port)) throw wrong('its port is not a number');
    if (Number(port) < 1 || Number(port) > 65_535) throw wrong(`its port is ${port}, and not from 1 to 65535`);
  }
  if (/@(?::\d*)?$/.test(authority) || /^(?::\d*)?$/.test(authority)) throw wrong('it names no host');
  if (rest.includes('#')) throw wrong('it holds a #; in the password or virtual host that is written as %23');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong('its host is not valid; characters such as @ : / in the password must be percent-encoded');
  }
  if (url.pathname.slice(1).includes('/')) throw wrong('its virtual host holds a /; write that as %2F');
  for (const part of [url.username, url.password, url.pathname]) {
    try {
      decodeURIComponent(part);
    } catch {
      throw wrong('its percent-encoding is broken');
    }
  }
  const heartbeat = url.searchParams.get('heartbeat');
  if (heartbeat !== null && !/^\d+$/.test(heartbeat)) throw wrong('its heartbeat is not a number of seconds');
  return text;
}

/** The URL or URLs, without passwords, however malformed. */
export const redactAmqpUrl = blankUrls;
