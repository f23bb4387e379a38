import { ROOT_CONTEXT } from '@opentelemetry/api';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { endingWith, requestHead } from '../../test/support/captured-request.ts';
import type { Capture } from '../capture/types.ts';
import type { Outcome, ServerTelemetry } from '../telemetry/server-request.ts';
import { exchangeOf, type Exchange } from './exchange.ts';
import { Http1Exchange } from './http1-exchange.ts';

function setUp(
  capture: Partial<Capture>,
  fail: () => void = () => undefined,
): {
  request: IncomingMessage;
  response: ServerResponse;
  exchange: Exchange;
  ends: Outcome[];
  problems: string[];
} {
  const request = new IncomingMessage(new Socket());
  const response = new ServerResponse(request);
  const ends: Outcome[] = [];
  const problems: string[] = [];
  const started = {
    context: ROOT_CONTEXT,
    traceId: '',
    requestId: '',
    forwardHeaders: () => ({ traceparent: undefined, tracestate: undefined }),
    end: (outcome: Outcome) => void ends.push(outcome),
  };
  const start = (): typeof started => {
    fail();
    return started;
  };
  const telemetry: ServerTelemetry = { start, adopt: start };
  const parts = {
    telemetry,
    head: requestHead(),
    capture: endingWith({}, capture),
    onError: (error: unknown) => void problems.push(String(error)),
  };
  const exchange = new Http1Exchange(parts, request, response);
  return { request, response, exchange, ends, problems };
}

const bug = (): never => {
  throw new Error('a bug of ours');
};

test.each<[string, Partial<Capture>]>([
  ['the request', { requestChunk: bug }],
  ['the head of the answer', { responseHead: bug }],
  ['the answer', { responseChunk: bug }],
])('a capture that throws at %s gets nothing more, and the program notices nothing', (_what, capture) => {
  const told: number[] = [];
  const count = (): void => void told.push(1);
  const { request, response, problems } = setUp({
    requestChunk: count,
    responseHead: count,
    responseChunk: count,
    ...capture,
  });
  for (let round = 0; round < 2; round += 1) {
    expect(request.push(Buffer.from('abc'))).toBe(true);
    response.write('def');
  }
  response.end();
  expect(problems).toEqual(['Error: a bug of ours']);
  expect(told.length).toBeLessThan(4);
  expect(request.readableLength).toBe(6);
});

test('telemetry that throws leaves the request to the program', () => {
  const { exchange, problems, ends, response } = setUp({}, bug);
  exchange.attach();
  expect(exchange.run(() => 'handled')).toBe('handled');
  response.emit('close');
  expect(problems).toEqual(['Error: a bug of ours']);
  expect(ends).toEqual([]);
});

test('an exchange ends once, even if its span was never requested', () => {
  const { request, response, exchange, ends } = setUp({});
  expect(exchangeOf(request)).toBe(exchange);
  response.emit('close');
  response.emit('close');
  expect(ends).toEqual([{ complete: false }]);
});
