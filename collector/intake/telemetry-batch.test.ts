import { describe, expect, test, vi } from 'vitest';
import { MemoryJournal } from '../../test/support/memory-journal.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import type { Attributes, LogRecord, MetricPoint, SpanRecord } from '../../taxonomy/telemetry.ts';
import { Intake } from './intake.ts';
import { handleAs } from '../keys/sender.ts';
import { CollectorMetrics } from '../self-telemetry/metrics.ts';
import type { RecordSink } from '../otlp/decoding.ts';
import { SeenIds } from './seen-ids.ts';
import { createScreen, openBatch, type Signal } from './telemetry-batch.ts';

const NOW = Date.UTC(2026, 10, 24);
const context = createMapContext({ now: () => NOW });
const nano = BigInt(NOW) * 1_000_000n;
const observer = { accepted: vi.fn(), duplicate: vi.fn(), waiting: vi.fn(), recovered: vi.fn(), rejected: vi.fn() };

interface Received {
  readonly signal: Signal;
  readonly records: readonly unknown[];
  readonly refused?: readonly string[];
  readonly seen: number;
}

function world() {
  const journal = new MemoryJournal(() => NOW);
  const intake = new Intake({ journal, seen: new SeenIds(), waitMs: 1, windowMs: 1000, now: () => NOW, observer });
  const metrics = new CollectorMetrics();
  const faults: unknown[] = [];
  const parts = { context, intake, metrics, onFault: (error: unknown) => void faults.push(error) };
  async function accept({ signal, records, refused = [], seen }: Received) {
    const batch = openBatch(signal, parts, { take: () => undefined });
    const sink = { traces: batch.spans, logs: batch.logs, metrics: batch.points }[signal] as RecordSink<unknown>;
    for (const record of records) sink.take(record);
    for (const reason of refused) sink.refuse(reason);
    return batch.submit(seen);
  }
  const count = async (name: string, signal: string): Promise<number> => {
    const text = await metrics.registry.metrics();
    return Number(new RegExp(`^clowder_otel_${name}\\{signal="${signal}"\\} (\\d+)$`, 'm').exec(text)?.[1]);
  };
  const types = (): string[] => journal.lines.map((line) => (JSON.parse(line) as { event: string }).event);
  return { journal, accept, count, types, faults };
}

const span = (attributes: Attributes): SpanRecord => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '',
  traceState: '',
  name: 'GET',
  kind: 2,
  startTimeUnixNano: nano,
  endTimeUnixNano: nano,
  attributes,
  events: [],
  resource: {},
});
const request = (path: string): SpanRecord =>
  span({ 'http.request.method': 'GET', 'url.path': path, 'http.response.status_code': 200n });
const log = (eventName: string, attributes: Attributes): LogRecord => ({
  timeUnixNano: nano,
  observedTimeUnixNano: 0n,
  eventName,
  body: undefined,
  attributes,
  resource: {},
  traceId: '',
  spanId: '',
});

