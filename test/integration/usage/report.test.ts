import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCliToEnd } from '../../support/collector-process.ts';
import { tempDir } from '../../support/processes.ts';
import { download, page } from '../../support/usage/cases.ts';

let dir: Awaited<ReturnType<typeof tempDir>>;
const ana = { user_id: 'ana' };

beforeAll(async () => {
  dir = await tempDir('report-program');
  // One view of the page and two downloads in an hour: 3 investigations and 2 requests, each 1 unique.
  const events = [page('10:00:00', ana), download('10:05:00', ana, 'f1'), download('10:06:00', ana, 'f2')];
  const lines = events.map((event) => `${JSON.stringify(event)}\n`);
  await writeFile(join(dir.path, 'a.ndjson'), lines[0] ?? '');
  await writeFile(join(dir.path, 'b.ndjson.gz'), gzipSync(lines.join('')));
});
afterAll(() => dir.remove());

const report = (...args: readonly string[]) =>
  runCliToEnd(['report', ...args, '--from', '2026-10', '--to', '2026-10'], { DATA_DIR: join(dir.path, 'none') });

test('the command reports a month from files of events, with nothing else running', async () => {
  const { code, stdout, stderr } = await report('pr', '--events', dir.path);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    Report_Header: { Report_ID: 'PR', Created: '2026-11-01T00:00:00Z' },
    Report_Items: [
      {
        Attribute_Performance: [
          {
            Access_Method: 'Regular',
            Performance: {
              Total_Item_Investigations: { '2026-10': 3 },
              Total_Item_Requests: { '2026-10': 2 },
              Unique_Item_Investigations: { '2026-10': 1 },
              Unique_Item_Requests: { '2026-10': 1 },
            },
          },
        ],
      },
    ],
  });
});

test('the command writes to a file, and names what is missing on standard error', async () => {
  const out = join(dir.path, 'ir.tsv');
  const { code, stdout, stderr } = await report('ir', '--format', 'tsv', '--events', dir.path, '--out', out);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  expect(stderr).toContain('1 of 1 datasets have no title.');
  expect(await readFile(out, 'utf8')).toContain(
    'Clowder:d1\t\t\t\t\tDataset\t0001\tRegular\tTotal_Item_Requests\t2\t2\n',
  );
});

test.each([
  ['no store and no files', [], 'There is no usage store at '],
  ['an unknown format', ['--format', 'xml'], '--format was xml'],
  ['a file in a missing directory', ['--out', '/nowhere/report.json'], 'there is no directory /nowhere'],
  ['an unknown time zone', ['--time-zone', 'Mars/Olympus'], '--time-zone was Mars/Olympus'],
])('the command says what is wrong with %s: exit code 2, and nothing written', async (_title, args, message) => {
  const { code, stdout, stderr } = await report('ir', ...args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(message);
});

test('the command refuses an archive with a broken line, naming file and line', async () => {
  const broken = join(dir.path, 'broken');
  await writeFile(broken, `${JSON.stringify(page('10:00:00', ana))}\n{"event`);
  const { code, stdout, stderr } = await report('usage', '--events', broken);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toBe(`${broken}:2: it is not JSON\n`);
});
