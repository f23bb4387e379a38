import { appendFile, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventOf } from '../../../test/support/sinks/arbitrary-events.ts';
import { archiveLines } from '../../../test/support/sinks/file.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { openArchive, type Archive } from './archive.ts';
import { fileSink } from './file.ts';
import { archiveFiles, nextName } from './names.ts';
import { findTail } from './tail.ts';

const DAY_MS = 86_400_000;
const TODAY = Date.UTC(2026, 10, 24, 12);

let directory: string;
let now: number;
const warnings: string[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clowder-otel-archive-'));
  now = TODAY;
  warnings.length = 0;
});
afterEach(() => rm(directory, { recursive: true }));

const archive = (options: { maxBytes?: number; knownIds?: number } = {}): Archive =>
  openArchive({
    directory,
    maxBytes: 1e6,
    knownIds: 1000,
    log: { info: () => undefined, warn: (_fields, message) => warnings.push(message) },
    now: () => now,
    ...options,
  });
const events = (...ids: readonly string[]): { event_id: string; event: string; created: number }[] =>
  ids.map((id) => ({ event_id: id, event: 'file.uploaded', created: 1 }));
const ids = async (): Promise<readonly string[]> =>
  (await archiveLines(directory)).map((line) => (JSON.parse(line) as { event_id: string }).event_id);
const names = async (): Promise<readonly string[]> => (await readdir(directory)).toSorted();
const NAME = 'clowder-events-2026-11-24-0001.ndjson';

describe('the archive', () => {
  it('has one event a line, in one file a day', async () => {
    const one = archive();
    await one.append(events('a', 'b'));
    now += DAY_MS;
    await one.append(events('c'));
    await waitFor(async () => (await names()).includes(`${NAME}.gz`) && !(await names()).includes(NAME), {
      what: 'gzip',
    });
    await one.close();
    expect(await names()).toEqual([`${NAME}.gz`, 'clowder-events-2026-11-25-0001.ndjson']);
    expect(await ids()).toEqual(['a', 'b', 'c']);
  });

  it('begins a new file when the limit is reached', async () => {
    const one = archive({ maxBytes: 100 });
    for (const id of ['a', 'b', 'c', 'd', 'e']) await one.append(events(id));
    await one.close();
    expect((await names()).length).toBeGreaterThan(1);
    expect(await ids()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('writes no event twice, over processes, days and files', async () => {
    const first = archive({ maxBytes: 100 });
    await first.append(events('a', 'b'));
    await first.append(events('c', 'a'));
    await first.close();
    now += DAY_MS;
    const second = archive();
    await second.append(events('b', 'c', 'd'));
    await second.close();
    expect(await ids()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('cuts off the half line left by a crash, and goes on', async () => {
    const first = archive();
    await first.append(events('a'));
    await first.close();
    await appendFile(join(directory, NAME), '{"event_id":"b","eve');
    const second = archive();
    await second.append(events('b'));
    await second.close();
    expect(await ids()).toEqual(['a', 'b']);
  });

  it.each([
    ['before the gzipped file was whole', `${NAME}.gz.unfinished`],
    ['before the plain file was removed', `${NAME}.gz`],
  ])('is whole if compressing was interrupted %s', async (_when, left) => {
    const first = archive();
    await first.append(events('a', 'b'));
    await first.close();
    const whole = gzipSync(await readFile(join(directory, NAME)));
    await writeFile(join(directory, left), left.endsWith('.gz') ? whole : whole.subarray(0, 20));
    now += DAY_MS;
    const second = archive();
    await second.append(events('b', 'c'));
    await waitFor(async () => (await names()).length === 2, { what: 'one file a day' });
    await second.close();
    expect(gunzipSync(await readFile(join(directory, `${NAME}.gz`))).toString()).toMatch(/"a".*\n.*"b".*\n$/);
    expect(await ids()).toEqual(['a', 'b', 'c']);
  });

  it('reads again what another program has written in the meantime', async () => {
    const one = archive();
    await one.append(events('a'));
    await appendFile(join(directory, NAME), `${JSON.stringify(events('b')[0])}\n`);
    await one.append(events('b', 'c'));
    await one.close();
    expect(await ids()).toEqual(['a', 'b', 'c']);
    expect(warnings).toEqual(['another program changed the file: reading it again']);
  });

  it('goes on after a line that is not an event', async () => {
    await writeFile(join(directory, NAME), 'not JSON\n');
    const one = archive();
    await one.append(events('a'));
    await one.close();
    expect(warnings).toEqual(['a line of the archive is not an event: who wrote it?']);
  });
});

describe('names in the archive', () => {
  it('continue after the last one, even if the clock is set back', () => {
    const [last] = archiveFiles([NAME]);
    expect(nextName(undefined, '2026-11-24')).toBe(NAME);
    expect(nextName(last, '2026-11-24')).toBe('clowder-events-2026-11-24-0002.ndjson');
    expect(nextName(last, '2026-11-20')).toBe('clowder-events-2026-11-24-0002.ndjson');
    expect(nextName(last, '2026-11-25')).toBe('clowder-events-2026-11-25-0001.ndjson');
  });

  it('are ordered by day and number, and other names are left out', () => {
    const given = [
      'clowder-events-2026-11-24-10000.ndjson',
      'x.ndjson',
      NAME,
      `${NAME}.gz.unfinished`,
      'clowder-events-2026-10-30-0003.ndjson.gz',
    ];
    expect(archiveFiles(given).map(({ name }) => name)).toEqual([given[4], NAME, given[0]]);
  });
});

describe('the tail of a file', () => {
  const tailOf = async (content: string, lines: number): Promise<readonly [tail: string, wholeBytes: number]> => {
    const path = join(directory, 'lines');
    await writeFile(path, content);
    await using file = await open(path, 'r');
    const { beginBytes, wholeBytes } = await findTail(file, lines);
    return [Buffer.from(content).subarray(beginBytes, wholeBytes).toString(), wholeBytes];
  };

  it.each([
    ['', 5, '', 0],
    ['half', 5, '', 0],
    ['a\nb\nc\n', 2, 'b\nc\n', 6],
    ['a\nb\nc\nha', 5, 'a\nb\nc\n', 6],
    ['\n\n\n', 2, '\n\n', 3],
  ])('of %j is found', async (content, lines, expected, wholeBytes) => {
    expect(await tailOf(content, lines)).toEqual([expected, wholeBytes]);
  });

  it('has only whole lines if the file is longer than one read', async () => {
    const line = 'ä'.repeat(300_000);
    const [tail] = await tailOf(`${line}1\n${line}2\n${line}3\n`, 2);
    expect(tail).toBe(`${line}2\n${line}3\n`);
  });
});

describe('the file sink', () => {
  it('writes an event once if it comes again after a hundred thousand others, even over a restart', async () => {
    const sink = () =>
      fileSink.open(fileSink.config.parse({ directory }), {
        log: { info: () => undefined, warn: () => undefined },
        now: () => now,
      });
    const batches = Array.from({ length: 100 }, (_, batch) =>
      Array.from({ length: 1000 }, (_event, index) =>
        eventOf('file.uploaded', { file_id: 'f1' }, { id: `event-${batch}-${index}` }),
      ),
    );
    const never = new AbortController().signal;
    const first = await sink();
    for (const batch of batches) await first.send(batch, never);
    await first.send(batches[0] ?? [], never);
    await first.close();
    const second = await sink();
    for (const batch of batches) await second.send(batch, never);
    await second.close();
    expect((await ids()).length).toBe(100_000);
  });
});
