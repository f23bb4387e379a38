import { describe, expect, test } from 'vitest';
import { redactExtractorName, redactQuery, redactText, redactUrl } from './redaction.ts';

describe('redaction', () => {
  test.each([
    ['key=abc&page=2&KEY=def', 'key=REDACTED&page=2&KEY=REDACTED'],
    ['X-Amz-Signature=abc&a=b', 'X-Amz-Signature=REDACTED&a=b'],
    ['uid=me&password=pw', 'uid=REDACTED&password=REDACTED'],
    ['%6bey=abc', '%6bey=REDACTED'],
    ['bad=%zz&flag', 'bad=%zz&flag'],
    ['extractorName=private.secret.wordcount', 'extractorName=private.REDACTED.wordcount'],
    ['', ''],
  ])('replaces the values of secret parameters in the query %s', (query, expected) => {
    expect(redactQuery(query)).toBe(expected);
  });

  test.each([
    ['https://me:pw@clowder.example/files/1?key=s', 'https://clowder.example/files/1?key=REDACTED'],
    ['/signup/secret', '/signup/REDACTED'],
    ['/reset/secret?x=1', '/reset/REDACTED?x=1'],
    ['/files/links/5f1e00000000000000000001', '/files/links/REDACTED'],
    ['/files/5f1e00000000000000000001#access_token=abc', '/files/5f1e00000000000000000001#access_token=REDACTED'],
    ['/datasets/1#folder', '/datasets/1#folder'],
  ])('replaces secrets in the URL %s', (url, expected) => {
    expect(redactUrl(url)).toBe(expected);
  });

  test('takes the secret out of private extractor names', () => {
    expect(redactExtractorName('private.s3cret.ncsa.wordcount')).toBe('private.REDACTED.ncsa.wordcount');
    expect(redactExtractorName('private.s3cret')).toBe('private.REDACTED');
    expect(redactExtractorName('ncsa.wordcount')).toBe('ncsa.wordcount');
  });

  test('replaces credentials in free text', () => {
    expect(redactText('{"secretKey": "abcdef", "id": 1}')).not.toContain('abcdef');
    expect(redactText('Authorization: Bearer abcdefgh')).not.toContain('abcdefgh');
    expect(redactText('GET /api/files?key=abcdef failed')).toBe('GET /api/files?key=REDACTED failed');
    expect(redactText('tiling page 3 of 7')).toBe('tiling page 3 of 7');
  });
});
