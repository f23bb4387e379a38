import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDuckdbStore } from '../store/duckdb/store.ts';
import type { UsageStore } from '../store/usage-store.ts';
import { parseEventLine } from './event-line.ts';
import { takeFile, type Taken } from './take-file.ts';

let dir: string;
let store: UsageStore;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-import-'));
  store = await openDuckdbStore();
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true, force: true });
});

const lineOf = (index: number): string =>
  `{"event":"user.login","event_id":"e${index}","created":${1_790_000_000_000 + index},"user_id":"u${index % 7}"}`;
const LINES = Array.from({ length: 30_000 }, (_, index) => lineOf(index));

async function imported(content: string | Uint8Array, problems: string[] = []): Promise<Taken> {
  const path = join(dir, 'events');
  writeFileSync(path, content);
  return takeFile(path, {
    store,
    parse: ({ text }) => parseEventLine(text),
    onProblem: (message) => void problems.push(message.replace(dir, '')),
    onProgress: () => undefined,
  });
}

test('a file is imported whole, and nothing of it a second time, compressed or not', async () => {
  expect(await imported(LINES.join('\n'))).toEqual({ lines: 30_000, stored: 30_000, known: 0, wrong: 0 });
  expect(await imported(gzipSync(LINES.join('\n')))).toEqual({ lines: 30_000, stored: 0, known: 30_000, wrong: 0 });
  expect(await store.contents()).toMatchObject({ events: 30_000 });
});

test('an unreadable line is reported by its number, and the others are imported', async () => {
  const problems: string[] = [];
  const lines = LINES.with(11_999, '{"event":"user.log');
  expect(await imported(lines.join('\n'), problems)).toEqual({ lines: 30_000, stored: 29_999, known: 0, wrong: 1 });
  expect(problems).toEqual(['/events:12000: it is not JSON']);
});

test('a truncated file is imported as far as it goes, and its rest once it is whole', async () => {
  const whole = gzipSync(LINES.join('\n'));
  const cut = await imported(whole.subarray(0, whole.length / 2));
  expect(cut).toMatchObject({ wrong: 0, broken: { message: expect.stringContaining('the gzip ends too early') } });
  expect(cut.stored).toBe(cut.lines);
  expect(cut.stored).toBeGreaterThan(0);
  const { stored, known } = await imported(whole);
  expect([known, stored + known]).toEqual([cut.stored, 30_000]);
});
