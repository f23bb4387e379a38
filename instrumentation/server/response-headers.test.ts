import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { headerOf, withCapturedMark } from './response-headers.ts';

const REQUEST = 'b7ad6b7169203331';

const response = (headers: Record<string, string | string[]> = {}): ServerResponse => {
  const made = new ServerResponse(new IncomingMessage(new Socket()));
  for (const [name, value] of Object.entries(headers)) made.setHeader(name, value);
  return made;
};

describe('the mark', () => {
  test.each<[string, unknown[], unknown[]]>([
    ['no headers', [200], [200, { 'X-Clowder-Captured': REQUEST }]],
    ['a reason', [200, 'Fine'], [200, 'Fine', { 'X-Clowder-Captured': REQUEST }]],
    ['an object', [200, { a: '1' }], [200, { a: '1', 'X-Clowder-Captured': REQUEST }]],
    ['a reason and an object', [200, 'Fine', { a: 1 }], [200, 'Fine', { a: 1, 'X-Clowder-Captured': REQUEST }]],
    ['an undefined reason', [200, undefined, { a: 1 }], [200, undefined, { a: 1, 'X-Clowder-Captured': REQUEST }]],
    ['a reason and undefined headers', [200, 'Fine', undefined], [200, 'Fine', { 'X-Clowder-Captured': REQUEST }]],
    ['a reason and null headers', [200, 'Fine', null], [200, 'Fine', { 'X-Clowder-Captured': REQUEST }]],
    ['undefined headers', [200, undefined], [200, undefined, { 'X-Clowder-Captured': REQUEST }]],
    [
      'alternating names and values',
      [200, ['a', '1', 'a', '2']],
      [200, ['a', '1', 'a', '2', 'X-Clowder-Captured', REQUEST]],
    ],
    [
      'pairs',
      [200, [['a', '1']]],
      [
        200,
        [
          ['a', '1'],
          ['X-Clowder-Captured', REQUEST],
        ],
      ],
    ],
    ['an empty list', [200, []], [200, ['X-Clowder-Captured', REQUEST]]],
  ])('is added to %s', (_what, args, marked) => {
    expect(withCapturedMark(response(), args, REQUEST)).toEqual(marked);
  });

  test.each<[string, ServerResponse, unknown[]]>([
    ['passed to writeHead', response(), [200, { 'x-clowder-captured': '1' }]],
    ['already set', response({ 'X-Clowder-Captured': REQUEST }), [200]],
  ])('is not added twice if it is %s', (_what, to, args) => {
    expect(withCapturedMark(to, args, REQUEST)).toEqual(args);
  });

  test("does not change the program's own headers", () => {
    const headers = { a: '1' };
    withCapturedMark(response(), [200, headers], REQUEST);
    expect(headers).toEqual({ a: '1' });
  });
});

describe('a header', () => {
  test.each<[string, ServerResponse, unknown[], string | undefined]>([
    ['passed in an object', response(), [200, { 'Content-Type': 'text/plain' }], 'text/plain'],
    ['passed as alternating values', response(), [200, 'Fine', ['X', 'y', 'content-type', 'text/plain']], 'text/plain'],
    ['passed as pairs', response(), [200, [['Content-Type', 'text/plain']]], 'text/plain'],
    ['already set', response({ 'content-type': 'text/plain' }), [200, { a: '1' }], 'text/plain'],
    ['passed instead of one already set', response({ 'content-type': 'a/b' }), [200, { 'Content-Type': 'c/d' }], 'c/d'],
    ['with several values', response({ 'content-type': ['a/b', 'c/d'] }), [200], 'a/b'],
    ['with a number', response(), [200, { 'Content-Type': 7 }], '7'],
    ['that is missing', response(), [200], undefined],
  ])('%s is found by its lower-case name', (_what, of, args, value) => {
    expect(headerOf(of, args, 'content-type')).toBe(value);
  });

  test.each<[string, ServerResponse, unknown[]]>([
    ['already set', response({ 'set-cookie': ['balancer=1', 'id=2'] }), [200]],
    ['in an object', response(), [200, { 'Set-Cookie': ['balancer=1', 'id=2'] }]],
    ['as alternating values', response(), [200, ['Set-Cookie', 'balancer=1', 'X', 'y', 'set-cookie', 'id=2']]],
    [
      'as pairs',
      response(),
      [
        200,
        [
          ['Set-Cookie', 'balancer=1'],
          ['set-cookie', 'id=2'],
        ],
      ],
    ],
  ])('Set-Cookie %s is returned with all its values', (_what, of, args) => {
    expect(headerOf(of, args, 'set-cookie')).toBe('balancer=1, id=2');
  });
});
