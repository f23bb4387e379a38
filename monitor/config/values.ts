import { z } from 'zod';
import { parseAmqpUrls } from '../../runtime/amqp/amqp-url.ts';
import { valueOf } from '../../runtime/config/schema.ts';
import * as values from '../../runtime/config/values.ts';

/** Each message says what is allowed; the check adds where and what the value was. */
const setting = <T>(value: values.Value<T>) => valueOf(value, value.mayBe);

/** Milliseconds. */
export const duration = setting(values.duration);
/** A pause in milliseconds, or 0 for none. */
export const pause = setting(values.pause);
/** Bytes. */
export const size = setting(values.size({ least: 0 }));
export const flag = setting(values.flag);

export const text = z.string('text').min(1, 'text that is not empty');
export const whole = (least: number, most?: number) => {
  const message = values.integer({ least, ...(most !== undefined && { most }) }).mayBe;
  return z
    .int(message)
    .min(least, message)
    .max(most ?? Number.MAX_SAFE_INTEGER, message);
};
export const percent = z
  .number('a percentage from 0 to 100')
  .min(0, 'a percentage from 0 to 100')
  .max(100, 'a percentage from 0 to 100');
export const oneOf = <const T extends readonly [string, ...string[]]>(...words: T) =>
  z.enum(words, values.oneOf(words).mayBe);

const USER_MAY_BE = 'a URL whose user and password are percent-encoded: a % in them is written %25, an @ %40';
export const httpUrl = text
  .refine((given) => values.httpUrl.parse(given) !== undefined, { error: values.httpUrl.mayBe, abort: true })
  .refine(hasReadableUser, USER_MAY_BE);
export const smtpUrl = text
  .refine((given) => /^smtps?:\/\/./.test(given) && URL.canParse(given), {
    error: 'smtp://USER:PASSWORD@HOST:587, or smtps://…',
    abort: true,
  })
  .refine(hasReadableUser, USER_MAY_BE);

function hasReadableUser(given: string): boolean {
  const { username, password } = new URL(given);
  try {
    return [username, password].every((part) => decodeURIComponent(part) !== undefined);
  } catch {
    return false;
  }
}
export const amqpUrl = text.refine((given) => {
  try {
    return parseAmqpUrls(given).length > 0;
  } catch {
    return false;
  }
}, 'amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://…, or several separated by commas');
/** `HOST:PORT`, or a port on 127.0.0.1. */
export const listenAddress = setting(values.address('127.0.0.1'));
export const logLevel = oneOf(...values.LOG_LEVELS);
export const logFormat = oneOf(...values.LOG_FORMATS);
/** A name or address that is safe as an argument of another program: it cannot look like an option. */
export const host = text.regex(/^[A-Za-z0-9_[:][\w.:[\]%-]*$/, 'a host name or an address');

/** An object with known names: an unknown name is an error that lists them. */
export function settings<const S extends z.core.$ZodLooseShape>(shape: S) {
  const names = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? `one of ${names}` : `settings: ${names}`),
  });
}
