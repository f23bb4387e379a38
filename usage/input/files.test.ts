import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tempDir } from '../../test/support/processes.ts';
import { openArchiveStore } from './archive-store.ts';
import { filesOf } from './files.ts';

let dir: Awaited<ReturnType<typeof tempDir>>;
beforeEach(async () => {
  dir = await tempDir('event-files');
});
afterEach(() => dir.remove());

const line = (id: string): string =>
  JSON.stringify({ event_id: id, event: 'view.download', created: 1_790_000_000_000, resource_id: 'f' });
const text = (...ids: readonly string[]): string => ids.map((id) => `${line(id)}\n`).join('');

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(dir.path, name);
  await writeFile(path, content);
  return path;
}

async function idsOf(...paths: readonly string[]): Promise<readonly string[]> {
  await using archive = await openArchiveStore(paths);
  const rows = await archive.store.engine.query<{ event_id: string }>('SELECT event_id FROM events ORDER BY 1');
  return rows.map(({ event_id: id }) => id);
}

describe('files named for reading', () => {
  test('include from a directory those of their kind in it and below it, and no others', async () => {
    await mkdir(join(dir.path, '2026.ndjson'));
    for (const name of [
      'b.ndjson',
      '2026.ndjson/a.jsonl.gz',
      'c.ndjson.gz.unfinished',
      'readme.txt',
      'access.log',
      'access.log.1',
      'access.log.2.gz',
      '2026.ndjson/site.access.log-20261005.zst',
      'clowder.json.3.gz',
      'error.log',
      'error.log.1',
      'access.log.old',
    ])
      await file(name, '');
    const named = (paths: readonly string[]): readonly string[] =>
      paths.map((path) => path.slice(dir.path.length + 1)).toSorted();
    expect(named(await filesOf([dir.path], 'events'))).toEqual(['2026.ndjson/a.jsonl.gz', 'b.ndjson']);
    expect(named(await filesOf([dir.path], 'nginx'))).toEqual([
      '2026.ndjson/site.access.log-20261005.zst',
      'access.log',
      'access.log.1',
      'access.log.2.gz',
      'clowder.json.3.gz',
    ]);
  });

  test('are read whatever their name, and only once if named twice', async () => {
    const path = await file('events.txt', text('a'));
    expect(await filesOf([path, path], 'events')).toEqual([path]);
  });

  test('that are missing, and directories without such files, are wrong usage', async () => {
    await expect(filesOf([join(dir.path, 'none')], 'events')).rejects.toMatchObject({ code: 'wrong_usage' });
    await expect(filesOf([dir.path], 'events')).rejects.toThrow(`${dir.path} holds no file of events`);
    await expect(filesOf([dir.path], 'nginx')).rejects.toThrow(`${dir.path} holds no access log`);
  });
});

describe('an archive of events', () => {
  test('is read as plain text, as gzip in several parts, and as zstd', async () => {
    await file('a.ndjson', text('a1', 'a2'));
    await file('b.ndjson.gz', Buffer.concat([gzipSync(text('b1')), gzipSync(text('b2'))]));
    await file('c.jsonl.zst', zstdCompressSync(text('c1')));
    expect(await idsOf(dir.path)).toEqual(['a1', 'a2', 'b1', 'b2', 'c1']);
  });

  test('may end without a line break, and may have empty lines and CRLF', async () => {
    const path = await file('a.ndjson', `${line('1')}\r\n\n${line('2')}`);
    expect(await idsOf(path)).toEqual(['1', '2']);
  });

  test.each([
    ['half a line', '{"event_id":"x","ev', 'it is not JSON'],
    ['a list', '[1]', 'it is not a JSON object'],
    ['no type', '{"event_id":"x","created":1790000000000}', 'event was missing; may be '],
    ['an invalid id', '{"event_id":7,"event":"view.page","created":1790000000000}', 'event_id was 7; must be text'],
    ['a time in words', '{"event_id":"x","event":"view.page","created":"2026"}', 'created was "2026"; must be'],
  ])('with %s in the middle is refused, naming file and line', async (_title, broken, message) => {
    const path = await file('a.ndjson', `${text('1', '2')}${broken}\n${text('4')}`);
    const reading = idsOf(path);
    await expect(reading).rejects.toThrow(`${path}:3: ${message}`);
    await expect(reading).rejects.toMatchObject({ code: 'bad_input' });
  });

  test.each([
    ['gzip', 'a.ndjson.gz', gzipSync(text(...Array.from({ length: 5000 }, (_, index) => `e${index}`)))],
    ['zstd', 'a.ndjson.zst', zstdCompressSync(text(...Array.from({ length: 5000 }, (_, index) => `e${index}`)))],
  ])('that is truncated within its %s is refused', async (compression, name, content) => {
    const path = await file(name, content.subarray(0, content.length / 2));
    const reading = idsOf(path);
    await expect(reading).rejects.toThrow(new RegExp(`^${path}:\\d+: the ${compression} ends too early`));
    await expect(reading).rejects.toMatchObject({ code: 'bad_input' });
  });

  test.each([
    ['empty', ''],
    ['plain', text('a')],
  ])('named .gz that is %s is refused', async (_title, content) => {
    const path = await file('a.ndjson.gz', content);
    await expect(idsOf(path)).rejects.toThrow(`${path} has a name that ends as one of gzip, but is not gzip`);
  });
});
