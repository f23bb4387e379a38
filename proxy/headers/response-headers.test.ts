import { describe, expect, it } from 'vitest';
import { answerHeaders, headerOf } from './response-headers.ts';
import type { ResponseHead } from '../upstream/index.ts';

const RULES = { mark: undefined, close: false, trailers: false, via: undefined };

function head(rawHeaders: readonly string[]): ResponseHead {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  return { status: 200, reason: 'OK', rawHeaders, names, framing: 'length', keepAlive: true };
}

describe('the headers of an answer', () => {
  it('keep names, order and duplicates', () => {
    const raw = ['set-cookie', 'a', 'X-b', '1', 'Set-Cookie', 'b', 'Content-Length', '3'];
    expect(answerHeaders(head(raw), RULES)).toEqual(raw);
  });

  it('lose those of the connection to Clowder', () => {
    const raw = [
      'Connection',
      'close, X-Mine',
      'Keep-Alive',
      'timeout=5',
      'Transfer-Encoding',
      'chunked',
      'x-mine',
      '1',
    ];
    expect(answerHeaders(head([...raw, 'Upgrade', 'h2c', 'X-Kept', '2']), RULES)).toEqual(['X-Kept', '2']);
  });

  it('announce trailers only if they can follow', () => {
    const raw = ['Trailer', 'X-Sum'];
    expect(answerHeaders(head(raw), RULES)).toEqual([]);
    expect(answerHeaders(head(raw), { ...RULES, trailers: true })).toEqual(raw);
  });

  it('say once that the request was captured', () => {
    const captured = { ...RULES, mark: 'b7ad6b7169203331' };
    expect(answerHeaders(head(['x-clowder-captured', '0']), captured)).toEqual([
      'X-Clowder-Captured',
      'b7ad6b7169203331',
    ]);
    expect(answerHeaders(head([]), RULES)).toEqual([]);
  });

  it('say if the connection ends, and who passed them on', () => {
    const rules = { ...RULES, close: true, via: 'proxy' };
    expect(answerHeaders(head([]), rules)).toEqual(['Via', '1.1 proxy', 'Connection', 'close']);
  });

  it('are found by lower-case name: the first of several, but all of Set-Cookie', () => {
    expect(headerOf(head(['A', '1', 'a', '2']), 'a')).toBe('1');
    expect(headerOf(head(['A', '1']), 'b')).toBeUndefined();
    expect(headerOf(head(['Set-Cookie', 'balancer=1', 'B', '2', 'set-cookie', 'id=3']), 'set-cookie')).toBe(
      'balancer=1, id=3',
    );
  });
});
