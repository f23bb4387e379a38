import { expect, test } from 'vitest';
import { written, type Report } from './formats.ts';

const report: Report = {
  json: { a: 1 },
  table: {
    title: 'T & T',
    head: [['Created_By', '=HYPERLINK("x")']],
    headings: ['Item', 'Count'],
    body: [
      ['=1+1', 1],
      ['a,"b"', 2],
      ['tab\there\nline', 1234],
      ['<script>', undefined],
    ],
  },
};

test('TSV has the rows of the header, an empty one, and one line a row', () => {
  expect(written(report, 'tsv')).toBe(
    'Created_By\t=HYPERLINK("x")\n\nItem\tCount\n=1+1\t1\na,"b"\t2\ntab here line\t1234\n<script>\t\n',
  );
});

test('CSV has no cell that a spreadsheet takes for a formula', () => {
  expect(written(report, 'csv')).toBe(
    'Created_By,"\'=HYPERLINK(""x"")"\r\n\r\nItem,Count\r\n\'=1+1,1\r\n"a,""b""",2\r\n"tab\there\nline",1234\r\n<script>,\r\n',
  );
});

test('HTML shows names unchanged, whatever is in them', () => {
  const page = written(report, 'html');
  expect(page).toContain('<title>T &amp; T</title>');
  expect(page).toContain('<tr><td>&lt;script&gt;</td><td></td></tr>');
  expect(page).toContain('<td class="number">1,234</td>');
});
