/** AMQP_URL is wrong. The message names the part, never the password. */
export class AmqpUrlError extends Error {
  override readonly name = 'AmqpUrlError';
  readonly code = 'invalid_amqp_url';
}

/** Where RabbitMQ is looked for when nothing is configured. */
export const DEFAULT_AMQP_URL = 'amqp://guest:guest@127.0.0.1:5672';

/**
 * Checks AMQP_URL: one broker, or several separated by commas, tried in turn.
 *
 * @returns the URLs, in order
 * @throws AmqpUrlError
 */
export function parseAmqpUrls(text: string = DEFAULT_AMQP_URL): readonly string[] {
  return text.split(',').map((part) => check(part.trim()));
}

function check(text: string): string {
  const wrong = (what: string): AmqpUrlError =>
    new AmqpUrlError(`AMQP_URL was ${redactAmqpUrl(text)}: ${what}; it may be amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://… on 5671`);
  const scheme = /^([^:/?#]*):\/\//.exec(text)?.[1];
  if (scheme === undefined) throw wrong('it has no scheme');
  if (scheme !== 'amqp' && scheme !== 'amqps') throw wrong(`its scheme is ${scheme}`);
  const port = /^[a-z]+:\/\/(?:[^/@]*@)?(?:\[[^\]]*\]|[^/:?#]*):([^/?#]*)/.exec(text)?.[1];
  if (port !== undefined && port !== '' && !(/^\d+$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) throw wrong(`its port is ${port}, and not from 1 to 65535`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong('it is no URL; characters such as @ : / in the password must be percent-encoded');
  }
  if (url.hostname === '') throw wrong('it names no host');
  if (url.pathname.slice(1).includes('/')) throw wrong('its virtual host holds a /; write that as %2F');
  for (const part of [url.username, url.password, url.pathname]) {
    try {
      decodeURIComponent(part);
    } catch {
      throw wrong('its percent-encoding is broken');
    }
  }
  const heartbeat = url.searchParams.get('heartbeat');
  if (heartbeat !== null && !/^\d+$/.test(heartbeat)) throw wrong(`its heartbeat is ${heartbeat}, and not a number of seconds`);
  return text;
}

/** The URL without its password. */
export function redactAmqpUrl(text: string): string {
  return text
    .split(',')
    .map((url) => url.replace(/^([a-z]*:\/\/[^:@/]*):.*@/i, '$1:***@'))
    .join(',');
}
