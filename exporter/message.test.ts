import { describe, expect, test } from 'vitest';
import type { FlatBody } from '../taxonomy/flat-body.ts';
import { toMessage, toMessageFromLine } from './message.ts';

const body: FlatBody = {
  event_id: 'e1',
  event: 'file.uploaded',
  created: 1_700_000_000_123,
  source: 'api',
  resource_type: 'file',
  resource_id: 'f1',
};

describe('the message of an event', () => {
  test('is persistent, mandatory JSON under the id of the event, routed by its type', () => {
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

  test('names a subject only where type and id of the resource are known', () => {
    const { resource_type: _type, ...untyped } = body;
    expect(toMessage(untyped as FlatBody).options.headers).not.toHaveProperty('cloudEvents_subject');
  });

  test('carries the trace context where both ids are known', () => {
    const [trace_id, span_id] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
    expect(toMessage({ ...body, trace_id, span_id }).options.headers).toMatchObject({
      traceparent: `00-${trace_id}-${span_id}-01`,
    });
    expect(toMessage({ ...body, trace_id }).options.headers).not.toHaveProperty('traceparent');
  });

  test('from a line has that line as its content', () => {
    const line = JSON.stringify(body);
    expect(toMessageFromLine(line)).toEqual(toMessage(body));
    expect(toMessageFromLine(line).content.toString()).toBe(line);
  });
});
