import { once } from 'node:events';
import { Busboy } from '@fastify/busboy';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MultipartReader } from './multipart-reader.ts';
import { runs } from '../../test/support/form.ts';

const BOUNDARY = '----WebKitFormBoundary7MA4YWxkTrZu0gW';
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;
const LIMITS = { fieldBytes: 1024, parts: 20, headerBytes: 512 };

interface Part {
  readonly name: string;
  readonly fileName?: string;
  readonly type?: string;
  readonly content: Uint8Array;
}

function bodyOf(parts: readonly Part[], boundary = BOUNDARY): Buffer {
  const pieces = parts.flatMap(({ name, fileName, type, content }) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`,
    fileName === undefined ? '' : `; filename="${fileName}"`,
    type === undefined ? '' : `\r\nContent-Type: ${type}`,
    '\r\n\r\n',
    content,
    '\r\n',
  ]);
  return Buffer.concat([...pieces, `--${boundary}--\r\n`].map((piece) => Buffer.from(piece)));
}

/** Reads a body that comes in pieces of these sizes, repeated in turn. */
function look(body: Buffer, sizes: readonly number[] = [body.length], type = TYPE): MultipartReader {
  const found = new MultipartReader(type, LIMITS);
  for (let at = 0, turn = 0; at < body.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    found.push(body.subarray(at, at + size));
    at += size;
  }
  return found;
}

const text = (content: string): Uint8Array => Buffer.from(content);
const FORM = bodyOf([
  { name: 'datasetid', content: text('5f1e00000000000000000001') },
  { name: 'File', fileName: 'a.txt', type: 'text/plain; charset=utf-8', content: text('hello\r\n--not the end') },
  { name: 'empty', content: text('') },
  { name: 'File', fileName: '', type: 'application/octet-stream', content: text('') },
]);

describe('a multipart reader', () => {
  test.each([[1], [2], [7], [64], [65_536]])(
    'gives fields, and name, type and size of each file, in chunks of %i',
    (size) => {
      const found = look(FORM, [size]);
      expect(found.fields).toEqual([
        ['datasetid', '5f1e00000000000000000001'],
        ['empty', ''],
      ]);
      expect(found.parts).toEqual([
        { field: 'File', fileName: 'a.txt', contentType: 'text/plain; charset=utf-8', bytes: 20 },
        { field: 'File', fileName: '', contentType: 'application/octet-stream', bytes: 0 },
      ]);
      expect([found.closed, found.broken, found.tooLarge]).toEqual([true, false, false]);
    },
  );

  test.each<[string, string | Buffer, string]>([
    ['folded after a semicolon', 'Content-Disposition: form-data; name="File";\r\n filename="a.txt"', 'a.txt'],
    [
      'folded with tabs',
      'Content-Disposition:\r\n\tform-data;\r\n\t\tname="File";\r\n \tfilename="a.txt"\r\nX: y',
      'a.txt',
    ],
    ['UTF-8', 'content-disposition: form-data; name="File"; filename="naïve.txt"', 'naïve.txt'],
    [
      'ISO-8859-1',
      Buffer.from('Content-Disposition: form-data; name="File"; filename="na\xefve.txt"', 'latin1'),
      'naïve.txt',
    ],
  ])('reads the headers of a part that are %s', (_what, headers, fileName) => {
    const body = [`--${BOUNDARY}\r\n`, headers, `\r\n\r\nhello\r\n--${BOUNDARY}--\r\n`];
    const whole = Buffer.concat(body.map((piece) => Buffer.from(piece as string)));
    for (const size of [1, 7, whole.length])
      expect(look(whole, [size]).parts).toEqual([{ field: 'File', fileName, bytes: 5 }]);
  });

  test('accepts any text before the first delimiter and after the last one', () => {
    const found = look(Buffer.concat([text('preamble\r\n'), FORM, text('epilogue --x')]), [5]);
    expect(found.fields).toHaveLength(2);
    expect(found.closed).toBe(true);
  });

  test.each([
    ['multipart/form-data; boundary="a b:c"', 'a b:c'],
    ['Multipart/Form-Data; charset=utf-8; Boundary=xyz', 'xyz'],
    [`multipart/form-data; boundary=${'b'.repeat(71)}`, 'b'.repeat(71)],
    [`multipart/form-data; boundary="${'b'.repeat(200)}"`, 'b'.repeat(200)],
    ['multipart/form-data; boundary="a\\"b"', 'a"b'],
  ])('finds the boundary in %s', (type, boundary) => {
    const found = look(bodyOf([{ name: 'a', content: text('1') }], boundary), [3], type);
    expect(found.fields).toEqual([['a', '1']]);
    expect(found.closed).toBe(true);
  });

  test.each([
    ['has no boundary', FORM, 'multipart/form-data'],
    ['has a boundary that is too long', FORM, `multipart/form-data; boundary=${'x'.repeat(1025)}`],
    ['has text after a delimiter on its line', Buffer.from(`--${BOUNDARY}garbage\r\n\r\n`), TYPE],
    ['has headers without end', Buffer.from(`--${BOUNDARY}\r\nX: ${'x'.repeat(600)}\r\n\r\n`), TYPE],
  ])('stops at a body that %s, and reports it as broken', (_what, body, type) => {
    const found = look(body, [10], type);
    found.push(FORM);
    expect(found.broken).toBe(true);
    expect(found.fields).toEqual([]);
  });

  test('keeps the complete parts of a truncated body, and does not count it as closed', () => {
    const found = look(FORM.subarray(0, FORM.indexOf('not the end')));
    expect([found.closed, found.broken]).toEqual([false, false]);
    expect(found.fields).toHaveLength(1);
    expect(found.parts).toEqual([]);
  });

  test('keeps no partial value: a field beyond the bound is left out, later files are not', () => {
    const found = look(
      bodyOf([
        { name: 'description', content: Buffer.alloc(2000, 'x') },
        { name: 'File', fileName: 'a', content: text('abc') },
      ]),
      [100],
    );
    expect(found.fields).toEqual([]);
    expect(found.parts).toEqual([{ field: 'File', fileName: 'a', bytes: 3 }]);
    expect(found.tooLarge).toBe(true);
  });

  test('stops at the bound on parts', () => {
    const found = look(bodyOf(Array.from({ length: 30 }, (_, index) => ({ name: `f${index}`, content: text('1') }))));
    expect(found.fields).toHaveLength(20);
    expect(found.tooLarge).toBe(true);
    expect(found.broken).toBe(false);
  });

  test('keeps nothing of a file: a gigabyte passes in little memory and time', () => {
    const found = new MultipartReader(TYPE, LIMITS);
    const [head, tail] = [FORM.subarray(0, FORM.indexOf('hello')), FORM.subarray(FORM.indexOf('\r\n--not'))];
    // Each chunk ends with the beginning of a delimiter.
    const chunk = Buffer.alloc(65_536, 'x');
    chunk.write(`\r\n--${BOUNDARY.slice(0, 20)}`, chunk.length - 24, 'latin1');
    const before = process.memoryUsage();
    found.push(head);
    for (let count = 0; count < 2 ** 14; count += 1) found.push(chunk);
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    found.push(tail);
    expect(found.parts[0]?.bytes).toBe(2 ** 30 + '\r\n--not the end'.length);
    expect(arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed).toBeLessThan(64 * 2 ** 20);
  });

  test('agrees with a full parser, whatever the parts and wherever they are cut', async () => {
    const name = fc.stringMatching(/^[a-z]{1,8}(?:\[\])?$/);
    const nasty = fc.constantFrom('\r\n', '\r', '\n', '--', `\r\n--${BOUNDARY.slice(0, 30)}`, `--${BOUNDARY}`, 'x', '');
    const content = fc.array(fc.oneof(nasty, fc.string()), { maxLength: 8 }).map((pieces) => text(pieces.join('')));
    const part = fc.record(
      {
        name,
        fileName: fc.stringMatching(/^[\w .-]{1,12}$/),
        type: fc.constantFrom('text/plain', 'image/png'),
        content,
      },
      { requiredKeys: ['name', 'content'] },
    );
    const isOneBody = (parts: readonly Part[]): boolean =>
      parts.every((one) => !`\r\n${Buffer.from(one.content).toString('latin1')}\r\n`.includes(`\r\n--${BOUNDARY}`));
    const parts = fc.array(part, { minLength: 1, maxLength: 6 }).filter(isOneBody);
    const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(parts, sizes, async (made, cuts) => {
        const body = bodyOf(made);
        const found = look(body, cuts);
        const expected = await parsed(body);
        expect(found.closed).toBe(true);
        expect(found.fields).toEqual(expected.fields);
        expect(found.parts.map(({ field, fileName, bytes }) => [field, fileName, bytes])).toEqual(expected.files);
      }),
      runs(),
    );
  });

  test('never throws, whatever the bytes and the type', () => {
    const bytes = fc.uint8Array({ maxLength: 300 });
    const piece = fc.oneof(bytes, fc.constantFrom('\r\n', '--', `--${BOUNDARY}`, '\r\n\r\n', 'name="').map(text));
    const type = fc.oneof(
      fc.constant(TYPE),
      fc.string().map((rest) => `multipart/form-data; boundary=${rest}`),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), type, (pieces, contentType) => {
        const found = new MultipartReader(contentType, LIMITS);
        for (const one of pieces) found.push(one);
        expect(found.parts.every((one) => (one.bytes ?? 0) >= 0)).toBe(true);
      }),
      runs(1000),
    );
  });
});

/** The same body read by a full parser. */
async function parsed(body: Buffer): Promise<{ fields: [string, string][]; files: [string, string, number][] }> {
  const fields: [string, string][] = [];
  const files: [string, string, number][] = [];
  const parser = new Busboy({
    headers: { 'content-type': TYPE },
    preservePath: true,
    isPartAFile: (_field, _type, fileName) => fileName !== undefined,
  });
  parser.on('field', (name, value) => fields.push([name, value]));
  parser.on('file', (field, stream, fileName) => {
    const entry: [string, string, number] = [field, fileName, 0];
    files.push(entry);
    stream.on('data', (chunk: Buffer) => (entry[2] += chunk.length));
  });
  parser.end(body);
  await once(parser, 'finish');
  return { fields, files };
}
