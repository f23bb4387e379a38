import { describe, expect, it } from 'vitest';
import { anyEvents, eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { readLine } from '../../../test/support/sinks/line-protocol.ts';
import { toLine } from './line.ts';
import { toPoint, whyNoPoint } from './point.ts';
import fc from 'fast-check';
import { runs } from '../../../test/support/form.ts';

const OPTIONS = { measurement: 'events', idAsTag: false };
const lineOf = (...event: Parameters<typeof eventOf>): ReturnType<typeof readLine> =>
  readLine(toLine(toPoint(eventOf(...event), OPTIONS)));

describe('the point of an event', () => {
  it("has the tags and fields of Clowder's own consumer, and the rest of the event as fields", () => {
    const point = lineOf('file.uploaded', {
      category: 'upload',
      type: 'file',
      user_id: 'ada',
      user_name: 'Ada L.',
      author_id: 'bob',
      resource_id: 'f1',
      resource_name: 'a.csv',
      dataset_id: 'd1',
      dataset_name: 'D',
      size: 12,
      bytes: 12,
    });
    expect(point).toMatchObject({
      measurement: 'events',
      tags: { category: 'upload', type: 'file', user_id: 'ada', author_id: 'bob', event: 'file.uploaded' },
      fields: { resource_id: 'f1', resource_name: 'a.csv', dataset_id: 'd1', dataset_name: 'D', size: 12n, bytes: 12n },
    });
    expect(point.fields).toMatchObject({ user_name: 'Ada L.', event_id: 'e-1' });
  });

  it('has the state of a service as that consumer writes it', () => {
    const fields = { category: 'service_status', type: 'down', healthy: false, service_name: 'api', uptime: 0 };
    const { tags, fields: written } = lineOf('health.ping', { ...fields, response_time_avg: 3, response_time_ms: 3 });
    expect(tags).toMatchObject({ healthy: 'False', type: 'down' });
    // A whole number in a field that may have others is a float.
    expect(written).toMatchObject({ service_name: 'api', uptime: 0n, response_time_avg: 3n, response_time_ms: 3 });
  });

  it('gives a field one type, whatever value comes first', () => {
    for (const version of [3, '3']) expect(lineOf('file.uploaded', { version }).fields['version']).toBe('3');
    for (const mine of [3, 3.5]) expect(lineOf('file.uploaded', { mine }).fields['mine']).toBe(mine);
  });

  it("is within its event's millisecond, always at the same place, which other events almost never share", () => {
    const time = (id: string): bigint => lineOf('view.page', {}, { id }).timeNs;
    expect(time('e-1') / 1_000_000n).toBe(1_760_000_000_123n);
    expect(time('e-1')).toBe(time('e-1'));
    const times = new Set(Array.from({ length: 300 }, (_, index) => time(`event ${index}`)));
    expect(times.size).toBe(300);
  });

  it('may have the id as a tag', () => {
    const point = toPoint(eventOf('view.page'), { measurement: 'events', idAsTag: true });
    expect(readLine(toLine(point)).tags).toEqual({ event: 'view.page', event_id: 'e-1' });
  });

  it.each([0, -1, Date.UTC(2262, 0, 1)])('can be made with created %i', (createdMs) => {
    expect(whyNoPoint(eventOf('view.page', {}, { createdMs }))).toBeUndefined();
    expect(lineOf('view.page', {}, { createdMs }).timeNs >= BigInt(createdMs) * 1_000_000n).toBe(true);
  });

  it.each([Number.NaN, 1.5, 1e16, Number.POSITIVE_INFINITY])('cannot be made with created %f', (createdMs) => {
    expect(whyNoPoint(eventOf('view.page', {}, { createdMs }))).toContain(`created is ${createdMs}`);
  });

  it('is a line that InfluxDB reads, whatever the event', () => {
    fc.assert(
      fc.property(anyEvents({ createdMs: { min: 0, max: Date.UTC(2200, 0) } }, 3), (events) => {
        for (const event of events) {
          const point = readLine(toLine(toPoint(event, OPTIONS)));
          expect(point.fields['event_id']).toBe(event.id);
          expect(Object.keys(point.fields).filter((name) => name === 'time' || name.startsWith('_'))).toEqual([]);
        }
      }),
      runs(),
    );
  });

  it('has no text that is too long for InfluxDB, and no half surrogate pair', () => {
    const { message } = lineOf('extraction.done', { message: '🐘'.repeat(16_384) }).fields;
    expect(Buffer.byteLength(String(message))).toBeLessThanOrEqual(65_536);
    expect(String(message).isWellFormed()).toBe(true);
    expect(lineOf('extraction.done', { message: '漢'.repeat(21_845) }).fields['message']).toHaveLength(21_845);
  });
});