describe('a batch of telemetry', () => {
  test("counts as a capture's only if its key has that scope; otherwise the answer says so", async () => {
    const refuted = log('clowder.capture.refuted', { 'clowder.refuted.ids': 'ab'.repeat(16) });
    const by = (captures: boolean) => {
      const { accept, journal } = world();
      return handleAs({ key: 'k', captures, address: '10.0.0.7' }, async () => ({
        ...(await accept({ signal: 'logs', records: [refuted], seen: 1 })),
        remembered: journal.held('remembered').length,
      }));
    };
    expect(await by(true)).toEqual({ rejected: 0, remembered: 1 });
    expect(await by(false)).toMatchObject({
      rejected: 0,
      remembered: 0,
      message: expect.stringMatching(/lacks the scope capture/) as string,
    });
  });

  test('is journaled as the resulting events, and the rest is counted', async () => {
    const { accept, count, types } = world();
    const records = [request('/api/files/5f1e00000000000000000001/blob'), request('/api/files/none/nothing')];
    expect(await accept({ signal: 'traces', records, seen: 10 })).toEqual({ rejected: 0 });
    expect(types()).toEqual(['view.download']);
    expect([await count('otlp_records_total', 'traces'), await count('ignored_records_total', 'traces')]).toEqual([
      10, 9,
    ]);
  });

  test('gets an answer about wrong explicit events, with the reasons of the first five', async () => {
    const { accept, types, journal } = world();
    const wrong = Array.from({ length: 7 }, (_, index) =>
      log('clowder.file.uploaded', { 'clowder.bytes': -index - 1 }),
    );
    const answer = await accept({
      signal: 'logs',
      records: [...wrong, log('clowder.file.deleted', { 'clowder.file.id': 'f' })],
      seen: 8,
    });
    expect(answer.rejected).toBe(7);
    expect(answer.message?.split(' | ')).toHaveLength(6);
    expect(answer.message).toMatch(/^clowder\.file\.id is missing.* \| and 2 more$/s);
    expect(types()).toEqual(['file.deleted']);
    expect(journal.rejectedRecords).toHaveLength(7);
    expect(journal.rejectedRecords[0]).toMatchObject({ origin: 'otlp-logs', code: 'invalid_event' });
  });

  test('is accepted except for a record that cannot be read or mapped, which alone is rejected', async () => {
    const { accept, types, journal, faults } = world();
    const deleted = log('clowder.file.deleted', { 'clowder.file.id': 'f' });
    const fault = new Error('a fault of ours');
    const broken = {
      ...log('clowder.file.deleted', {}),
      get attributes(): Attributes {
        throw fault;
      },
    };
    const answer = await accept({ signal: 'logs', records: [broken, deleted], refused: ['it is malformed'], seen: 3 });
    expect(answer.rejected).toBe(2);
    expect(answer.message).toMatch(
      /"clowder\.file\.deleted" cannot be turned into an event: .*a fault of ours \| it is malformed/,
    );
    expect([types(), faults]).toEqual([['file.deleted'], [fault]]);
    expect(journal.rejectedRecords.map(({ code }) => code)).toEqual(['unreadable_record', 'unreadable_record']);
  });

  test('gets an answer about unknown attributes, with nothing rejected', async () => {
    const { accept } = world();
    const record = log('clowder.extraction.done', { 'clowder.file.id': 'f', 'clowder.extraction.duration': 5n });
    const answer = await accept({ signal: 'logs', records: [record, record], seen: 2 });
    expect(answer.rejected).toBe(0);
    expect(answer.message).toMatch(
      /^There is no attribute "clowder\.extraction\.duration", perhaps \S+_ms was meant[^|]*$/,
    );
  });

  test('of more than 20,000 events is refused as a whole', async () => {
    const { accept, journal } = world();
    const deleted = log('clowder.file.deleted', { 'clowder.file.id': 'f' });
    const many = Array.from({ length: 20_001 }, () => deleted);
    await expect(accept({ signal: 'logs', records: many, seen: 1 })).rejects.toMatchObject({ code: 'batch_too_large' });
    expect(journal.lines).toEqual([]);
  });

  test('with very many rejected records keeps the first thousand, and counts all', async () => {
    const { accept, count, journal } = world();
    const records = Array.from({ length: 5000 }, () => log('clowder.file.eaten', {}));
    expect((await accept({ signal: 'logs', records, seen: 5000 })).rejected).toBe(5000);
    expect(journal.rejectedRecords).toHaveLength(1000);
    expect(await count('otlp_records_total', 'logs')).toBe(5000);
  });

  test('of metrics is one reading for each target and time, and points that are not readings are counted', async () => {
    const { accept, count, types } = world();
    const point = (name: string, value: number): MetricPoint => ({
      name,
      unit: 's',
      timeUnixNano: nano,
      value,
      attributes: { 'clowder.health.target': 'https://c.example/healthz' },
      resource: {},
    });
    const records = [point('clowder.health.up', 1), point('clowder.health.response_time', 0.2)];
    const screen = createScreen(context);
    expect([...records.map(({ name }) => name), 'process.cpu.time'].map(screen.metric)).toEqual([true, true, false]);
    expect(await accept({ signal: 'metrics', records, seen: 5 })).toEqual({ rejected: 0 });
    expect(types()).toEqual(['health.ping']);
    expect(await count('ignored_records_total', 'metrics')).toBe(3);
  });

  test('that the journal refuses is neither counted nor answered', async () => {
    const { accept, count, journal } = world();
    journal.failures = 1;
    const records = [request('/api/files/5f1e00000000000000000001/blob')];
    await expect(accept({ signal: 'traces', records, seen: 1 })).rejects.toMatchObject({ code: 'journal_full' });
    expect(await count('otlp_records_total', 'traces')).toBe(0);
  });
});
