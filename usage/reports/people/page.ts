import type { AgentClass } from '../../rules/agents.ts';
import type { Reason } from '../../rules/reasons.ts';
import { compare, sumOf, type Counts } from '../figures.ts';
import { escaped, pageHtml, tableHtml, type Cell } from '../formats.ts';
import type { Item } from '../items.ts';
import { isoTime } from '../request.ts';
import { restatedText } from '../restatements.ts';
import { spikeText } from '../spikes.ts';
import type { UsageReportInput } from './input.ts';
import { rulesHtml } from './rules-text.ts';

const CLIENTS = {
  browser: 'Browsers',
  tool: 'Tools, such as curl and Python',
  program: 'Other programs',
  bot: 'Robots',
  ai_agent: 'AI agents',
  extractor: 'Extractors of Clowder',
} as const satisfies Record<AgentClass, string>;

/** Why an event is or is not counted. */
const WHY = {
  counted: 'counted',
  repeat: 'double click: the last one is counted',
  preview: 'content that a page fetched to show it',
  untracked: 'Clowder was asked not to count it',
  tool: 'a tool without a user or key',
  bot: 'robot',
  ai_agent: 'AI agent',
  extractor: 'extractor',
  excluded_user: 'own staff or test',
  excluded_network: 'own network',
  excluded_agent: 'own program',
} as const satisfies Record<Reason, string>;

const METRIC_HEADINGS = ['Views and downloads', 'unique', 'Downloads', 'unique'] as const;
const countsOf = (counts: Counts): readonly number[] => [
  counts.total_investigations,
  counts.unique_investigations,
  counts.total_requests,
  counts.unique_requests,
];

/** The report for people, as a page that prints well. */
export function usagePage(input: UsageReportInput): string {
  const { request, site } = input;
  const [first = '', last = first] = [request.months[0], request.months.at(-1)];
  const title = `Usage of ${site.platform}, ${first === last ? first : `${first} to ${last}`}`;
  const sections = [
    `<h1>${escaped(title)}</h1>`,
    `<p class="period">Months and days of ${escaped(request.zone)}. Figures as of ${isoTime(request.createdMs)}.</p>`,
    ...notices(input),
    section('How much was used?', monthTable(input)),
    section('Which datasets?', datasetTable(input)),
    section('Who asked, and what is counted?', clientTable(input)),
    attributionText(input),
    rulesHtml(request.zone),
  ];
  return pageHtml(title, sections.join('\n'));
}

const section = (heading: string, content: string): string => `<h2>${heading}</h2>\n${content}`;
const notice = (text: string): string => `<p class="notice">${escaped(text)}</p>`;

function notices({ request, spikes, restated, figures }: UsageReportInput): readonly string[] {
  return [
    ...(request.partial === undefined ? [] : [notice(`Not complete: ${request.partial}.`)]),
    ...(figures.rows.length === 0 ? [notice('Nothing was used in this period, or nothing was recorded.')] : []),
    ...spikes.map((spike) => notice(`Unusual: ${spikeText(spike)}.`)),
    ...restated.map((one) => notice(`Restated: ${restatedText(one)}.`)),
  ];
}

function monthTable({ request, figures, summary }: UsageReportInput): string {
  const rows = request.months.map((month): readonly Cell[] => {
    const one = summary.months.find((row) => row.month === month);
    const counts = sumOf(figures.totals.filter((total) => total.month === month));
    return [month, ...countsOf(counts), one?.visitors ?? 0, bytesText(one?.bytes ?? 0)];
  });
  return tableHtml(['Month', ...METRIC_HEADINGS, 'Visitors', 'Downloaded'], rows);
}

function datasetTable({ items, summary }: UsageReportInput): string {
  if (items.length === 0) return '<p>None.</p>';
  const ranked = items
    .map((item) => ({ item, counts: sumOf(item.figures) }))
    .toSorted((a, b) => b.counts.total_investigations - a.counts.total_investigations || compare(a.item.id, b.item.id));
  const rows = ranked.map(({ item, counts }) => datasetRow(nameOf(item), counts, summary.bytesOf.get(item.id) ?? 0));
  return tableHtml(['Dataset', ...METRIC_HEADINGS, 'Downloaded'], rows);
}

const datasetRow = (name: string, counts: Counts, bytes: number): readonly Cell[] => [
  name,
  ...countsOf(counts),
  bytesText(bytes),
];

const nameOf = ({ title, id, doi }: Item): string => [title, ...(title === id ? [] : [doi ?? id])].join(' · ');

function clientTable({ summary }: UsageReportInput): string {
  const rows = summary.clients.map(({ client, why, views, downloads }) => [CLIENTS[client], WHY[why], views, downloads]); // prettier-ignore
  const total = (read: (row: (typeof summary.clients)[number]) => number): number =>
    summary.clients.reduce((sum, row) => sum + read(row), 0);
  return tableHtml(
    ['Client', 'Counted, or why not', 'Views', 'Downloads'],
    [...rows, ['All', '', total(({ views }) => views), total(({ downloads }) => downloads)]],
  );
}

function attributionText({ figures, summary }: UsageReportInput): string {
  const noItem = summary.attribution['no_item'] ?? 0;
  const told = [
    ...(figures.unattributed > 0
      ? [
          `${figures.unattributed} views and downloads are of files whose dataset is not known. They are in the table above, and in no figure of a dataset.`,
        ]
      : []),
    ...(noItem > 0 ? [`${noItem} views and downloads are of collections and spaces, which are not datasets.`] : []),
  ];
  return told.map((text) => `<p>${escaped(text)}</p>`).join('\n');
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Units in powers of ten, with three digits. */
function bytesText(bytes: number): string {
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  return `${Number((bytes / 1000 ** power).toPrecision(3)).toLocaleString('en')} ${UNITS[power]}`;
}
