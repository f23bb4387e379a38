import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WireReader } from '../../../collector/otlp/wire.ts';
import { SPAN } from '../../../test/support/captured-request.ts';
import { SpanBatches, type SpanBatchesOptions } from './span-batches.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const OK: ExportResult = { code: ExportResultCode.SUCCESS };
const FAILED: ExportResult = { code: ExportResultCode.FAILED, error: new Error('connect ECONNREFUSED') };

function setUp(
  options: Partial<SpanBatchesOptions> = {},
  answer: () => ExportResult = () => OK,
): {
  batches: SpanBatches;
  /** Number of spans in each export. */
  sent: number[];
  said: string[];
} {
  const sent: number[] = [];
  const said: string[] = [];
  const batches = new SpanBatches({
    exporter: {
      export: (entries, done) => {
        let spans = 0;
        for (const entry of entries) {
          const reader = new WireReader(entry);
          while (reader.next()) spans += 1;
        }
        sent.push(spans);
        setTimeout(done, 10, answer());
      },
      shutdown: () => Promise.resolve(),
    },
    maxQueueSize: 100,
    maxExportBatchSize: 4,
    scheduledDelayMillis: 5000,
    log: (message) => void said.push(message),
    ...options,
  });
  return { batches, sent, said };
}

const add = (batches: SpanBatches, count: number): void => {
  for (let index = 0; index < count; index += 1) batches.add(SPAN);
};

test('spans leave in full batches one after the other, and the rest after a delay', async () => {
  const { batches, sent } = setUp();
  add(batches, 10);
  await vi.advanceTimersByTimeAsync(5);
  expect(sent).toEqual([4]);
  await vi.advanceTimersByTimeAsync(100);
  expect(sent).toEqual([4, 4]);
  await vi.advanceTimersByTimeAsync(5000);
  expect(sent).toEqual([4, 4, 2]);
});

test('a flush sends what there is', async () => {
  const { batches, sent } = setUp();
  add(batches, 3);
  const flushed = batches.shutdown();
  await vi.advanceTimersByTimeAsync(20);
  await flushed;
  expect(sent).toEqual([3]);
});

test('a flush while a batch is being sent also sends what came after it', async () => {
  const { batches, sent } = setUp();
  add(batches, 6);
  await vi.advanceTimersByTimeAsync(1);
  const flushed = batches.forceFlush();
  await vi.advanceTimersByTimeAsync(30);
  await flushed;
  expect(sent).toEqual([4, 2]);
});

test('failed batches are lost, which is reported once, and once more when it works again', async () => {
  let answer = FAILED;
  const { batches, said } = setUp({}, () => answer);
  add(batches, 8);
  await vi.advanceTimersByTimeAsync(50);
  answer = OK;
  add(batches, 8);
  await vi.advanceTimersByTimeAsync(50);
  expect(said).toEqual([
    'spans cannot be sent (connect ECONNREFUSED); they are lost until it works again',
    'spans are sent again',
  ]);
});

test('no more spans wait than the bound, whatever the receiver does', async () => {
  const { batches, sent, said } = setUp({ maxQueueSize: 8 });
  add(batches, 50);
  await vi.advanceTimersByTimeAsync(6000);
  expect(sent).toEqual([4, 4]);
  expect(said[0]).toBe('spans cannot be sent (more than 8 wait); they are lost until it works again');
  add(batches, 4);
  await vi.advanceTimersByTimeAsync(100);
  expect(sent).toEqual([4, 4, 4]);
});
