import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BodyReader, type BodyRead } from './body-reader.ts';
import { runs } from '../../test/support/form.ts';
import { cpuTimeOf } from '../../test/support/cpu-time.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

/** What a reader with a limit reads of a body that comes in pieces of seven bytes. */
function read(body: string | Uint8Array, type?: string, coding?: string, limit = 1000): BodyRead {
  const reader = new BodyReader(limit);
  const bytes = Buffer.from(body);
  for (let at = 0; at < bytes.length; at += 7) reader.push(bytes.subarray(at, at + 7));
  return reader.read(type, coding);
}

describe('a body reader', () => {
  test.each([
    ['JSON', '{"id":"é"}', JSON_TYPE, { id: 'é' }],
    ['JSON of a vendor', '[1]', 'application/ld+json', [1]],
    ['JSON null', 'null', JSON_TYPE, null],
    ['JSON labelled as text', '{"id":1}', 'text/plain', { id: 1 }],
    ['JSONP', '/**/cb({"id":1});', 'text/javascript', { id: 1 }],
    ['text', 'Created dataset 1', 'text/plain', 'Created dataset 1'],
    ['text without a type', 'healthy', undefined, 'healthy'],
    ['a form', 'a=1&b=x%20y&b=z&a%5B%5D=', 'application/x-www-form-urlencoded', { a: '1', b: ['x y', 'z'], 'a[]': '' }],
  ])('reads %s', (_what, body, type, expected) => {
    expect(read(body, type)).toEqual({ body: expected });
  });

  test('reads nothing of an empty body', () => {
    expect(read('', JSON_TYPE, 'gzip')).toEqual({});
  });

  test.each([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['identity', (bytes: Buffer) => bytes],
    ['', (bytes: Buffer) => bytes],
    ['gzip, br', (bytes: Buffer) => brotliCompressSync(gzipSync(bytes))],
  ])('decodes %s', (coding, encode) => {
    expect(read(encode(Buffer.from('{"id":1}')), JSON_TYPE, coding)).toEqual({ body: { id: 1 } });
  });

  test.each([
    ['is broken', gzipSync('{"id":1}').subarray(0, 15), 'gzip'],
    ['is not what the data has', Buffer.from('{"id":1}'), 'br'],
    ['is unknown', Buffer.from('{"id":1}'), 'compress'],
    ['is repeated too often', Buffer.from('{"id":1}'), 'gzip, gzip, gzip, gzip'],
  ])('reports a coding that %s', (_what, body, coding) => {
    expect(read(body, JSON_TYPE, coding)).toEqual({ error: 'malformed_encoding' });
  });

  test('decodes no more than a bound, so a bomb costs nothing', () => {
    const bomb = gzipSync(Buffer.alloc(2 ** 24));
    expect(read(bomb, JSON_TYPE, 'gzip', 2 ** 17)).toEqual({ error: 'body_too_large' });
  });

  test.each([
    ['JSON that ends early', '{"id":1', JSON_TYPE],
    ['JSON with text after it', '{"id":1}}', JSON_TYPE],
    ['a page labelled as JSON', '<html>', JSON_TYPE],
    ['a script that is not JSONP', 'alert(1', 'application/javascript'],
  ])('reports %s as malformed', (_what, body, type) => {
    expect(read(body, type)).toEqual({ error: 'malformed_json' });
  });

  test.each([
    ['[{"id":1},{"id":2},{"id":3}]', 20, [{ id: 1 }, { id: 2 }]],
    ['{"ids":[{"id":"a,]b","n":[1,2]},{"id":2}],"x":1}', 40, { ids: [{ id: 'a,]b', n: [1, 2] }] }],
    ['{"deleted":["a","b","c"],"not found":[]}', 20, { deleted: ['a', 'b'] }],
    ['{"deleted":["a"],"not found":["b","c"]}', 36, { deleted: ['a'], 'not found': ['b'] }],
  ])('reads only the whole elements of a list that is too long: %s', (body, limit, expected) => {
    expect(read(body, JSON_TYPE, undefined, limit)).toEqual({
      error: 'body_too_large',
      body: expected,
      truncated: true,
    });
  });

  test.each([
    ['an object without a list', '{"id":1,"description":"xxxxxxxxxxxxxx"}', JSON_TYPE, undefined],
    ['a list of one element', '[{"id":1,"x":"xxxxxxxxxxxxxxxxxxxx"}]', JSON_TYPE, undefined],
    ['a form', 'name=a&description=xxxxxxxxxxxxxxxxxxxx', 'application/x-www-form-urlencoded', undefined],
    ['text', 'x'.repeat(30), 'text/plain', undefined],
    ['an encoded body', gzipSync('x'.repeat(30)), JSON_TYPE, 'gzip'],
  ])('reads nothing of %s that is too long', (_what, body, type, coding) => {
    expect(read(body, type, coding, 20)).toEqual({ error: 'body_too_large' });
  });

  test('reads a field called __proto__ as a field', () => {
    const { body } = read('__proto__=x&constructor=y', 'application/x-www-form-urlencoded');
    expect(Object.entries(body ?? {})).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  test('never throws, whatever the bytes, type and coding', () => {
    const type = fc.constantFrom(JSON_TYPE, 'text/javascript', 'application/x-www-form-urlencoded', '', undefined);
    const coding = fc.constantFrom('gzip', 'deflate', 'br', 'zstd', ',', 'identity', undefined);
    const valid = fc.json().map((text) => Buffer.from(text));
    const bytes = fc.oneof(
      fc.uint8Array(),
      valid,
      valid.map((json) => gzipSync(json)),
      fc.constant(Buffer.from('%zz=%')),
    );
    fc.assert(
      fc.property(bytes, type, coding, fc.integer({ min: 0, max: 300 }), (body, contentType, contentCoding, limit) => {
        const { error, truncated } = read(body, contentType, contentCoding, limit);
        if (truncated) expect(error).toBe('body_too_large');
      }),
      runs(1000),
    );
  });

  test('takes time in proportion to the text, whatever it is', () => {
    const spent = cpuTimeOf(() => {
      for (const piece of ['[', '{"a":', '[,', '"\\', 'a=&', '],[', '/**/x(']) {
        for (const type of [JSON_TYPE, 'application/x-www-form-urlencoded']) {
          const reader = new BodyReader(65_536);
          reader.push(Buffer.alloc(65_537, piece));
          reader.read(type, undefined);
          const whole = new BodyReader(65_536);
          whole.push(Buffer.alloc(65_536, piece));
          whole.read(type, undefined);
        }
      }
    });
    expect(spent).toBeLessThan(4000);
  });
});
