import { describe, expect, test } from 'vitest';
import { AmqpUrlError, DEFAULT_AMQP_URL, parseAmqpUrls, redactAmqpUrl } from './amqp-url.ts';

function errorOf(text: string): AmqpUrlError {
  try {
    parseAmqpUrls(text);
  } catch (error) {
    if (error instanceof AmqpUrlError) return error;
  }
  throw new Error(`${text} was accepted`);
}

describe('AMQP_URL', () => {
  test('is the local broker by default', () => {
    expect(parseAmqpUrls()).toEqual([DEFAULT_AMQP_URL]);
  });

  test('may name several brokers, kept in order', () => {
    expect(parseAmqpUrls('amqp://u:p@a:5672/v, amqps://u:p%2Cq@[::1]:5671/%2Fx?heartbeat=5')).toEqual([
      'amqp://u:p@a:5672/v',
      'amqps://u:p%2Cq@[::1]:5671/%2Fx?heartbeat=5',
    ]);
  });

  test.each([
    'amqp:/u:SECRET@h',
    'amqp:u:SECRET@h',
    'u:SECRET@h',
    'amqp+tls://u:SECRET@h',
    'amqp://u:SECRET/x@h',
    'amqp://u:12/SECRET@h',
    'amqp://u:SECRET,x@h',
    'amqp://u:SECRET?x@h',
    'amqp://u:x@SECRET@h:port',
    'amqp://u:SECRET@h:99999',
    'amqp://u:SECRET@h:0',
    'amqp://h:SECRET',
    'amqp://u:SECRET%zz@h',
    'amqp://u:SECRET@',
    'amqp://u:SECRET@h/a/b',
    'amqp://u:SECRET@h?heartbeat=soon',
    'amqp://u:SECRET@a,b',
  ])('refuses %s with a stable code and without its password', (text) => {
    const error = errorOf(text);
    expect(error.code).toBe('invalid_amqp_url');
    expect(error.message).not.toContain('SECRET');
  });

  test.each([
    ['guest:SECRET@h', 'it has no scheme'],
    ['http://u:SECRET@h', 'its scheme is http'],
    ['amqp://', 'it names no host'],
    ['amqp://:5672', 'it names no host'],
    ['amqp://u:SECRET@', 'it names no host'],
    ['amqp://u:SECRET@:5672/v', 'it names no host'],
    ['amqp://u:SECRET@a host', 'its host is not valid'],
    ['amqp://u:SECRET@[::1', 'its port is not a number'],
    ['amqp://u:SECRET@h:port', 'its port is not a number'],
    ['amqp://u:SECRET@h:0', 'its port is 0'],
    ['amqp://u:SECRET@h:65536', 'its port is 65536'],
    ['amqp://u:SECRET@h/a/b', 'its virtual host holds a /; write that as %2F'],
    ['amqp://u:SECRET@h/%zz', 'its percent-encoding is broken'],
    ['amqp://u:SECRET@h/v#w', 'it holds a #'],
    ['amqp://u:SECRET%@h', 'its percent-encoding is broken'],
    ['amqp://u:SEC/RET@h', 'an @ follows its host'],
    ['amqp://u:SECRET@a,b', 'it holds a comma'],
    ['amqp://u:SECRET@h?heartbeat=soon', 'its heartbeat is not a number of seconds'],
    ['amqp://ok@a,amqp://u:SECRET@h:x', 'AMQP_URL was amqp://u:***@h:x: its port is not a number'],
  ])('names the wrong part of %s', (text, part) => {
    expect(errorOf(text).message).toContain(part);
  });

  test('hides the password in each of several URLs, and shows user and host', () => {
    expect(redactAmqpUrl('amqp://u:p@a:5672/v,amqps://w:q@b')).toBe('amqp://u:***@a:5672/v,amqps://w:***@b');
    for (const plain of ['amqp://a:5672', 'amqp://[::1]:5672/v', 'amqp://user@a'])
      expect(redactAmqpUrl(plain)).toBe(plain);
  });
});
