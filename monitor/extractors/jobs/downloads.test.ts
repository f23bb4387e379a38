import { describe, expect, it } from 'vitest';
import { memoryJobStore } from '../../../test/support/memory-job-store.ts';
import type { MonitorEvent } from '../../telemetry/emit-event.ts';
import { Downloads, type Download } from './downloads.ts';
import { JobBook } from './job-book.ts';

const T0 = Date.UTC(2026, 0, 20);

function setUp(): {
  readonly book: JobBook;
  readonly downloads: Downloads;
  readonly bytes: () => Record<string, unknown>;
  readonly work: (jobId: string, subject: object, fromMs: number, toMs: number) => void;
  readonly download: (change: Partial<Download> & { readonly afterMs: number }) => void;
} {
  const events: MonitorEvent[] = [];
  const downloads = new Downloads();
  downloads.begin(T0 - 60_000);
  const book = new JobBook({
    store: memoryJobStore(),
    emit: (event) => void events.push(event),
    persist: () => undefined,
    downloads,
    waitMs: 1000,
    maxJobs: 100,
    forgetMs: 1e9,
    onStoreFailure: () => undefined,
  });
  const common = { extractor: 'ncsa.x', version: undefined, userId: undefined };
  const told = (jobId: string, word: 'start' | 'done', afterMs: number): void =>
    book.observe(
      {
        what: 'told',
        ...common,
        jobId,
        atMs: T0 + afterMs,
        resourceId: 'f',
        subject: undefined,
        word,
        message: word,
        clock: `${afterMs}`,
        clockMs: undefined,
        durationMs: undefined,
      },
      'rabbitmq',
      T0 + afterMs,
    );
  let number = 0;
  return {
    book,
    downloads,
    bytes: () =>
      Object.fromEntries(
        events
          .filter(({ type }) => type === 'extraction.done')
          .map(({ fields }) => [fields.job_id, fields.bytes_downloaded]),
      ),
    work(jobId, subject, fromMs, toMs) {
      const submitted = {
        what: 'submitted',
        ...common,
        jobId,
        atMs: T0 + fromMs - 1,
        subject,
        resourceName: undefined,
        userName: undefined,
        again: false,
      } as const;
      book.observe(submitted, 'rabbitmq', T0 + fromMs);
      told(jobId, 'start', fromMs);
      told(jobId, 'done', toMs);
    },
    download({ afterMs, ...change }) {
      number += 1;
      downloads.add({
        eventId: `e${number}`,
        atMs: T0 + afterMs,
        resourceId: 'f',
        datasetId: undefined,
        bytes: 10,
        ...change,
      });
    },
  };
}

const END = T0 + 1e8;

describe('the bytes that an extractor downloaded for a job', () => {
  it('are those of the downloads of its file while it was at work', () => {
    const { book, bytes, work, download } = setUp();
    download({ afterMs: -5000 });
    download({ afterMs: 500 });
    download({ afterMs: 900, bytes: 32 });
    download({ afterMs: 3000 });
    download({ afterMs: 500, resourceId: 'other' });
    work('j', { fileId: 'f', datasetId: 'd' }, 0, 2000);
    book.tick(END);
    expect(bytes()).toEqual({ j: 42 });
  });

  it('include downloads that began before the status message, which pyclowder sends once a second', () => {
    const { book, bytes, work, download } = setUp();
    download({ afterMs: -1500 });
    work('j', { fileId: 'f' }, 0, 2000);
    book.tick(END);
    expect(bytes()).toEqual({ j: 10 });
  });

  it('are waited for, as their events take another route', () => {
    const { book, bytes, work, download } = setUp();
    work('j', { fileId: 'f' }, 0, 2000);
    book.tick(T0 + 2500);
    expect(bytes()).toEqual({});
    download({ afterMs: 1000 });
    book.tick(T0 + 3000);
    expect(bytes()).toEqual({ j: 10 });
  });

  it('of a dataset are those of its archive and of its files', () => {
    const { book, bytes, work, download } = setUp();
    download({ afterMs: 100, resourceId: 'd', bytes: 1 });
    download({ afterMs: 200, resourceId: 'f1', datasetId: 'd', bytes: 2 });
    work('j', { datasetId: 'd' }, 0, 1000);
    book.tick(END);
    expect(bytes()).toEqual({ j: 3 });
  });

  it('are unknown if two jobs worked on the same resource at that time', () => {
    const { book, bytes, work, download } = setUp();
    download({ afterMs: 500 });
    work('a', { fileId: 'f' }, 0, 2000);
    work('b', { fileId: 'f' }, 400, 1500);
    book.tick(END);
    expect(bytes()).toEqual({ a: undefined, b: undefined });
  });

  it("are unknown if a job on the dataset may have made the file's download", () => {
    const { book, bytes, work, download } = setUp();
    download({ afterMs: 500, datasetId: 'd' });
    work('file', { fileId: 'f', datasetId: 'd' }, 0, 2000);
    work('dataset', { datasetId: 'd' }, 400, 1500);
    book.tick(END);
    expect(bytes()).toEqual({ file: undefined, dataset: undefined });
  });

  it('are known for both jobs if these worked on the same resource one after the other', () => {
    const { book, bytes, work, download } = setUp();
    download({ afterMs: 500, bytes: 1 });
    download({ afterMs: 20_500, bytes: 2 });
    work('a', { fileId: 'f' }, 0, 2000);
    work('b', { fileId: 'f' }, 20_000, 21_000);
    book.tick(END);
    expect(bytes()).toEqual({ a: 1, b: 2 });
  });

  it('are unknown if no download was seen, as the proxy may not see them', () => {
    const { book, bytes, work } = setUp();
    work('j', { fileId: 'f' }, 0, 2000);
    book.tick(END);
    expect(bytes()).toEqual({ j: undefined });
  });

  it('are unknown if the monitor was away for part of the time', () => {
    const { book, bytes, downloads, work, download } = setUp();
    downloads.end();
    downloads.begin(T0 + 700);
    download({ afterMs: 800 });
    work('j', { fileId: 'f' }, 0, 2000);
    book.tick(END);
    expect(bytes()).toEqual({ j: undefined });
  });

  it('count each download once, however often its event comes', () => {
    const { book, bytes, work, download } = setUp();
    download({ afterMs: 500, eventId: 'same' });
    download({ afterMs: 500, eventId: 'same' });
    work('j', { fileId: 'f' }, 0, 2000);
    book.tick(END);
    expect(bytes()).toEqual({ j: 10 });
  });

  it('are unknown for a time whose first downloads are forgotten', () => {
    const { book, bytes, work, download } = setUp();
    download({ afterMs: 500 });
    for (let index = 0; index < 20_000; index += 1) download({ afterMs: 600 + index / 100, resourceId: `r${index}` });
    download({ afterMs: 900 });
    work('j', { fileId: 'f' }, 0, 2000);
    book.tick(END);
    expect(bytes()).toEqual({ j: undefined });
  });

  it('are unknown if the end of the job cannot wait any longer', () => {
    const { book, bytes, work, download } = setUp();
    download({ afterMs: 500 });
    work('j', { fileId: 'f' }, 0, 2000);
    book.flush();
    book.tick(END);
    expect(bytes()).toEqual({ j: undefined });
  });
});
