import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readLines, type Line } from './lines.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-lines-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function file(content: string | Uint8Array): string {
  const path = join(dir, 'file');
  writeFileSync(path, content);
  return path;
}

async function linesOf(path: string, into: Line[] = []): Promise<Line[]> {
  for await (const { lines } of readLines(path)) into.push(...lines);
  return into;
}

const TEXT = 'eins\nzwei é\r\n\nvier';
const LINES = [
  { text: 'eins', number: 1, offset: 0 },
  { text: 'zwei é', number: 2, offset: 5 },
  { text: '', number: 3, offset: 14 },
  { text: 'vier', number: 4, offset: 15 },
];

describe('the lines of a file', () => {
  test.each([
    ['plain', Buffer.from(TEXT)],
    ['gzip', gzipSync(TEXT)],
    ['zstd', zstdCompressSync(Buffer.from(TEXT))],
    [
      'gzip of several members, as log rotation appends them',
      Buffer.concat([gzipSync(TEXT.slice(0, 7)), gzipSync(TEXT.slice(7))]),
    ],
  ])("are read from %s, whatever the file's name", async (_, content) => {
    expect(await linesOf(file(content))).toEqual(LINES);
  });

  test('are none in an empty file', async () => {
    expect(await linesOf(file(''))).toEqual([]);
  });

  test('are whole across the borders of the pieces read', async () => {
    const long = Array.from({ length: 20_000 }, (_, index) => `${index} ${'x'.repeat(index % 97)}`);
    const read = await linesOf(file(gzipSync(`${long.join('\n')}\n`)));
    expect(read.map(({ text }) => text)).toEqual(long);
  });

  test('are given up to where a truncated file ends, which is then reported', async () => {
    const content = gzipSync(Array.from({ length: 50_000 }, (_, index) => `line ${index * 7919}\n`).join(''));
    const path = file(content.subarray(0, content.length / 2));
    const read: Line[] = [];
    await expect(linesOf(path, read)).rejects.toMatchObject({
      code: 'bad_input',
      message: expect.stringMatching(/^.*file:\d+: the gzip ends too early: the file was cut off/),
    });
    expect(read.length).toBeGreaterThan(100);
    expect(read.map(({ text }) => text)).toEqual(read.map((_, index) => `line ${index * 7919}`));
  });
});
