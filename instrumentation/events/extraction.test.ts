import { setImmediate as turn } from 'node:timers/promises';
import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { fromReadableLogRecord, fromReadableSpan } from '../../exporter/sdk/convert.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { mapLog, mapSpan } from '../../taxonomy/map.ts';
import { startRecordingSdk, type RecordingSdk } from '../../test/support/recording-sdk.ts';
import { clowderEvents } from './clowder-events.ts';
import { withExtraction, type Extraction, type ExtractionOptions } from './extraction.ts';

const FILE = '5f1e00000000000000000001';
const DATASET = '5f1e00000000000000000002';
const job = { extractor: 'ncsa.tiles', version: '2.1', fileId: FILE, jobId: 'job-1' } as const;

/** The events that the collector makes of the records so far. */
function events(sdk: RecordingSdk): readonly FlatBody[] {
  const mapContext = createMapContext();
  return sdk.records.flatMap((record) =>
    mapLog(fromReadableLogRecord(record), mapContext).candidates.map(({ body }) => body),
  );
}

const types = (sdk: RecordingSdk): readonly string[] => events(sdk).map(({ event }) => event);

function onlySpan(sdk: RecordingSdk) {
  const [span, ...others] = sdk.spans;
  if (span === undefined || others.length > 0) throw new Error(`${sdk.spans.length} spans`);
  return span;
}

