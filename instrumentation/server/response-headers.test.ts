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
    ['a reason and headers that are null', [200, 'Fine', null], [200, 'Fine', { 'X-Clowder-Captured': REQUEST }]],
    ['undefined headers', [200, undefined], [200, undefined, { 'X-Clowder-Captured': REQUEST }]],
    [
      'names and values in turn',
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
    ['given', response(), [200, { 'x-clowder-captured': '1' }]],
    ['set before', response({ 'X-Clowder-Captured': REQUEST }), [200]],
  ])('is not added twice where it is %s', (_what, to, args) => {
    expect(withCapturedMark(to, args, REQUEST)).toEqual(args);
  });

  test('leaves the headers of the program as they are', () => {
    const headers = { a: '1' };
    withCapturedMark(response(), [200, headers], REQUEST);
    expect(headers).toEqual({ a: '1' });
  });
});

describe('a header', () => {
  test.each<[string, ServerResponse, unknown[], string | undefined]>([
    ['given in an object', response(), [200, { 'Content-Type': 'text/plain' }], 'text/plain'],
    ['given in turn', response(), [200, 'Fine', ['X', 'y', 'content-type', 'text/plain']], 'text/plain'],
    ['given in pairs', response(), [200, [['Content-Type', 'text/plain']]], 'text/plain'],
    ['set before', response({ 'content-type': 'text/plain' }), [200, { a: '1' }], 'text/plain'],
    ['given instead of one set before', response({ 'content-type': 'a/b' }), [200, { 'Content-Type': 'c/d' }], 'c/d'],
    ['of several values', response({ 'content-type': ['a/b', 'c/d'] }), [200], 'a/b'],
    ['that is a number', response(), [200, { 'Content-Type': 7 }], '7'],
    ['that is not there', response(), [200], undefined],
  ])('%s is found by its lower-case name', (_what, of, args, value) => {
    expect(headerOf(of, args, 'content-type')).toBe(value);
  });

  test.each<[string, ServerResponse, unknown[]]>([
    ['set before', response({ 'set-cookie': ['balancer=1', 'id=2'] }), [200]],
    ['in an object', response(), [200, { 'Set-Cookie': ['balancer=1', 'id=2'] }]],
    ['in turn', response(), [200, ['Set-Cookie', 'balancer=1', 'X', 'y', 'set-cookie', 'id=2']]],
    [
      'in pairs',
      response(),
      [
        200,
        [
          ['Set-Cookie', 'balancer=1'],
          ['set-cookie', 'id=2'],
        ],
      ],
    ],
  ])('Set-Cookie %s is told with all its values', (_what, of, args) => {
    expect(headerOf(of, args, 'set-cookie')).toBe('balancer=1, id=2');
  });
});
