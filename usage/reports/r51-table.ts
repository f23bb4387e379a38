import { AUTHORS_MAX, publisherIdJson, type R51Header, type R51Line, type R51Metric, type R51Report } from './r51.ts';
import type { Item } from './items.ts';
import type { Site } from './settings.ts';
import type { Cell, Table } from './formats.ts';

interface Column {
  readonly name: string;
  /** The column is present only if this attribute is shown. */
  readonly attribute?: string;
  readonly value: (line: R51Line, site: Site) => Cell;
}

const ofItem =
  (read: (item: Item, site: Site) => Cell) =>
  (line: R51Line, site: Site): Cell =>
    line.item === undefined ? '' : read(line.item, site);

/** Columns of the Item Report only, in its order; some are always empty for datasets. */
const ITEM_COLUMNS: readonly Column[] = [
  { name: 'Item', value: ofItem(({ title }) => title) },
  { name: 'Publisher', value: ofItem(({ publisher }) => publisher) },
  { name: 'Publisher_ID', value: ofItem(({ publisherIds }, site) => idList(publisherIdJson(publisherIds, site))) },
  { name: 'Platform', value: (_line, site) => site.platform },
  { name: 'Authors', attribute: 'Authors', value: ofItem(authors) },
  { name: 'Publication_Date', attribute: 'Publication_Date', value: ofItem((item) => item.publicationDate) },
  { name: 'DOI', value: ofItem(({ doi }) => doi) },
  { name: 'Proprietary_ID', value: ofItem(({ proprietaryId }) => proprietaryId) },
  { name: 'ISBN', value: () => '' },
  { name: 'Print_ISSN', value: () => '' },
  { name: 'Online_ISSN', value: () => '' },
  { name: 'URI', value: ofItem(({ url }) => url) },
];
const PLATFORM_COLUMNS: readonly Column[] = [{ name: 'Platform', value: (_line, site) => site.platform }];
const SHARED_COLUMNS: readonly Column[] = [
  { name: 'Data_Type', value: ({ performance }) => performance.Data_Type },
  { name: 'YOP', attribute: 'YOP', value: ({ performance }) => performance.YOP },
  { name: 'Access_Type', attribute: 'Access_Type', value: ({ performance }) => performance.Access_Type },
  { name: 'Access_Method', attribute: 'Access_Method', value: ({ performance }) => performance.Access_Method },
];

function authors({ creators }: Item): string {
  const one = ({ name, orcid, isni }: Item['creators'][number]): string => {
    if (orcid !== undefined) return `${name} (ORCID:${orcid})`;
    return isni === undefined ? name : `${name} (ISNI:${isni})`;
  };
  return creators.slice(0, AUTHORS_MAX).map(one).join('; ');
}

/** `ISNI:…; ROR:…`; proprietary ids include their namespace. */
function idList(ids: Readonly<Record<string, readonly string[]>> | undefined): string {
  return Object.entries(ids ?? {})
    .flatMap(([type, values]) =>
      values.slice(0, 1).map((value) => (type === 'Proprietary' ? value : `${type}:${value}`)),
    )
    .join('; ');
}

/** The tabular form: 13 header rows, an empty row, headings, and a row per item, access method and metric. */
export function r51Table({ header, months, metrics, lines }: R51Report, site: Site): Table {
  const shown = new Set([header.Report_Attributes?.['Attributes_To_Show'] ?? []].flat());
  const columns = [...(header.Report_ID === 'IR' ? ITEM_COLUMNS : PLATFORM_COLUMNS), ...SHARED_COLUMNS].filter(
    ({ attribute }) => attribute === undefined || shown.has(attribute),
  );
  const headings = [
    ...columns.map(({ name }) => name),
    'Metric_Type',
    'Reporting_Period_Total',
    ...months.map(monthName),
  ];
  const body = lines.flatMap((line) => rowsOf(line, columns, metrics, months, site));
  return { title: header.Report_Name, head: headerRows(header), headings, body };
}

function rowsOf(
  line: R51Line,
  columns: readonly Column[],
  metrics: readonly R51Metric[],
  months: readonly string[],
  site: Site,
): readonly (readonly Cell[])[] {
  const about = columns.map(({ value }) => value(line, site));
  return metrics.flatMap((metric) => {
    const counts = line.performance.Performance[metric];
    if (counts === undefined) return [];
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return [[...about, metric, total, ...months.map((month) => counts[month] ?? 0)]];
  });
}

function headerRows(header: R51Header): readonly (readonly [string, string])[] {
  const { Begin_Date: begin, End_Date: end, Metric_Type: metrics, ...filters } = header.Report_Filters;
  return [
    ['Report_Name', header.Report_Name],
    ['Report_ID', header.Report_ID],
    ['Release', header.Release],
    ['Institution_Name', header.Institution_Name],
    ['Institution_ID', idList(header.Institution_ID)],
    ['Metric_Types', metrics === undefined ? '' : [metrics].flat().join('; ')],
    ['Report_Filters', named(filters)],
    ['Report_Attributes', named(header.Report_Attributes ?? {})],
    ['Exceptions', (header.Exceptions ?? []).map((one) => `${one.Code}: ${one.Message} (${one.Data})`).join('; ')],
    ['Reporting_Period', `Begin_Date=${String(begin)}; End_Date=${String(end)}`],
    ['Created', header.Created],
    ['Created_By', header.Created_By],
    ['Registry_Record', header.Registry_Record],
  ];
}

const named = (values: Readonly<Record<string, string | readonly string[]>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${[value].flat().join('|')}`)
    .join('; ');

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Oct-2026` for `2026-10`. */
function monthName(month: string): string {
  const [year, number] = month.split('-').map(Number);
  return `${MONTHS[(number ?? 1) - 1]}-${year}`;
}