describe('withExtraction', () => {
  test('makes a span, and events about the job in its trace', async () => {
    await using sdk = startRecordingSdk();
    const answer = await withExtraction(job, async (x) => {
      x.working('tiling');
      await turn();
      return 42;
    });
    expect(answer).toBe(42);
    const span = onlySpan(sdk);
    expect(span).toMatchObject({
      name: 'extract ncsa.tiles',
      kind: SpanKind.CONSUMER,
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        'clowder.extractor.name': 'ncsa.tiles',
        'clowder.extractor.version': '2.1',
        'clowder.file.id': FILE,
        'clowder.job.id': 'job-1',
      },
    });
    expect(span.attributes).not.toHaveProperty(['clowder.event.id']);
    const { traceId, spanId } = span.spanContext();
    const about = {
      extractor_name: 'ncsa.tiles',
      extractor_version: '2.1',
      file_id: FILE,
      resource_id: FILE,
      resource_type: 'file',
      job_id: 'job-1',
      trace_id: traceId,
      span_id: spanId,
    };
    expect(events(sdk)).toEqual([
      expect.objectContaining({ event: 'extraction.working', message: 'tiling', ...about }),
      expect.objectContaining({ event: 'extraction.done', duration_ms: expect.any(Number) as number, ...about }),
    ]);
    expect(events(sdk)[0]).not.toHaveProperty('duration_ms');
    expect(sdk.problems).toEqual([]);
  });

  test('sends each event when it happens, and returns its id', async () => {
    await using sdk = startRecordingSdk();
    const seen: (readonly string[])[] = [];
    const ids: string[] = [];
    await withExtraction(job, async (x) => {
      ids.push(x.queued('submitted'));
      seen.push(types(sdk));
      ids.push(x.working());
      seen.push(types(sdk));
      await turn();
      ids.push(x.done('12 tiles'));
      seen.push(types(sdk));
    });
    expect(seen.map((one) => one.length)).toEqual([1, 2, 3]);
    expect(types(sdk)).toEqual(['extraction.queued', 'extraction.working', 'extraction.done']);
    expect(events(sdk).map(({ event_id }) => event_id)).toEqual(ids);
    expect(events(sdk)[2]).toMatchObject({ message: '12 tiles', duration_ms: expect.any(Number) as number });
  });

  test('sends extraction.queued before the work on request', async () => {
    await using sdk = startRecordingSdk();
    await withExtraction({ extractor: 'a', datasetId: DATASET, queued: true }, () => {
      expect(types(sdk)).toEqual(['extraction.queued']);
    });
    expect(types(sdk)).toEqual(['extraction.queued', 'extraction.done']);
    expect(events(sdk)[0]).toMatchObject({ dataset_id: DATASET, resource_type: 'dataset', resource_id: DATASET });
  });

  test('measures the duration', async () => {
    await using sdk = startRecordingSdk();
    const start = performance.now();
    await withExtraction(job, async () => {
      while (performance.now() - start < 30) await turn();
    });
    expect(events(sdk)[0]?.['duration_ms']).toBeGreaterThanOrEqual(29);
    expect(events(sdk)[0]?.['duration_ms']).toBeLessThanOrEqual(Math.ceil(performance.now() - start));
  });

  test.each([
    [
      'rejects',
      async (error: Error) => {
        await turn();
        throw error;
      },
    ],
    [
      'throws at once',
      (error: Error) => {
        throw error;
      },
    ],
  ])("sends extraction.failed for work that %s, and rethrows the caller's error", async (_how, work) => {
    await using sdk = startRecordingSdk();
    const error = new RangeError('no tile 7 at /api/files?key=CANARY');
    await expect(withExtraction(job, () => work(error))).rejects.toBe(error);
    expect(types(sdk)).toEqual(['extraction.failed']);
    expect(events(sdk)[0]).toMatchObject({
      message: 'no tile 7 at /api/files?key=REDACTED',
      duration_ms: expect.any(Number) as number,
      file_id: FILE,
    });
    const span = onlySpan(sdk);
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no tile 7 at /api/files?key=REDACTED' });
    expect(span.attributes['error.type']).toBe('RangeError');
    const exception = span.events.find(({ name }) => name === 'exception');
    expect(exception?.attributes).toMatchObject({
      'exception.type': 'RangeError',
      'exception.message': 'no tile 7 at /api/files?key=REDACTED',
      'exception.stacktrace': expect.stringContaining('extraction.test.ts') as string,
    });
    expect(
      JSON.stringify([span.events, span.attributes, span.status, sdk.records.map((one) => one.attributes)]),
    ).not.toContain('CANARY');
  });

  test.each([
    ['text', 'disk full', 'disk full'],
    ['nothing', undefined, 'undefined'],
    ['an error without a message', new TypeError(), 'TypeError'],
    ['a value that is no text', Object.create(null), 'what cannot be told as text'],
  ])('treats %s as a failure', async (_what, thrown: unknown, message) => {
    await using sdk = startRecordingSdk();
    await expect(withExtraction(job, () => Promise.reject(thrown as Error))).rejects.toBe(thrown);
    expect(events(sdk)).toMatchObject([{ event: 'extraction.failed', message }]);
  });

  test('reports a failure without throwing if the work calls failed and returns', async () => {
    await using sdk = startRecordingSdk();
    expect(await withExtraction(job, (x) => x.failed('not an image'))).toMatch(/^[0-9a-f-]{36}$/);
    expect(events(sdk)).toMatchObject([{ event: 'extraction.failed', message: 'not an image' }]);
    expect(onlySpan(sdk).status).toEqual({ code: SpanStatusCode.ERROR, message: 'not an image' });
  });

  test('reports a failure once if the work fails after done', async () => {
    await using sdk = startRecordingSdk();
    const error = new Error('cleanup');
    await expect(
      withExtraction(job, (x) => {
        x.done();
        throw error;
      }),
    ).rejects.toBe(error);
    expect(types(sdk)).toEqual(['extraction.done', 'extraction.failed']);
  });

  test('reports a failure once if the work calls failed and throws', async () => {
    await using sdk = startRecordingSdk();
    const error = new Error('no space');
    await expect(
      withExtraction(job, (x) => {
        x.failed(error);
        throw error;
      }),
    ).rejects.toBe(error);
    expect(types(sdk)).toEqual(['extraction.failed']);
    expect(onlySpan(sdk).events.filter(({ name }) => name === 'exception')).toHaveLength(1);
  });

  test('sends nothing once it is over, and says so', async () => {
    await using sdk = startRecordingSdk();
    let late: Extraction | undefined;
    await withExtraction(job, (x) => {
      late = x;
    });
    expect(late?.working('after the end')).toBe('');
    expect(late?.done()).toBe('');
    expect(late?.failed('too late')).toMatch(/^[0-9a-f-]{36}$/);
    expect(late?.failed('again')).toBe('');
    expect(types(sdk)).toEqual(['extraction.done', 'extraction.failed']);
    expect(sdk.problems).toEqual([
      expect.stringContaining('extraction.working'),
      expect.stringContaining('extraction.done'),
      expect.stringContaining('extraction.failed'),
    ]);
  });

  test("puts the work's spans and events into its trace, across asynchronous steps and without the handle", async () => {
    await using sdk = startRecordingSdk();
    await withExtraction(job, async () => {
      await turn();
      clowderEvents.fileUploaded({ fileId: DATASET });
      trace.getTracer('work').startSpan('read').end();
    });
    const [inner, outer] = sdk.spans;
    expect(inner?.name).toBe('read');
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
    expect(events(sdk)[0]).toMatchObject({ event: 'file.uploaded', span_id: outer?.spanContext().spanId });
  });

  test('keeps its events in its own span, wherever they are sent from', async () => {
    await using sdk = startRecordingSdk();
    const elsewhere = trace.getTracer('test').startSpan('elsewhere');
    await withExtraction(job, ({ working }) => {
      context.with(trace.setSpan(context.active(), elsewhere), () => working('from a callback'));
    });
    expect(events(sdk)[0]?.['span_id']).toBe(onlySpan(sdk).spanContext().spanId);
  });

  test('makes a child of the outer span when nested, each with its own events', async () => {
    await using sdk = startRecordingSdk();
    await withExtraction(job, async (outer) => {
      outer.working('splitting');
      await withExtraction({ extractor: 'ncsa.ocr', fileId: DATASET }, async (inner) => {
        await turn();
        inner.working('reading');
        outer.working('waiting');
      });
    });
    const [inner, outer] = sdk.spans;
    expect(inner?.parentSpanContext?.spanId).toBe(outer?.spanContext().spanId);
    expect(events(sdk).map((one) => [one.event, one['extractor_name'], one['message']])).toEqual([
      ['extraction.working', 'ncsa.tiles', 'splitting'],
      ['extraction.working', 'ncsa.ocr', 'reading'],
      ['extraction.working', 'ncsa.tiles', 'waiting'],
      ['extraction.done', 'ncsa.ocr', undefined],
      ['extraction.done', 'ncsa.tiles', undefined],
    ]);
    expect(events(sdk).map((one) => one['span_id'])).toEqual(
      [outer, inner, outer, inner, outer].map((span) => span?.spanContext().spanId),
    );
  });

  test('keeps a hundred at once separate', async () => {
    await using sdk = startRecordingSdk();
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        withExtraction({ extractor: 'ncsa.tiles', fileId: `file-${index}` }, async (x) => {
          for (let turns = index % 7; turns >= 0; turns -= 1) await turn();
          x.working(`of ${index}`);
          clowderEvents.fileDeleted({ fileId: `file-${index}` });
        }),
      ),
    );
    const spanOf = new Map(sdk.spans.map((span) => [span.attributes['clowder.file.id'], span.spanContext().spanId]));
    expect(spanOf.size).toBe(100);
    expect(new Set(sdk.spans.map((span) => span.spanContext().traceId)).size).toBe(100);
    expect(events(sdk)).toHaveLength(300);
    for (const event of events(sdk)) expect(event['span_id']).toBe(spanOf.get(String(event['file_id'])));
  });

  test('sends its events if its span is not sampled, and does the work without any SDK', async () => {
    {
      await using sdk = startRecordingSdk({ sampler: new AlwaysOffSampler() });
      await withExtraction(job, (x) => x.working('tiling'));
      expect(sdk.spans).toEqual([]);
      expect(types(sdk)).toEqual(['extraction.working', 'extraction.done']);
    }
    expect(await withExtraction(job, (x) => x.working('tiling'))).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('adds its events to its span too, where the collector does not take them as events', async () => {
    await using sdk = startRecordingSdk();
    await withExtraction(job, (x) => x.working('tiling with key=CANARY'));
    const span = onlySpan(sdk);
    expect(span.events.map(({ name, attributes }) => [name, attributes])).toEqual([
      ['extraction.working', { 'clowder.extraction.message': 'tiling with key=REDACTED' }],
      ['extraction.done', {}],
    ]);
    expect(mapSpan(fromReadableSpan(span), createMapContext())).toEqual({ candidates: [], rejected: [] });
  });

  test('hides the key in the name of a private extractor', async () => {
    await using sdk = startRecordingSdk();
    await withExtraction({ extractor: 'private.CANARY.tiles', fileId: FILE }, () => undefined);
    const span = onlySpan(sdk);
    expect(span.name).toBe('extract private.REDACTED.tiles');
    expect(span.attributes['clowder.extractor.name']).toBe('private.REDACTED.tiles');
    expect(events(sdk)[0]?.['extractor_name']).toBe('private.REDACTED.tiles');
  });

  test('does the work despite invalid options from JavaScript, and reports them', async () => {
    await using sdk = startRecordingSdk();
    const nonsense: unknown = { extractor: undefined, fileId: 7 };
    const answer = await withExtraction(nonsense as ExtractionOptions, ({ working }) => {
      (working as (message: unknown) => string)(Object.create(null));
      return 42;
    });
    expect(answer).toBe(42);
    expect(onlySpan(sdk).name).toBe('extract undefined');
    expect(sdk.problems).toEqual([
      expect.stringMatching(/extraction\.working .*message .*file_id|file_id .*message/),
      expect.stringMatching(/extraction\.done .*file_id/),
    ]);
  });

  test('takes a file or a dataset, as the compiler checks', () => {
    expectTypeOf<{ extractor: string; fileId: string }>().toExtend<ExtractionOptions>();
    expectTypeOf<{ extractor: string; datasetId: string; jobId: string }>().toExtend<ExtractionOptions>();
    expectTypeOf<{
      extractor: string;
      fileId: string;
      datasetId: string;
      userId: string;
    }>().toExtend<ExtractionOptions>();
    expectTypeOf<{ extractor: string; jobId: string }>().not.toExtend<ExtractionOptions>();
    expectTypeOf<{ fileId: string }>().not.toExtend<ExtractionOptions>();
    expectTypeOf(withExtraction(job, () => 7)).toEqualTypeOf<Promise<number>>();
    expectTypeOf(withExtraction(job, async () => 'a')).toEqualTypeOf<Promise<string>>();
  });
});
