import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDayKeys } from './day-keys.ts';

const DAY_MS = 86_400_000;
const TODAY = 20_700;

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-day-keys-'));
  file = join(dir, 'client-id-keys.json');
});
afterEach(() => rmSync(dir, { recursive: true }));

const on = (day: number) => openDayKeys(dir, () => day * DAY_MS + 5);
const keptDays = (): number[] => (JSON.parse(readFileSync(file, 'utf8')) as [number, string][]).map(([day]) => day);

test('a day has a key of 256 random bits, and each day another one', () => {
  const keyOf = on(TODAY);
  expect(keyOf(TODAY)).toMatch(/^[0-9a-f]{64}$/);
  expect(keyOf(TODAY)).toBe(keyOf(TODAY));
  expect(keyOf(TODAY)).not.toBe(keyOf(TODAY - 1));
});

test('a key is the same after a restart', () => {
  const before = on(TODAY)(TODAY);
  expect(on(TODAY)(TODAY)).toBe(before);
  expect(on(TODAY + 3)(TODAY)).toBe(before);
});

test('the file is readable only for its user, and no other file is left in the directory', () => {
  on(TODAY)(TODAY);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(['client-id-keys.json']);
});

test('a key is deleted after three days', () => {
  const keyOf = on(TODAY);
  for (const day of [TODAY - 3, TODAY - 2, TODAY]) keyOf(day);
  on(TODAY + 1)(TODAY + 1);
  expect(keptDays()).toEqual([TODAY - 2, TODAY, TODAY + 1]);
});

test('keys of long ago stay the same while the process lives, and are never written', () => {
  const keyOf = on(TODAY);
  keyOf(TODAY);
  const old = keyOf(TODAY - 400);
  for (let day = TODAY - 900; day < TODAY - 500; day += 1) keyOf(day);
  expect(keyOf(TODAY - 400)).toBe(old);
  expect(keptDays()).toEqual([TODAY]);
  for (let day = TODAY - 5000; day < TODAY - 3000; day += 1) keyOf(day);
  expect(keyOf(TODAY - 400)).not.toBe(old);
});

test.each(['', '[[20700,"', '{}', '[[20700]]', '[["20700","x"]]', '[[20700,"short"]]'])(
  'an invalid file (%j) is replaced',
  (content) => {
    writeFileSync(file, content);
    const key = on(TODAY)(TODAY);
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(on(TODAY)(TODAY)).toBe(key);
  },
);
