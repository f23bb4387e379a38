import { SeverityNumber } from '@opentelemetry/api';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import { LoggerProvider, type LogRecordExporter, type ReadableLogRecord } from '@opentelemetry/sdk-logs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DomainEventProcessor, type DomainEventProcessorOptions } from './domain-event-processor.ts';
import type { LossReason } from './retrying-sender.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const FAILED: ExportResult = { code: ExportResultCode.FAILED, error: new Error('connect ECONNREFUSED') };
const refused = (code: number): ExportResult => ({
  code: ExportResultCode.FAILED,
  error: Object.assign(new Error('refused'), { code }),
});

/** A processor behind a logger, and a receiver with the given answers. */
function setUp(
  options: Partial<DomainEventProcessorOptions> = {},
  answer: (ids: readonly string[]) => ExportResult | undefined = () => undefined,
): {
  emit: (id: string, name?: string) => void;
  attempts: string[][];
  accepted: string[];
  said: string[];
  lost: [number, LossReason][];
  processor: DomainEventProcessor;
} {
  const attempts: string[][] = [];
  const accepted: string[] = [];
  const said: string[] = [];
  const lost: [number, LossReason][] = [];
  const exporter: LogRecordExporter = {
    export: (records: ReadableLogRecord[], done) => {
      const ids = records.map((record) => String(record.attributes['id']));
      attempts.push(ids);
      const result = answer(ids) ?? { code: ExportResultCode.SUCCESS };
      if (result.code === ExportResultCode.SUCCESS) accepted.push(...ids);
      setTimeout(done, 1, result);
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const processor = new DomainEventProcessor({
    exporter,
    log: (message) => void said.push(message),
    onLost: (count, reason) => void lost.push([count, reason]),
    ...options,
  });
  const logger = new LoggerProvider({ processors: [processor] }).getLogger('test');
  return {
    emit: (id, eventName = 'clowder.file.uploaded') => logger.emit({ eventName, attributes: { id } }),
    attempts,
    accepted,
    said,
    lost,
    processor,
  };
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));

describe('a domain event', () => {
  test('leaves 200 ms after it came, together with those that came since', async () => {
    const { emit, attempts } = setUp();
    emit('a');
    await vi.advanceTimersByTimeAsync(150);
    emit('b');
    expect(attempts).toEqual([]);
    await vi.advanceTimersByTimeAsync(60);
    expect(attempts).toEqual([['a', 'b']]);
  });

  test('leaves at once when a batch is full', async () => {
    const { emit, attempts } = setUp({ maxBatchSize: 3 });
    for (const id of numbered(7)) emit(id);
    await vi.advanceTimersByTimeAsync(10);
    expect(attempts).toEqual([
      ['0', '1', '2'],
      ['3', '4', '5'],
    ]);
    await vi.advanceTimersByTimeAsync(200);
    expect(attempts.at(-1)).toEqual(['6']);
  });

  test('is the only kind of log record that is accepted', async () => {
    const { emit, attempts, processor } = setUp();
    emit('x', 'http.request');
    await vi.advanceTimersByTimeAsync(1000);
    expect(attempts).toEqual([]);
    expect(processor.enabled({ eventName: 'http.request' })).toBe(false);
    expect(processor.enabled({ eventName: 'clowder.view.page' })).toBe(true);
  });

  test('ignores a minimum severity that an operator set for other log records', async () => {
    const { attempts, processor } = setUp();
    const provider = new LoggerProvider({
      processors: [processor],
      loggerConfigurator: () => ({ enabled: true, minimumSeverity: SeverityNumber.ERROR, traceBased: false }),
    });
    provider.getLogger('test').emit({ eventName: 'clowder.file.deleted', attributes: { id: 'a' } });
    await vi.advanceTimersByTimeAsync(300);
    expect(attempts).toEqual([['a']]);
  });
});

describe('while the receiver is away', () => {
  test('the same events are sent again, in order, with growing pauses, until they are accepted', async () => {
    let down = true;
    const { emit, attempts, accepted, said } = setUp({ maxBatchSize: 2 }, () => (down ? FAILED : undefined));
    for (const id of numbered(5)) emit(id);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(new Set(attempts.map(String))).toEqual(new Set(['0,1']));
    // 500 ms doubled up to 5 s, each randomly shortened by up to half.
    expect(attempts.length).toBeGreaterThan(25);
    expect(attempts.length).toBeLessThan(55);
    down = false;
    await vi.advanceTimersByTimeAsync(6000);
    expect(accepted).toEqual(numbered(5));
    expect(said).toEqual([
      'domain events cannot be sent (connect ECONNREFUSED); they are kept and sent again, 50000 at most',
      'domain events are sent again; 3 wait',
    ]);
  });

  test('the oldest are lost if more wait than the queue holds; they are counted, and reported twice', async () => {
    let down = true;
    const { emit, accepted, said, lost } = setUp({ maxBatchSize: 2, maxQueueSize: 4 }, () =>
      down ? FAILED : undefined,
    );
    for (const id of numbered(3)) emit(id);
    await vi.advanceTimersByTimeAsync(100);
    for (const id of ['3', '4', '5', '6']) emit(id);
    expect(lost).toEqual([
      [1, 'queue_full'],
      [1, 'queue_full'],
      [1, 'queue_full'],
    ]);
    down = false;
    await vi.advanceTimersByTimeAsync(31_000);
    // The batch that was being sent stays.
    expect(accepted).toEqual(['0', '1', '5', '6']);
    expect(said.slice(1)).toEqual([
      'the queue is full, the oldest domain events are lost',
      'domain events are sent again; 2 wait; 3 were lost',
    ]);
  });

  test('a flush gives up when its time is over', async () => {
    const { emit, processor } = setUp({ flushTimeoutMs: 2000 }, () => FAILED);
    emit('a');
    const flushed = vi.fn<() => void>();
    void processor.forceFlush().then(flushed);
    await vi.advanceTimersByTimeAsync(1900);
    expect(flushed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(200);
    expect(flushed).toHaveBeenCalledOnce();
    expect(processor.pending).toBe(1);
  });

  test('a shutdown counts what it could not send', async () => {
    const { emit, processor, lost } = setUp({ flushTimeoutMs: 2000 }, () => FAILED);
    emit('a');
    emit('b');
    const stopped = processor.shutdown();
    await vi.advanceTimersByTimeAsync(3000);
    await stopped;
    expect(lost).toEqual([[2, 'shutdown']]);
  });
});

describe('a receiver that refuses a batch', () => {
  test.each([400, 413, 422])(
    'for good (%i) gets it in halves, and only what it refuses alone is lost',
    async (code) => {
      const { emit, accepted, lost } = setUp({ maxBatchSize: 8 }, (ids) =>
        ids.includes('5') ? refused(code) : undefined,
      );
      for (const id of numbered(8)) emit(id);
      await vi.advanceTimersByTimeAsync(2000);
      expect(accepted).toEqual(['0', '1', '2', '3', '4', '6', '7']);
      expect(lost).toEqual([[1, 'refused']]);
    },
  );

  test.each([401, 404, 415, 500])('because of its configuration (%i) gets it again', async (code) => {
    let wrong = true;
    const { emit, accepted, lost } = setUp({}, () => (wrong ? refused(code) : undefined));
    emit('a');
    await vi.advanceTimersByTimeAsync(5000);
    wrong = false;
    await vi.advanceTimersByTimeAsync(31_000);
    expect(accepted).toEqual(['a']);
    expect(lost).toEqual([]);
  });
});

test('a flush sends at once, and resolves when everything is accepted', async () => {
  const { emit, accepted, processor } = setUp({ maxBatchSize: 2 });
  for (const id of numbered(5)) emit(id);
  const flushed = processor.forceFlush();
  await vi.advanceTimersByTimeAsync(20);
  await flushed;
  expect(accepted).toEqual(numbered(5));
});

describe('at the exit of the program', () => {
  test('a blocking sender gets what is left, including the batch that was being sent', async () => {
    const { emit, attempts, lost, processor } = setUp({ maxBatchSize: 2 }, () => undefined);
    for (const id of numbered(5)) emit(id);
    await vi.advanceTimersToNextTimerAsync();
    expect(attempts).toEqual([['0', '1']]);
    const sent: string[] = [];
    processor.sendRemaining((records) => {
      sent.push(...records.map((record) => String(record.attributes['id'])));
      return true;
    });
    expect(sent).toEqual(numbered(5));
    processor.sendRemaining(() => expect.unreachable('nothing is left'));
    expect(lost).toEqual([]);
  });

  test('what that sender cannot send is lost and counted', () => {
    const { emit, lost, processor } = setUp();
    emit('a');
    processor.sendRemaining(() => false);
    expect(lost).toEqual([[1, 'shutdown']]);
  });

  test('that sender is not called if the receiver is known to be away', async () => {
    const { emit, lost, processor } = setUp({}, () => FAILED);
    emit('a');
    await vi.advanceTimersByTimeAsync(300);
    processor.sendRemaining(() => expect.unreachable('it would wait in vain'));
    expect(lost).toEqual([[1, 'shutdown']]);
  });
});
