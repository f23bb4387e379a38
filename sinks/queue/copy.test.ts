import type { Message } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { copyOf, leanCopyOf } from './copy.ts';

const message = (properties: object): Message => ({
  content: Buffer.from('{}'),
  fields: { deliveryTag: 1, redelivered: false, exchange: 'e', routingKey: 'k' },
  properties: properties as Message['properties'],
});

describe('the copy of a message', () => {
  it('has its properties and headers, but no time to live, no user, and no further receivers', () => {
    const original = message({
      messageId: 'id',
      type: 'file.uploaded',
      expiration: '1000',
      userId: 'clowder',
      appId: undefined,
      headers: { traceparent: '00-1', CC: ['other'], 'x-delivery-count': 3 },
    });
    expect(copyOf(original, 'dead', { why: 'because' })).toEqual({
      messageId: 'id',
      routingKey: 'dead',
      content: original.content,
      options: {
        messageId: 'id',
        type: 'file.uploaded',
        headers: { traceparent: '00-1', why: 'because' },
        persistent: true,
        mandatory: true,
      },
    });
  });

  it('cuts what is too long for an AMQP short string because it was not UTF-8', () => {
    const { messageId, options } = copyOf(message({ messageId: '\ufffd'.repeat(255), appId: 'x\ud83d' }), 'dead', {});
    expect(Buffer.byteLength(messageId)).toBe(255);
    expect(options.messageId).toBe(messageId);
    expect(options.appId).toBe('x\ufffd');
  });

  it('keeps content, id and type if it must be reduced', () => {
    const original = message({ messageId: 'id', type: 't', replyTo: 'somebody', headers: { large: 'x'.repeat(9000) } });
    expect(leanCopyOf(original, 'dead', { why: 'because' })).toMatchObject({
      content: original.content,
      options: { messageId: 'id', type: 't', headers: { why: 'because' } },
    });
    expect(leanCopyOf(original, 'dead', {}).options).not.toHaveProperty('replyTo');
  });
});
