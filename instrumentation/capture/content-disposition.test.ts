import { expect, test } from 'vitest';
import { contentDisposition } from './content-disposition.ts';
import { cpuTimeOf } from '../../test/support/cpu-time.ts';

test.each([
  ['form-data; name="File"; filename="a.txt"', { name: 'File', fileName: 'a.txt' }],
  ['form-data; name="files[]"; filename="a; b.txt"', { name: 'files[]', fileName: 'a; b.txt' }],
  ['form-data; name=File; filename=a.txt', { name: 'File', fileName: 'a.txt' }],
  ['form-data; name="say \\"hi\\""', { name: 'say "hi"' }],
  ['form-data; name="f"; filename="C:\\Users\\me\\a.txt"', { name: 'f', fileName: 'a.txt' }],
  ['form-data; name="f"; filename="naïve.txt"', { name: 'f', fileName: 'naïve.txt' }],
  ["form-data; name=f; filename=plain.txt; filename*=UTF-8''na%C3%AFve.txt", { name: 'f', fileName: 'naïve.txt' }],
  ["form-data; name=f; filename=plain.txt; filename*=UTF-8''%E0%A4%A", { name: 'f', fileName: 'plain.txt' }],
  ['form-data; name=f; filename*="UTF-8\'\'na%C3%AFve.txt"', { name: 'f', fileName: 'naïve.txt' }],
  ["form-data; name=f; filename*=ISO-8859-1'en'na%EFve.txt", { name: 'f', fileName: 'naïve.txt' }],
  ["form-data; name=f; filename*=utf-8''naïve.txt", { name: 'f', fileName: 'naïve.txt' }],
  ["form-data; name=f; filename=plain.txt; filename*=UTF-8''%ff", { name: 'f', fileName: 'plain.txt' }],
  ["form-data; name=f; filename=plain.txt; filename*=KOI8-R''%C1", { name: 'f', fileName: 'plain.txt' }],
  ['form-data; name=f; filename=plain.txt; filename*=nonsense', { name: 'f', fileName: 'plain.txt' }],
  ['form-data; name="a"; x="; filename=evil.txt"', { name: 'a' }],
  ['form-data; name="filename=evil.txt"', { name: 'filename=evil.txt' }],
  ['form-data; name="; filename=evil.txt', {}],
  ['form-data; name=a nonsense "filename=evil.txt"; x=y', { name: 'a nonsense "filename=evil.txt"' }],
  ['form-data filename=evil.txt', {}],
  ['form-data; name="f"; filename="a"b.txt"; name="g"', { name: 'f', fileName: 'a' }],
  ['form-data ;name = "f" ; ; filename\t=\t"a.txt" ;', { name: 'f', fileName: 'a.txt' }],
  ['form-data; name="f"; filename=', { name: 'f', fileName: '' }],
  ['form-data; name="f"; filename=""', { name: 'f', fileName: '' }],
  ['form-data; name="a"; name="b"', { name: 'a' }],
  ['form-data; name="open', {}],
  ['form-data', {}],
  ['', {}],
])('%s', (value, expected) => {
  expect(contentDisposition(value)).toEqual(expected);
});

test('any header is read in one pass', () => {
  const spent = cpuTimeOf(() => {
    for (const piece of ['; x="', '; x=y', ';', '; filename="a\\', ' ']) contentDisposition(piece.repeat(20_000));
  });
  expect(spent).toBeLessThan(2000);
});
