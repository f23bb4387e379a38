import { afterEach, describe, expect, it } from 'vitest';
import { contentOfFiles, createCanaries } from '../../../test/support/canaries.ts';
import { tempDir } from '../../../test/support/processes.ts';
import { ExtractorRegistry } from '../heartbeats/registry.ts';
import { createV1Poller } from '../polling/v1.ts';
import { createV2Poller } from '../polling/v2.ts';
import { JobBook } from './job-book.ts';
import { openJobStore } from './job-store.ts';
import type { Observation, Told } from './observation.ts';

const T0 = Date.UTC(2026, 0, 20);

const dirs: { remove(): Promise<void> }[] = [];
afterEach(async () => {
  for (const dir of dirs.splice(0)) await dir.remove();
});

async function ownDir(): Promise<{ readonly path: string }> {
  const dir = await tempDir('jobs');
  dirs.push(dir);
  return dir;
}

function told(word: Told['word'], change: Partial<Told> = {}): Told {
  return {
    what: 'told', atMs: T0, jobId: 'j', extractor: 'ncsa.x', version: undefined, userId: undefined, resourceId: 'f',
    subject: { fileId: 'f' }, word, message: 'm', clock: 't', clockMs: undefined, durationMs: undefined, ...change,
  }; // prettier-ignore
}

function bookIn(
  dir: string,
  events: string[] = [],
  onStoreFailure = (_error: unknown): void => undefined,
): { readonly book: JobBook; readonly close: () => void } {
  const store = openJobStore(dir);
  const book = new JobBook({
    store, emit: ({ type }) => void events.push(type), persist: () => undefined, waitMs: 0, maxJobs: 3, forgetMs: 60_000, onStoreFailure,
  }); // prettier-ignore
  return { book, close: () => store.close() };
}

describe('jobs on disk', () => {
  it('survive a restart, with the events that they have had', async () => {
    const dir = await ownDir();
    const before = bookIn(dir.path);
    before.book.observe(told('start'), 'rabbitmq', T0);
    before.book.observe(told('done'), 'rabbitmq', T0);
    before.book.save();
    before.close();
    const events: string[] = [];
    const after = bookIn(dir.path, events);
    expect(after.book.job('j')).toMatchObject({ startedMs: T0, endedMs: T0, had: ['extraction.done'] });
    after.book.observe(told('done'), 'rabbitmq', T0);
    expect(events).toEqual([]);
    after.close();
  });

  it('are limited in number, finished ones going first, and are forgotten after a while', async () => {
    const dir = await ownDir();
    const { book, close } = bookIn(dir.path);
    for (const jobId of ['open', 'over', 'b', 'c'])
      book.observe(told(jobId === 'over' ? 'done' : 'start', { jobId }), 'rabbitmq', T0);
    expect([book.job('open'), book.job('over'), book.size]).toEqual([expect.anything(), undefined, 3]);
    book.tick(T0 + 60_001);
    close();
    const again = bookIn(dir.path);
    expect([book.size, again.book.size]).toEqual([0, 0]);
    again.close();
  });

  it('are kept to be written later while the disk cannot be written', async () => {
    const dir = await ownDir();
    const failures: unknown[] = [];
    const { book, close } = bookIn(dir.path, [], (error) => void failures.push(error));
    close();
    book.observe(told('start'), 'rabbitmq', T0);
    book.save();
    expect(failures).toHaveLength(1);
    expect(book.job('j')).toBeDefined();
  });

  it('include the progress of polling', async () => {
    const dir = await ownDir();
    const store = openJobStore(dir.path);
    expect(store.loadProgress('v2')).toBeUndefined();
    store.saveProgress('v2', { since: 'x' });
    store.close();
    const again = openJobStore(dir.path);
    expect(again.loadProgress('v2')).toEqual({ since: 'x' });
    again.close();
  });

  it('hold no secret, neither from messages nor from polling', async () => {
    const canaries = createCanaries();
    const [key, extractorKey] = [canaries.token('key'), canaries.token('extractor key')];
    const message = `secretKey=${key} http://c/?key=${key} private.${extractorKey}.ncsa.x`;
    const dir = await ownDir();
    const store = openJobStore(dir.path);
    const book = new JobBook({
      store,
      emit: () => undefined,
      persist: () => undefined,
      waitMs: 1e9,
      maxJobs: 9,
      forgetMs: 1e9,
      onStoreFailure: () => undefined,
    });
    const observe = (seen: Observation): void => book.observe(seen, 'monitor', T0);
    const registry = new ExtractorRegistry({ intervalMs: 1, missed: 1, forgetMs: 1 });
    const { label } = registry.ofQueue(`private.${extractorKey}.ncsa.x`);
    book.observe(told('start', { extractor: label, message }), 'rabbitmq', T0);
    book.observe(told('error', { extractor: label, message }), 'rabbitmq', T0);
    const v1 = createV1Poller(undefined);
    v1.watch({ fileId: 'f', eventId: 'e', atMs: T0 });
    const statuses = { [`private.${extractorKey}.ncsa.x`]: `StatusMessage.error: ${message}` };
    await v1.round({ get: () => Promise.resolve(statuses), observe, nowMs: T0 });
    const v2 = createV2Poller(undefined);
    const job = {
      id: 'p',
      listener_id: `private.${extractorKey}.ncsa.x`,
      resource_ref: { collection: 'files', resource_id: 'f' },
      created: '2026-01-20T00:00:00',
      latest_message: message,
      status: 'STARTED',
    };
    const updates = [{ status: message, timestamp: '2026-01-20T00:00:00' }];
    await v2.round({
      get: (path) => Promise.resolve(path.endsWith('updates') ? updates : { data: [job] }),
      observe,
      nowMs: T0,
    });
    book.save();
    store.saveProgress('v1', v1.progress);
    store.saveProgress('v2', v2.progress);
    expect(book.size).toBe(3);
    expect(
      canaries.leaksIn({ disk: await contentOfFiles(dir.path), progress: JSON.stringify([v1.progress, v2.progress]) }),
    ).toEqual([]);
    store.close();
  });
});
