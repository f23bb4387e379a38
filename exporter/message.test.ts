import { describe, expect, test } from 'vitest';
import type { FlatBody } from '../taxonomy/flat-body.ts';
import { faultOf, toMessage, toMessageFromLine } from './message.ts';

const body: FlatBody = {
  event_id: 'e1',
  event: 'file.uploaded',
  created: 1_700_000_000_123,
  source: 'api',
  resource_type: 'file',
  resource_id: 'f1',
};

describe('the message of an event', () => {
  test("is persistent, mandatory JSON with the event's id, routed by its type", () => {
    const { messageId, routingKey, content, options } = toMessage(body);
    expect([messageId, routingKey, JSON.parse(content.toString())]).toEqual(['e1', 'file.uploaded', body]);
    expect(options).toMatchObject({
      messageId: 'e1',
      type: 'file.uploaded',
      timestamp: 1_700_000_000,
      contentType: 'application/json',
      deliveryMode: 2,
      mandatory: true,
    });
  });

  test('carries CloudEvents 1.0 in its headers', () => {
    expect(toMessage({ ...body, clowder_instance: 'our clowder' }).options.headers).toEqual({
      cloudEvents_specversion: '1.0',
      cloudEvents_id: 'e1',
      cloudEvents_source: 'urn:clowder:our%20clowder',
      cloudEvents_type: 'file.uploaded',
      cloudEvents_time: '2023-11-14T22:13:20.123Z',
      cloudEvents_dataschema: 'urn:clowder-otel:schema:file.uploaded:1',
      cloudEvents_subject: 'file/f1',
    });
  });

  test('names a subject only if type and id of the resource are known', () => {
    const { resource_type: _type, ...untyped } = body;
    expect(toMessage(untyped as FlatBody).options.headers).not.toHaveProperty('cloudEvents_subject');
  });

  test('has the trace context if both ids are known', () => {
    const [trace_id, span_id] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
    expect(toMessage({ ...body, trace_id, span_id }).options.headers).toMatchObject({
      traceparent: `00-${trace_id}-${span_id}-01`,
    });
    expect(toMessage({ ...body, trace_id }).options.headers).not.toHaveProperty('traceparent');
  });

  test('made from a line has that line as its content', () => {
    const line = JSON.stringify(body);
    const { messageId, routingKey, options, content, text } = toMessageFromLine(line);
    expect({ messageId, routingKey, options, content }).toEqual(toMessage(body));
    expect([content.toString(), text]).toEqual([line, line]);
  });

  test('can be made of any text: half a surrogate pair becomes U+FFFD in the id and in every header', () => {
    const { messageId, options } = toMessage({
      ...body,
      event_id: 'e\ud83d',
      clowder_instance: 'site \ud83d',
      resource_id: '\udc00',
    });
    expect([messageId, options.messageId, options.headers?.['cloudEvents_id']]).toEqual(['e�', 'e�', 'e�']);
    expect(options.headers).toMatchObject({
      cloudEvents_source: 'urn:clowder:site%20%EF%BF%BD',
      cloudEvents_subject: 'file/�',
    });
  });

  test.each([Number.NaN, 9e15, -1])('has no time if that is not a calendar time: %s', (created) => {
    const { options } = toMessage({ ...body, created });
    expect(options).not.toHaveProperty('timestamp');
    expect(options.headers).not.toHaveProperty('cloudEvents_time');
  });
});

test.each([
  ['e'.repeat(255), undefined],
  ['e'.repeat(256), 'Its event id takes 256 bytes in UTF-8; AMQP allows 255'],
  ['測'.repeat(85), undefined],
  ['測'.repeat(86), 'Its event id takes 258 bytes in UTF-8; AMQP allows 255'],
  ['€'.repeat(86), 'Its event id takes 258 bytes in UTF-8; AMQP allows 255'],
])('an AMQP short string holds 255 bytes: %s', (event_id, fault) => {
  expect(faultOf(toMessage({ ...body, event_id }))).toBe(fault);
});
