import type { Channel, ConsumeMessage } from 'amqplib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FirehoseSwitch, type FirehoseState } from './firehose-switch.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A channel that keeps what is sent, and may be closed. */
function fakeChannel(): {
  readonly channel: Channel;
  readonly sent: { readonly queue: string; readonly type: string | undefined }[];
  closed: boolean;
} {
  const fake = {
    sent: [] as { queue: string; type: string | undefined }[],
    closed: false,
    channel: {
      sendToQueue(queue: string, _content: Buffer, options?: { type?: string }) {
        if (fake.closed) throw new Error('Channel closed');
        fake.sent.push({ queue, type: options?.type });
        return true;
      },
    } as unknown as Channel,
  };
  return fake;
}

const direct = {
  fields: { exchange: '', routingKey: 'q' },
  properties: { type: 'clowder-otel.probe', headers: {} },
} as unknown as ConsumeMessage;
const copyOf = (type: string): ConsumeMessage =>
  ({
    fields: { exchange: 'amq.rabbitmq.trace', routingKey: 'publish.' },
    properties: { headers: { properties: { type } } },
  }) as unknown as ConsumeMessage;

function start(): {
  readonly states: FirehoseState[];
  readonly traced: FirehoseSwitch;
  readonly fake: ReturnType<typeof fakeChannel>;
} {
  const states: FirehoseState[] = [];
  const traced = new FirehoseSwitch('q', (state) => void states.push(state));
  const fake = fakeChannel();
  traced.begin(fake.channel);
  return { states, traced, fake };
}

describe('the state of the firehose', () => {
  it('is on if a copy of our own message comes', () => {
    const { states, traced, fake } = start();
    expect(fake.sent).toEqual([{ queue: 'q', type: 'clowder-otel.probe' }]);
    expect(traced.take(direct)).toBe(true);
    expect(traced.state).toBe('unknown');
    expect(traced.take(copyOf('clowder-otel.probe'))).toBe(true);
    vi.advanceTimersByTime(10_000);
    expect(states).toEqual(['on']);
  });

  it('is off if no copy comes, and is checked again', () => {
    const { states, traced, fake } = start();
    traced.take(direct);
    vi.advanceTimersByTime(3000);
    expect(states).toEqual(['off']);
    vi.advanceTimersByTime(12_000);
    expect(fake.sent).toHaveLength(2);
    traced.take(copyOf('clowder-otel.probe'));
    expect(states).toEqual(['off', 'on']);
  });

  it('is unknown while the monitor is not connected', () => {
    const { states, traced, fake } = start();
    traced.take(copyOf('clowder-otel.probe'));
    traced.end();
    vi.advanceTimersByTime(60_000);
    expect([states, fake.sent.length]).toEqual([['on', 'unknown'], 1]);
  });

  it('is not probed on a closed channel', () => {
    const { states, fake } = start();
    fake.closed = true;
    expect(() => vi.advanceTimersByTime(60_000)).not.toThrow();
    expect(states).toEqual(['off']);
  });

  it('does not depend on other messages, which are passed on', () => {
    const { traced } = start();
    expect(traced.take(copyOf('job'))).toBe(false);
    expect(traced.take({ ...direct, properties: { ...direct.properties, type: 'job' } })).toBe(false);
    const bare = {
      ...direct,
      fields: { ...direct.fields, exchange: 'amq.rabbitmq.trace' },
      properties: { ...direct.properties, headers: undefined },
    };
    expect(traced.take(bare)).toBe(false);
  });
});
