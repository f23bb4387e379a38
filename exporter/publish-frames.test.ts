import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PassThrough, type Duplex } from 'node:stream';
import type { ConfirmChannel } from 'amqplib';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { runs } from '../test/support/form.ts';
import { FrameWriter } from './frame-writer.ts';
import { toMessage, toMessageFromLine } from './message.ts';
import type { Publishable } from './publish-frames.ts';

const require = createRequire(import.meta.url);
const LIB = join(dirname(require.resolve('amqplib')), 'lib');

interface Connection {
  frameMax: number;
  channelMax: number;
  readonly channels: readonly { readonly buffer: Duplex }[];
}
const { Connection } = require(join(LIB, 'connection.js')) as { Connection: new (stream: Duplex) => Connection };
const { ConfirmChannel: Channel } = require(join(LIB, 'channel_model.js')) as {
  ConfirmChannel: new (connection: Connection) => { allocate(): ConfirmChannel & { readonly ch: number } };
};

/** A channel of amqplib on a connection without a peer. */
function openChannel(frameMax = 131_072) {
  const connection = Object.assign(new Connection(new PassThrough()), { frameMax, channelMax: 100 });
  const channel = new Channel(connection).allocate();
  const sent = connection.channels[channel.ch]?.buffer;
  if (sent === undefined) throw new Error('amqplib has no buffer for the channel');
  return { channel, sent, bytes: (): string => Buffer.concat([...chunksOf(sent)]).toString('hex') };
}

function* chunksOf(stream: Duplex): Generator<Buffer> {
  for (let chunk: unknown = stream.read(); Buffer.isBuffer(chunk); chunk = stream.read()) yield chunk;
}

const event = (event_id: string) =>
  toMessage({ event_id, event: 'file.uploaded', created: 1_700_000_000_123, source: 'api', resource_id: 'f1' });

const never = (): never => {
  throw new Error('called');
};

/** What our writer and amqplib alone hand to the connection for these messages. */
async function bothOf(messages: readonly Publishable[], frameMax?: number): Promise<readonly [string, string]> {
  const [ours, theirs] = [openChannel(frameMax), openChannel(frameMax)];
  const writer = new FrameWriter(ours.channel, 'clowder.events', never);
  for (const message of messages) {
    writer.publish(message, never);
    theirs.channel.publish('clowder.events', message.routingKey, message.content, message.options, never);
  }
  await Promise.resolve();
  return [ours.bytes(), theirs.bytes()];
}

describe('frames of messages', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 60 });
  const options = fc.record(
    {
      contentType: text,
      headers: fc.dictionary(text, fc.oneof({ weight: 9, arbitrary: text }, { weight: 1, arbitrary: fc.integer() })),
      deliveryMode: fc.constantFrom(1, 2, true, false),
      messageId: text,
      timestamp: fc.maxSafeNat(),
      type: text,
      appId: text,
      mandatory: fc.boolean(),
      expiration: fc.constantFrom('1000'),
      priority: fc.integer({ min: 0, max: 9 }),
    },
    { requiredKeys: [] },
  );
  const message = fc.record({
    routingKey: text,
    content: fc
      .oneof({ weight: 9, arbitrary: fc.nat(900) }, { weight: 1, arbitrary: fc.nat(40_000) })
      .map((length) => Buffer.alloc(length, 'x')),
    options,
  });

  test('are byte for byte those of amqplib, whatever the messages are, in the same order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 20 }), fc.constantFrom(4096, 131_072), async (messages, max) => {
        const [ours, theirs] = await bothOf(messages, max);
        expect(ours).toBe(theirs);
      }),
      runs(500),
    );
  });

  test('are the same for a text and for its bytes', async () => {
    const lines = ['a', 'é', '\ud83d\ude00', 'x'.repeat(9000)].map((name) =>
      JSON.stringify({ event_id: name.slice(0, 9), event: 'file.uploaded', created: 1, file_name: name }),
    );
    const [ours, theirs] = await bothOf(lines.map((line) => toMessageFromLine(line)));
    expect(ours).toBe(theirs);
  });

  test('of many events share a few writes, and none of them is overwritten', async () => {
    const events = Array.from({ length: 3000 }, (_, index) => event(`event-${index}`));
    const [ours, theirs] = await bothOf(events);
    expect(ours).toBe(theirs);
    const { channel, sent } = openChannel();
    const writer = new FrameWriter(channel, 'clowder.events', never);
    for (const one of events) writer.publish(one, never);
    await Promise.resolve();
    expect([...chunksOf(sent)].length).toBeLessThan(50);
  });
});

describe('a writer of frames', () => {
  test('lets amqplib settle each message once, in order', async () => {
    const { channel } = openChannel();
    const writer = new FrameWriter(channel, 'clowder.events', never);
    const settled: unknown[] = [];
    for (const id of ['a', 'b', 'c']) writer.publish(event(id), (error) => settled.push([id, error]));
    await Promise.resolve();
    channel.emit('ack', { deliveryTag: 2, multiple: true });
    channel.emit('nack', { deliveryTag: 3, multiple: false });
    expect(settled).toEqual([
      ['a', null],
      ['b', null],
      ['c', new Error('message nacked')],
    ]);
  });

  test('reports that the connection accepts no more', async () => {
    const { channel, sent } = openChannel();
    sent.pause();
    const onFull = vi.fn();
    const writer = new FrameWriter(channel, 'clowder.events', onFull);
    for (let batch = 0; batch < 3000 && onFull.mock.calls.length === 0; batch += 1) {
      writer.publish(event(`event-${batch}`), () => undefined);
      await Promise.resolve();
    }
    expect(onFull).toHaveBeenCalledOnce();
  });

  test('throws like amqplib once the channel is closing, and sends none of the waiting messages', async () => {
    const { channel, bytes } = openChannel();
    const writer = new FrameWriter(channel, 'clowder.events', never);
    writer.publish(event('waits'), () => undefined);
    void channel.close().catch(() => undefined);
    expect(() => writer.publish(event('late'), never)).toThrow(
      expect.objectContaining({ name: 'IllegalOperationError' }),
    );
    await Promise.resolve();
    expect(bytes()).not.toContain(Buffer.from('waits').toString('hex'));
  });

  test("leaves the work to amqplib if amqplib's internals are unknown", async () => {
    const { channel, bytes } = openChannel();
    const plain = openChannel();
    Object.assign(channel, { pushConfirmCallback: undefined });
    const published: unknown[] = [];
    Object.assign(channel, {
      publish: (...args: unknown[]) => {
        published.push(args);
        return true;
      },
    });
    new FrameWriter(channel, 'clowder.events', never).publish(event('a'), never);
    await Promise.resolve();
    expect([published.length, bytes(), plain.bytes()]).toEqual([1, '', '']);
  });
});
