import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blankUrls, isSecretSetting, shown } from './blank.ts';
import { runs } from '../../test/support/form.ts';

describe('a URL in a message', () => {
  test.each([
    ['http://u:SECRET@h/path', 'http://u:***@h/path'],
    ['https://SECRET@h', 'https://***@h'],
    ['amqp://user@h', 'amqp://user@h'],
    ['https://h/a?token=SECRET&n=1', 'https://h/a?token=***&n=1'],
    ['https://h/a#access_token=SECRET', 'https://h/a#access_token=***'],
    ['amqp://u:SECRET@a,amqps://v:SECRET@b', 'amqp://u:***@a,amqps://v:***@b'],
    ['https//jane:SECRET@h/?token=SECRET', 'https//jane:***@h/?token=***'],
    ['u:SECRET@h', 'u:***@h'],
    ['amqp://h:SECRET', 'amqp://h:***'],
    ['smtp://u:SECRET,x@y@h:587', 'smtp://u:***@h:587'],
    ['http://[::1]:4318/v1', 'http://[::1]:4318/v1'],
    ['http://127.0.0.1:9000/clowder', 'http://127.0.0.1:9000/clowder'],
  ])('%s is shown as %s', (url, blanked) => {
    expect(blankUrls(url)).toBe(blanked);
  });

  test('never shows its password, whatever is in it', () => {
    const password = fc.string({ unit: fc.constantFrom(...':/?#[]!$&()*+,;=%-._~ '.split('')), maxLength: 8 });
    fc.assert(
      fc.property(password, password, fc.constantFrom('http', 'amqps', 'postgresql', 'smtp'), (a, b, scheme) => {
        expect(blankUrls(`${scheme}://user:${a}s3cret${b}@host.example:1/path`)).not.toContain('s3cret');
      }),
      runs(),
    );
  });
});

describe('a value in a message', () => {
  test.each<[unknown, boolean, string]>([
    ['abc', false, '"abc"'],
    [-1, false, '-1'],
    [[], false, '[]'],
    ['hunter2', true, '***'],
    [{ url: 'http://u:SECRET@h', password: 'SECRET' }, false, '{"url":"http://u:***@h","password":"***"}'],
    ['Authorization: Bearer SECRET123', false, '"Authorization: Bearer ***"'],
    ['x'.repeat(300), false, `"${'x'.repeat(199)}…`],
    [undefined, false, 'undefined'],
  ])('%j (a secret: %s) is shown as %s', (value, isSecret, text) => {
    expect(shown(value, isSecret)).toBe(text);
  });

  test.each([
    ['CLOWDER_ENRICH_API_KEY', true],
    ['SINK_OTLP_HEADERS', true],
    ['MATOMO_TOKEN', true],
    ['password', true],
    ['AMQP_KEY_FILE', false],
    ['PORT', false],
  ])('%s is wholly secret: %s', (name, isSecret) => {
    expect(isSecretSetting(name)).toBe(isSecret);
  });
});
