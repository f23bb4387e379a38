import { expect, test } from 'vitest';
import { csvOf } from '../../../dashboard/app/csv.ts';

test('a table as CSV has its rows as lines, with separators within values in quotes', () => {
  const rows = [
    ['Queue', 'State'],
    ['a,b', 'down: "refused"'],
    ['two\nlines', ''],
  ];
  expect(csvOf(rows)).toBe('Queue,State\r\n"a,b","down: ""refused"""\r\n"two\nlines",\r\n');
});

test.each(['=1+1', '+1', '-1', '@a', '\tx'])('%j is no formula in a spreadsheet', (text) =>
  expect(csvOf([[text]])).toBe(`'${text}\r\n`),
);
