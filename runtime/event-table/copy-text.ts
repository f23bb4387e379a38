import type { Row } from './columns.ts';

const SPECIAL = /[\\\n\r\t]/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const NULL = '\\N';

/** Rows in the text format of COPY: tabs between columns, a newline after each row (PostgreSQL, "COPY", Text Format). */
export function copyText(rows: readonly Row[]): string {
  let text = '';
  for (const row of rows) text += `${row.map(copied).join('\t')}\n`;
  return text;
}

function copied(value: string | undefined): string {
  return value === undefined ? NULL : value.replaceAll(SPECIAL, (char) => ESCAPES[char] ?? char);
}
