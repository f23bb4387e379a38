import { csvLine } from '../../runtime/csv.ts';
import type { ReportFormat } from './kinds.ts';

export type Cell = string | number | undefined;

/** A report as a table: facts about the whole report, and rows. */
export interface Table {
  readonly title: string;
  readonly head: readonly (readonly [name: string, value: string])[];
  readonly headings: readonly string[];
  readonly body: readonly (readonly Cell[])[];
}

/** A report in every form. */
export interface Report {
  readonly json: object;
  readonly table: Table;
  /** A page for people; if missing, the table becomes one. */
  readonly page?: string;
}

const FORMS = {
  json: ({ json }) => `${JSON.stringify(json, undefined, 2)}\n`,
  tsv: ({ table }) => linesOf(table, tsvLine),
  csv: ({ table }) => linesOf(table, csvLine),
  html: ({ table, page }) => page ?? tablePage(table),
} as const satisfies Record<ReportFormat, (report: Report) => string>;

export const written = (report: Report, format: ReportFormat): string => FORMS[format](report);

/** COUNTER's order: header rows, an empty row, headings, body. */
function linesOf({ head, headings, body }: Table, line: (cells: readonly Cell[]) => string): string {
  const top = head.length === 0 ? [] : [...head, []];
  return [...top, headings, ...body].map(line).join('');
}

/** Characters that would end a cell or line become spaces. */
const tsvLine = (cells: readonly Cell[]): string =>
  `${cells.map((cell) => String(cell ?? '').replaceAll(/[\t\r\n]+/g, ' ')).join('\t')}\n`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
export const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

const cellHtml = (cell: Cell): string =>
  typeof cell === 'number' ? `<td class="number">${cell.toLocaleString('en')}</td>` : `<td>${escaped(cell ?? '')}</td>`;

/** A table whose headings are repeated on every printed page. */
export function tableHtml(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const head = headings.map((heading) => `<th scope="col">${escaped(heading)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map(cellHtml).join('')}</tr>`).join('\n');
  return `<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table>`;
}

function tablePage({ title, head, headings, body }: Table): string {
  const about = head.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join('\n');
  return pageHtml(title, `<h1>${escaped(title)}</h1>\n<dl>\n${about}\n</dl>\n${tableHtml(headings, body)}`);
}

/** A self-contained page: it loads nothing. */
export function pageHtml(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${content}
</body>
</html>
`;
}

const STYLE = `
@page { size: A4; margin: 18mm; }
body { font: 11pt/1.45 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; }
h2 { font-size: 1.2rem; margin-top: 2rem; }
p.period { color: #555; margin-top: 0; }
p.notice { border-left: 4px solid #b45309; padding: .4rem .8rem; background: #fff7ed; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .3rem .5rem; border-bottom: 1px solid #ccc; vertical-align: top; overflow-wrap: anywhere; }
th { border-bottom: 2px solid #555; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; font-size: .9rem; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
tr { break-inside: avoid; }
thead { display: table-header-group; }
h2 { break-after: avoid; }
section.rules { break-before: page; }
@media print { body { max-width: none; margin: 0; padding: 0; font-size: 10pt; } }
`;
