import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMapContext, mapLog } from '../../../taxonomy/index.ts';
import { toFlatBody } from '../../../taxonomy/flat-body.ts';
import { anyEvents, eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { idOfRecord, recordsOf } from '../../../test/support/sinks/otlp-server.ts';
import { otlp } from './otlp.ts';
import type { SinkEvent } from '../../sink.ts';
import { createToRecord, requestOf } from './record.ts';
import { runs } from '../../../test/support/form.ts';

const NOW_MS = 1_760_000_005_000;
const toRecord = createToRecord('clowder', () => NOW_MS);
const sent = (events: readonly SinkEvent[]): ReturnType<typeof recordsOf> =>
  recordsOf({ body: Buffer.from(requestOf(events.map(toRecord))) });

describe('an event as a log record', () => {
  test('has its name, its times, its place in a trace, and attributes by the table of names', () => {
    const event = eventOf('file.uploaded', {
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
      user_id: 'u1',
      client_id: 'c1',
      file_id: 'f1',
      bytes: 12,
      recovered: true,
      category: 'upload',
      type: 'file',
      size: 12,
    });
    expect(sent([event])).toEqual([
      {
        eventName: 'clowder.file.uploaded',
        timeUnixNano: 1_760_000_000_123_000_000n,
        observedTimeUnixNano: 1_760_000_005_000_000_000n,
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: 'b7ad6b7169203331',
        body: 'file.uploaded',
        attributes: {
          'clowder.event.id': 'e-1',
          'user.id': 'u1',
          'clowder.client_id': 'c1',
          'clowder.file.id': 'f1',
          'clowder.bytes': 12n,
          'clowder.recovered': true,
        },
        resource: { 'service.name': 'clowder' },
      },
    ]);
  });

  test('keeps an invalid trace id as an attribute', () => {
    const [record] = sent([eventOf('view.page', { trace_id: 'hashed', span_id: 'b7ad6b7169203331' })]);
    expect(record).toMatchObject({
      traceId: '',
      spanId: '',
      attributes: { 'clowder.trace_id': 'hashed', 'clowder.span_id': 'b7ad6b7169203331' },
    });
  });

  test.each([
    ['extraction.failed', {}, 'ERROR', 17],
    ['health.ping', { healthy: false }, 'WARN', 13],
    ['health.ping', { healthy: true }, 'INFO', 9],
  ])('of %s %o has the severity %s', (type, fields, severityText, severityNumber) => {
    expect(toRecord(eventOf(type, fields))).toMatchObject({ severityText, severityNumber });
  });

  test('is read back by our collector as the same event, which it then drops as a duplicate', () => {
    const fields = toFlatBody({
      event_id: 'e-1',
      event: 'view.download',
      created: 1_760_000_000_123,
      source: 'proxy',
      user_id: 'u1',
      client_kind: 'browser',
      resource_type: 'file',
      resource_id: 'f1',
      file_name: 'a.csv',
      bytes: 12,
      complete: true,
    });
    const event = eventOf(
      'view.download',
      Object.fromEntries(
        Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
      ),
    );
    const [record] = sent([event]);
    if (record === undefined) throw new Error('nothing was sent');
    const { candidates } = mapLog(record, createMapContext({ now: () => NOW_MS }));
    expect(candidates.map((candidate) => candidate.body)).toEqual([fields]);
  });

  test('is written whole and in order, in no more bytes than were counted, whatever it holds', () => {
    const { sizeOf } = otlp.limits(otlp.config.parse({ endpoint: 'http://127.0.0.1' }));
    fc.assert(
      fc.property(anyEvents({ createdMs: { min: 946_684_800_000, max: NOW_MS } }, 10), (batch) => {
        const body = requestOf(batch.map(toRecord));
        expect(body.length).toBeLessThanOrEqual(batch.reduce((sum, event) => sum + (sizeOf?.(event) ?? 0), 0));
        const records = recordsOf({ body: Buffer.from(body) });
        expect(records.map(idOfRecord)).toEqual(batch.map(({ id }) => id));
        const placed = new Set(['event', 'created', 'category', 'type', 'size']);
        for (const [index, record] of records.entries()) {
          const names = Object.keys(batch[index]?.fields ?? {}).filter((name) => !placed.has(name));
          expect(Object.keys(record.attributes)).toHaveLength(names.length);
        }
      }),
      runs(60),
    );
  });
});
