import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AMPLITUDE_KEY, AmplitudeProject } from '../../../test/support/sinks/amplitude-server.ts';
import { anyEvents, eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { sizeOf, toAmplitude, uploadOf } from './event.ts';
import { runs } from '../../../test/support/form.ts';

describe('an event for Amplitude', () => {
  test('has the type, the time and the id of the event, and its fields as properties', () => {
    const event = eventOf('file.uploaded', {
      client_id: 'c0ffee',
      client_kind: 'browser',
      file_id: 'f1',
      resource_id: 'f1',
      resource_type: 'file',
      bytes: 12,
      category: 'upload',
      type: 'file',
      size: 12,
    });
    expect(toAmplitude(event)).toEqual({
      event_type: 'file.uploaded',
      time: 1_760_000_000_123,
      insert_id: 'e-1',
      device_id: 'c0ffee',
      event_properties: { client_kind: 'browser', file_id: 'f1', resource_id: 'f1', resource_type: 'file', bytes: 12 },
    });
  });

  test('names the user if the policy allows it, and no user for an anonymous event', () => {
    const named = toAmplitude(eventOf('user.login', { user_id: 'u', client_id: 'c' }));
    expect([named.user_id, named.device_id]).toEqual(['u', 'c']);
    const anonymous = ['000000000000000000000000', 'Anonymous', '-1'];
    for (const user of anonymous) expect(toAmplitude(eventOf('view.page', { user_id: user })).user_id).toBeUndefined();
  });

  test('counts a user without a client once, whatever they do', () => {
    const [first, second, other] = ['u1', 'u1', 'u2'].map((user, index) =>
      toAmplitude(eventOf('file.uploaded', { user_id: user, file_id: String(index) })),
    );
    expect(first?.device_id).toBe(second?.device_id);
    expect(first?.device_id).not.toBe(other?.device_id);
    expect(first?.device_id).not.toContain('u1');
  });

  test('counts for the program that caused it if no person did', () => {
    const device = (extractor: string, file: string): string =>
      toAmplitude(eventOf('extraction.done', { extractor_name: extractor, file_id: file })).device_id;
    expect(device('ocr', 'f1')).toBe(device('ocr', 'f2'));
    expect(device('ocr', 'f1')).not.toBe(device('preview', 'f1'));
  });

  test('satisfies the documented rules whatever it holds, in exactly the bytes that were counted', () => {
    const project = new AmplitudeProject();
    fc.assert(
      fc.property(anyEvents({ createdMs: { min: 946_684_800_000, max: 1_900_000_000_000 } }, 12), (events) => {
        const body = uploadOf(
          AMPLITUDE_KEY,
          events.map((event) => toAmplitude(event)),
        );
        const envelope = Buffer.byteLength(uploadOf(AMPLITUDE_KEY, []));
        expect(Buffer.byteLength(body)).toBe(envelope + events.reduce((sum, event) => sum + sizeOf(event), 0) - 1);
        const answer = project.handle({
          method: 'POST',
          path: '/2/httpapi',
          headers: { 'content-type': 'application/json' },
          body: Buffer.from(body),
        });
        expect([answer.status, project.complaints]).toEqual([200, []]);
      }),
      runs(100),
    );
    expect(project.stored.length).toBeGreaterThan(0);
  });

  test('keeps every field for which Amplitude has no place of its own', () => {
    fc.assert(
      fc.property(anyEvents({ createdMs: { min: 0, max: 1 } }, 1), ([event]) => {
        const properties = toAmplitude(event ?? eventOf('view.page')).event_properties;
        const elsewhere = new Set([
          'event_id',
          'event',
          'created',
          'user_id',
          'client_id',
          'user_agent',
          'category',
          'type',
          'size',
        ]);
        const expected = Object.keys(event?.fields ?? {}).filter((field) => !elsewhere.has(field));
        expect(Object.keys(properties).sort()).toEqual(expected.sort());
      }),
      runs(),
    );
  });
});
