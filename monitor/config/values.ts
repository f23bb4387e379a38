import { z } from 'zod';
import { parseAmqpUrls } from '../../runtime/amqp/amqp-url.ts';

/** Every message says what the setting may be; the check adds where it stands and what it was. */
const DURATION = 'a duration above 0, such as 500ms, 30s, 5m, 6h or 7d';
const SIZE = 'a number of bytes, or one with a unit, such as 500MiB or 10GB';
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNIT_BYTES = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30, ti: 2 ** 40 };

/** Milliseconds of `500ms`, `30s`, `5m`, `6h`, `7d`; undefined where it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  const unit = Object.entries(UNIT_MS).find(([name]) => name === match?.[2]);
  return unit === undefined ? undefined : Number(match?.[1]) * unit[1];
}

/** Bytes of `1024`, `500MiB`, `10 GB`; undefined where it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?$/i.exec(text.trim());
  const unit = Object.entries(UNIT_BYTES).find(([name]) => name === match?.[2]?.toLowerCase());
  return unit === undefined ? undefined : Math.round(Number(match?.[1]) * unit[1]);
}

/** What is written becomes a number, or the message says what it may be. */
const parsed = (parse: (text: string) => number | undefined, message: string, least: number) =>
  z.union([z.string(), z.number()], message).transform((given, context) => {
    const value = parse(String(given));
    if (value !== undefined && value >= least) return value;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** In milliseconds. */
export const duration = parsed(parseDuration, DURATION, 1);
/** A pause that may be none, in milliseconds. */
export const pause = parsed((text) => (text === '0' ? 0 : parseDuration(text)), `0, or ${DURATION}`, 0);
/** In bytes. */
export const size = parsed(parseSize, SIZE, 0);

export const text = z.string('text').min(1, 'text that is not empty');
export const flag = z.boolean('true or false');
export const whole = (least: number, most: number = Number.MAX_SAFE_INTEGER) => {
  const message =
    most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least} on` : `a whole number from ${least} to ${most}`;
  return z.int(message).min(least, message).max(most, message);
};
export const percent = z
  .number('a percentage from 0 to 100')
  .min(0, 'a percentage from 0 to 100')
  .max(100, 'a percentage from 0 to 100');
export const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  z.enum(values, values.length === 1 ? values[0] : `one of ${values.join(', ')}`);

export const httpUrl = text.refine(isHttpUrl, 'a URL that begins with http:// or https://');
export const smtpUrl = text.refine(
  (given) => /^smtps?:\/\/./.test(given) && URL.canParse(given),
  'smtp://USER:PASSWORD@HOST:587, or smtps://…',
);
export const amqpUrl = text.refine((given) => {
  try {
    return parseAmqpUrls(given).length > 0;
  } catch {
    return false;
  }
}, 'amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://…, or several separated by commas');
/** `HOST:PORT`, or a port of 127.0.0.1. */
export const listenAddress = z.union([text, z.int()]).transform((given, context) => {
  const match = /^(?:(\[[^\]]+\]|[^:]+):)?(\d{1,5})$/.exec(String(given));
  const port = Number(match?.[2]);
  if (match !== null && port <= 65_535) return { host: (match[1] ?? '127.0.0.1').replaceAll(/[[\]]/g, ''), port };
  context.addIssue({ code: 'custom', message: 'HOST:PORT, such as 127.0.0.1:9465' });
  return z.NEVER;
});
/** A name or address that can be given to another program: it cannot be taken for an option. */
export const host = text.regex(/^[A-Za-z0-9_[:][\w.:[\]%-]*$/, 'a host name or an address');

function isHttpUrl(given: string): boolean {
  return URL.canParse(given) && /^https?:$/.test(new URL(given).protocol);
}

/** An object that knows its names: one that it does not know is an error that lists them. */
export function settings<const S extends z.core.$ZodLooseShape>(shape: S) {
  const names = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? `one of ${names}` : `settings: ${names}`),
  });
}
