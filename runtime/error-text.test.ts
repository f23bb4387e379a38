import { describe, expect, test } from 'vitest';
import { errorText } from './error-text.ts';

const systemError = (message: string, code: unknown): Error => Object.assign(new Error(message), { code });
const REFUSED = systemError('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED');

/** An error with an endless chain of causes. */
function endless(): Error {
  const error = new Error('again');
  error.cause = new Error('and', { cause: error });
  return error;
}

describe('the text of an error', () => {
  test.each<[says: string, error: unknown, text: string]>([
    ['its message', new Error('no such queue'), 'no such queue'],
    ['its name if it has no message', new TypeError(''), 'TypeError'],
    ['a thrown value that is no error', 'give up', 'give up'],
    ["its message with the system's code if the message lacks it", systemError('cannot connect', 'EPIPE'), 'cannot connect (EPIPE)'],
    ['its message if that has the code already', REFUSED, 'connect ECONNREFUSED 127.0.0.1:1'],
    ['its message without a code of ours', systemError('HTTP 503', 'not_now'), 'HTTP 503'],
    ['its message without the code of SQLite, which is the same for all errors', systemError('disk is full', 'ERR_SQLITE_ERROR'), 'disk is full'],
    ["its message without a protocol's number", systemError('gone', 404), 'gone'],
    ['its message with its cause if it does not explain itself', new TypeError('fetch failed', { cause: REFUSED }), 'fetch failed: connect ECONNREFUSED 127.0.0.1:1'],
    ['its message without a cause that the message has already', new Error('not written (no space)', { cause: new Error('no space') }), 'not written (no space)'],
    ['its message without the cause if it has a code, as it explains itself', Object.assign(new Error('Nobody listens', { cause: REFUSED }), { code: 'refused' }), 'Nobody listens'],
    ['each of several errors, once', new AggregateError([systemError('::1', 'EACCES'), REFUSED, REFUSED]), '::1 (EACCES); connect ECONNREFUSED 127.0.0.1:1'],
    ['its message with the several errors that caused it', new TypeError('fetch failed', { cause: new AggregateError([REFUSED]) }), 'fetch failed: connect ECONNREFUSED 127.0.0.1:1'],
    ['one line', new Error('bad\n  at line 3\t!\n'), 'bad at line 3 !'],
    ['only the reason in a message of OpenSSL', new Error('40C3:error:0A00045C:SSL routines:ssl3_read_bytes:certificate required:a.c:918:SSL alert number 116\n'), 'certificate required'],
  ])('is %s', (_, error, text) => expect(errorText(error)).toBe(text)); // prettier-ignore

  test('has no secret, not even from its cause', () => {
    const cause = new Error('GET https://x/?token=s3cret-of-mine failed');
    const text = errorText(new Error('no answer from https://x/?key=s3cret-of-mine', { cause }));
    expect(text).toMatch(/^no answer from .*: GET .* failed$/);
    expect(text).not.toContain('s3cret');
  });

  test('ends even if an error is its own cause', () => {
    expect(errorText(endless())).toMatch(/^again: and/);
    expect(errorText(endless()).length).toBeLessThan(100);
  });
});
