import { describe, expect, test } from 'vitest';
import { errorText } from './error-text.ts';

const systemError = (message: string, code: unknown): Error => Object.assign(new Error(message), { code });
const REFUSED = systemError('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED');

/** An error that is its own cause, and so on without an end. */
function endless(): Error {
  const error = new Error('again');
  error.cause = new Error('and', { cause: error });
  return error;
}

describe('the text of an error', () => {
  test.each<[says: string, error: unknown, text: string]>([
    ['what it says', new Error('no such queue'), 'no such queue'],
    ['its name where it says nothing', new TypeError(''), 'TypeError'],
    ['what was thrown that is no error', 'give up', 'give up'],
    ['the code of the system where it is not in the words', systemError('cannot connect', 'EPIPE'), 'cannot connect (EPIPE)'],
    ['the code once where the words have it', REFUSED, 'connect ECONNREFUSED 127.0.0.1:1'],
    ['no code of ours: the words say it', systemError('HTTP 503', 'not_now'), 'HTTP 503'],
    ['no code of SQLite, which has one for all', systemError('disk is full', 'ERR_SQLITE_ERROR'), 'disk is full'],
    ['no number of a protocol', systemError('gone', 404), 'gone'],
    ['the cause of what does not explain itself', new TypeError('fetch failed', { cause: REFUSED }), 'fetch failed: connect ECONNREFUSED 127.0.0.1:1'],
    ['no cause that the words have already', new Error('not written (no space)', { cause: new Error('no space') }), 'not written (no space)'],
    ['no cause of an error that has a code, which explains itself', Object.assign(new Error('Nobody listens', { cause: REFUSED }), { code: 'refused' }), 'Nobody listens'],
    ['each of several errors, once', new AggregateError([systemError('::1', 'EACCES'), REFUSED, REFUSED]), '::1 (EACCES); connect ECONNREFUSED 127.0.0.1:1'],
    ['several errors that are the cause of one', new TypeError('fetch failed', { cause: new AggregateError([REFUSED]) }), 'fetch failed: connect ECONNREFUSED 127.0.0.1:1'],
    ['one line', new Error('bad\n  at line 3\t!\n'), 'bad at line 3 !'],
    ['the reason alone of what OpenSSL says', new Error('40C3:error:0A00045C:SSL routines:ssl3_read_bytes:certificate required:a.c:918:SSL alert number 116\n'), 'certificate required'],
  ])('is %s', (_, error, text) => expect(errorText(error)).toBe(text)); // prettier-ignore

  test('has no secret, not even in its cause', () => {
    const cause = new Error('GET https://x/?token=s3cret-of-mine failed');
    const text = errorText(new Error('no answer from https://x/?key=s3cret-of-mine', { cause }));
    expect(text).toMatch(/^no answer from .*: GET .* failed$/);
    expect(text).not.toContain('s3cret');
  });

  test('ends, also if an error is its own cause', () => {
    expect(errorText(endless())).toMatch(/^again: and/);
    expect(errorText(endless()).length).toBeLessThan(100);
  });
});
