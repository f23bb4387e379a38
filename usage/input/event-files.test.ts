import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tempDir } from '../../test/support/processes.ts';
import { eventFiles, eventsOf } from './event-files.ts';

let dir: Awaited<ReturnType<typeof tempDir>>;
beforeEach(async () => {
  dir = await tempDir('event-files');
});
afterEach(() => dir.remove());

const line = (id: string): string => JSON.stringify({ event_id: id, event: 'view.download', created: 1 });
const text = (...ids: readonly string[]): string => ids.map((id) => `${line(id)}\n`).join('');

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(dir.path, name);
  await writeFile(path, content);
  return path;
}

async function idsOf(...paths: readonly string[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const events of eventsOf(await eventFiles(paths))) ids.push(...events.map((event) => event.event_id));
  return ids;
}

describe('files of events', () => {
  test('are read plain, gzipped in several pieces, and as zstd', async () => {
    const paths = [
      await file('a.ndjson', text('a1', 'a2')),
      await file('b.ndjson.gz', Buffer.concat([gzipSync(text('b1')), gzipSync(text('b2'))])),
      await file('c.jsonl.zst', zstdCompressSync(text('c1'))),
    ];
    expect(await idsOf(...paths)).toEqual(['a1', 'a2', 'b1', 'b2', 'c1']);
  });

  test('are those of a directory and below it by name, and nothing else that lies there', async () => {
    await mkdir(join(dir.path, '2026'));
    await file('b.ndjson', text('b'));
    await file('2026/a.ndjson.gz', gzipSync(text('a')));
    await file('c.ndjson.gz.unfinished', 'x');
    await file('readme.txt', 'x');
    expect(await idsOf(dir.path)).toEqual(['a', 'b']);
  });

  test('may end without a line break, have empty lines, and lines of another system', async () => {
    const path = await file('a.ndjson', `${line('1')}\r\n\n${line('2')}`);
    expect(await idsOf(path)).toEqual(['1', '2']);
  });

  test('of which one is named twice are read once', async () => {
    const path = await file('a.ndjson', text('a'));
    expect(await idsOf(path, path)).toEqual(['a']);
  });

  test.each([
    ['a line by half', '{"event_id":"x","ev', 'line 3: no JSON: "{\\"event_id\\":\\"x\\",\\"ev"'],
    ['a list', '[1]', 'line 3: no JSON object'],
    ['no type', '{"event_id":"x","created":1}', 'line 3: no event: event must be the event type'],
    ['no id', '{"event":"view.page","created":1}', 'line 3: no event: event_id must be a text'],
    ['a time in words', '{"event_id":"x","event":"view.page","created":"2026"}', 'line 3: no event: created must be'],
  ])('with %s in the middle are refused with file and line', async (_title, broken, message) => {
    const path = await file('a.ndjson', `${text('1', '2')}${broken}\n${text('4')}`);
    await expect(idsOf(path)).rejects.toThrow(`${path}, ${message}`);
  });

  test.each([
    ['gzip', 'a.ndjson.gz', gzipSync(text(...Array.from({ length: 5000 }, (_, index) => `e${index}`)))],
    ['zstd', 'a.ndjson.zst', zstdCompressSync(text(...Array.from({ length: 5000 }, (_, index) => `e${index}`)))],
  ])('that were cut off within their %s are refused', async (compression, name, content) => {
    const path = await file(name, content.subarray(0, content.length / 2));
    const reading = idsOf(path);
    await expect(reading).rejects.toThrow(new RegExp(`^${path}, line \\d+: the ${compression} ends too early`));
    await expect(reading).rejects.toMatchObject({ code: 'bad_input' });
  });

  test.each([
    ['empty', ''],
    ['plain', text('a')],
  ])('that are named .gz and are %s are refused', async (_title, content) => {
    const path = await file('a.ndjson.gz', content);
    await expect(idsOf(path)).rejects.toThrow(`${path} is named as gzip and is none`);
  });

  test('that are not there, and directories without any, are wrong usage', async () => {
    await expect(idsOf(join(dir.path, 'none'))).rejects.toMatchObject({ code: 'wrong_usage' });
    await expect(idsOf(dir.path)).rejects.toThrow(`${dir.path} holds no file of events`);
  });
});
