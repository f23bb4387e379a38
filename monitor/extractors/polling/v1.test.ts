import { describe, expect, it } from 'vitest';
import type { Observation } from '../jobs/observation.ts';
import { advance, keyOf, type Job, type JobEvent } from '../jobs/job.ts';
import { createV1Poller, type V1Poller } from './v1.ts';

const T0 = Date.UTC(2026, 0, 20, 10);

function watch(): {
  readonly events: readonly JobEvent[];
  readonly asked: readonly string[];
  readonly statuses: Record<string, Record<string, string>>;
  poller: V1Poller;
  round: (nowMs: number) => Promise<void>;
} {
  const jobs = new Map<string, Job>();
  const events: JobEvent[] = [];
  const asked: string[] = [];
  const statuses: Record<string, Record<string, string>> = {};
  const observe = (seen: Observation): void => {
    const step = advance(jobs.get(keyOf(seen)), seen);
    jobs.set(step.job.key, step.job);
    if (step.event !== undefined) events.push(step.event);
  };
  const get = (path: string): Promise<unknown> => {
    asked.push(path);
    return Promise.resolve(statuses[path.split('/')[3] ?? ''] ?? 'no file');
  };
  const watched = {
    events,
    asked,
    statuses,
    poller: createV1Poller(undefined),
    round: (nowMs: number) => watched.poller.round({ get, observe, nowMs }),
  };
  return watched;
}

const typesOf = (events: readonly JobEvent[]): readonly string[] =>
  events.map(({ type, fields }) => `${type.slice(11)} ${String(fields.status)}`);

describe("polling Clowder v1's statuses of a file", () => {
  it('gives the events of the extractors that work on it, as far as a round sees them', async () => {
    const watched = watch();
    watched.poller.watch({ fileId: 'f', eventId: 'e', atMs: T0 });
    await watched.round(T0 + 1);
    watched.statuses['f'] = {
      'ncsa.x': 'SUBMITTED',
      Status: 'Required Extractor is either busy or is not currently running. Try after some time.',
    };
    await watched.round(T0 + 1000);
    watched.statuses['f'] = { 'ncsa.x': 'StatusMessage.start: Started processing.', Status: 'Processing' };
    await watched.round(T0 + 2000);
    await watched.round(T0 + 3000);
    watched.statuses['f'] = { 'ncsa.x': 'DONE', Status: 'Done' };
    await watched.round(T0 + 4000);
    expect(typesOf(watched.events)).toEqual(['queued submitted', 'working start', 'done done']);
    expect(watched.events.at(-1)?.fields).toMatchObject({ file_id: 'f', extractor_name: 'ncsa.x', duration_ms: 2000 });
    expect(watched.asked[0]).toBe('/api/extractions/f/status');
  });

  it('uses the id of a job submitted by the API', async () => {
    const watched = watch();
    watched.poller.watch({ fileId: 'f', eventId: 'e', atMs: T0, extractor: 'ncsa.x', jobId: 'j' });
    watched.statuses['f'] = { 'ncsa.x': 'StatusMessage.error: no', 'ncsa.y': 'DONE' };
    await watched.round(T0 + 1000);
    expect(watched.events.map(({ fields }) => [fields.job_id, fields.extractor_name, fields.status])).toEqual([
      ['j', 'ncsa.x', 'error'],
      [undefined, 'ncsa.y', 'done'],
    ]);
  });

  it('takes a job whose event comes twice as one job', async () => {
    const watched = watch();
    const file = { fileId: 'f', eventId: 'e', atMs: T0, extractor: 'ncsa.x', jobId: 'j' };
    watched.poller.watch(file);
    watched.statuses['f'] = { 'ncsa.x': 'StatusMessage.start: Started processing.' };
    await watched.round(T0 + 1000);
    watched.poller.watch(file);
    await watched.round(T0 + 2000);
    expect(typesOf(watched.events)).toEqual(['working start']);
  });

  it('goes on after a restart with the same ids, and reports a second run as another job', async () => {
    const watched = watch();
    watched.poller.watch({ fileId: 'f', eventId: 'e', atMs: T0 });
    watched.statuses['f'] = { 'ncsa.x': 'DONE' };
    const before: unknown = structuredClone(watched.poller.progress);
    await watched.round(T0 + 1000);
    const after: unknown = structuredClone(watched.poller.progress);
    const killed = watch();
    killed.poller = createV1Poller(before);
    Object.assign(killed.statuses, watched.statuses);
    await killed.round(T0 + 5000);
    expect(killed.events.map(({ id }) => id)).toEqual(watched.events.map(({ id }) => id));

    watched.poller = createV1Poller(after);
    await watched.round(T0 + 6000);
    watched.statuses['f'] = { 'ncsa.x': 'StatusMessage.start: Started processing.' };
    await watched.round(T0 + 7000);
    watched.statuses['f'] = { 'ncsa.x': 'DONE' };
    await watched.round(T0 + 8000);
    expect(typesOf(watched.events)).toEqual(['done done', 'working start', 'done done']);
    expect(new Set(watched.events.map(({ id }) => id)).size).toBe(3);
  });

  it('stops watching a file some time after everything is over, or after a day without anything', async () => {
    const watched = watch();
    watched.poller.watch({ fileId: 'over', eventId: 'e', atMs: T0 });
    watched.poller.watch({ fileId: 'open', eventId: 'e', atMs: T0 });
    watched.statuses['over'] = { 'ncsa.x': 'DONE' };
    await watched.round(T0 + 1000);
    await watched.round(T0 + 20 * 60_000);
    expect(Object.keys(Object(watched.poller.progress))).toEqual(['open']);
    await watched.round(T0 + 25 * 3_600_000);
    expect(Object.keys(Object(watched.poller.progress))).toEqual([]);
  });

  it('watches a limited number of files, and forgets the oldest', () => {
    const { poller } = watch();
    for (let index = 0; index < 1100; index += 1) poller.watch({ fileId: `f${index}`, eventId: 'e', atMs: T0 });
    expect(Object.keys(Object(poller.progress))).toHaveLength(1000);
  });
});
