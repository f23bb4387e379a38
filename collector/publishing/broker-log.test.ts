import { expect, test } from 'vitest';
import type { PublisherState } from '../../exporter/publisher.ts';
import { explainBrokerError } from '../../runtime/amqp/broker-error.ts';
import { createBrokerLog } from './broker-log.ts';

const BROKER = 'amqp://127.0.0.1:5672';
const UP: PublisherState = { connected: true, blocked: false, broker: BROKER, unconfirmed: 0, lastError: undefined };
const DOWN: PublisherState = { ...UP, connected: false, lastError: explainBrokerError(new Error('gone'), BROKER) };

/** What is logged for these states, each of which lasts ten seconds. */
function logOf(...states: readonly PublisherState[]): readonly (readonly [string, object, string])[] {
  const logged: [string, object, string][] = [];
  const at = (level: string) => (fields: object, message: string) => void logged.push([level, fields, message]);
  let now = 0;
  const logState = createBrokerLog({ debug: at('debug'), info: at('info'), warn: at('warn') }, () => now);
  for (const state of states) {
    logState(state);
    now += 10_000;
  }
  return logged;
}

test('a broker that is away is logged once at warn, then at debug, and once when it is back, with the duration', () => {
  const reason = DOWN.lastError?.message;
  expect(logOf(UP, DOWN, DOWN, DOWN, UP, DOWN)).toEqual([
    ['info', { broker: BROKER }, 'connected to RabbitMQ'],
    ['warn', { reason }, expect.stringContaining('not connected')],
    ['debug', { reason }, expect.stringContaining('not connected')],
    ['debug', { reason }, expect.stringContaining('not connected')],
    ['info', { broker: BROKER, away_s: 30 }, 'connected to RabbitMQ'],
    ['warn', { reason }, expect.stringContaining('not connected')],
  ]);
});

test('a broker that was never there counts as away', () => {
  expect(
    logOf(DOWN, DOWN, UP).map(([level, fields]) => [level, 'away_s' in fields ? fields.away_s : undefined]),
  ).toEqual([
    ['warn', undefined],
    ['debug', undefined],
    ['info', 20],
  ]);
});

test('a broker that blocks publishers is logged once, and once when it stops', () => {
  const blocked = { ...UP, blocked: true };
  expect(logOf(UP, blocked, blocked, UP, blocked, DOWN, UP).map(([level, , message]) => [level, message])).toEqual([
    ['info', 'connected to RabbitMQ'],
    ['warn', expect.stringContaining('blocked')],
    ['info', 'RabbitMQ takes events again'],
    ['warn', expect.stringContaining('blocked')],
    ['warn', expect.stringContaining('not connected')],
    ['info', 'connected to RabbitMQ'],
  ]);
});
