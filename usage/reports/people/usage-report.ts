import { COUNTER_METRICS } from '../../rules/metrics.ts';
import { sumOf } from '../figures.ts';
import type { Cell, Report } from '../formats.ts';
import type { Item } from '../items.ts';
import { isoTime } from '../request.ts';
import type { UsageReportInput } from './input.ts';
import { usagePage } from './page.ts';

const HEADINGS = ['dataset_id', 'title', 'doi', ...COUNTER_METRICS, 'bytes'];

/** The report for people: a page; as a table, one row per dataset; as JSON, everything on the page. */
export function usageReport(input: UsageReportInput): Report {
  const { request, site, figures, items, summary, spikes, restated } = input;
  const bytesOf = ({ id }: Item): number => summary.bytesOf.get(id) ?? 0;
  const json = {
    report: 'usage',
    platform: site.platform,
    from: request.months[0],
    to: request.months.at(-1),
    time_zone: request.zone,
    created: isoTime(request.createdMs),
    ...(request.partial !== undefined && { partial: request.partial }),
    months: request.months.map((month) => monthJson(month, input)),
    datasets: items.map((item) => datasetJson(item, bytesOf(item))),
    clients: summary.clients,
    attribution: summary.attribution,
    unattributed: figures.unattributed,
    spikes,
    ...(restated.length > 0 && { restated }),
  };
  const body = items.map((item) => rowOf(item, bytesOf(item)));
  const table = { title: `Usage of ${site.platform}`, head: [], headings: HEADINGS, body };
  return { json, table, page: usagePage(input) };
}

function monthJson(month: string, { figures, summary }: UsageReportInput): object {
  const one = summary.months.find((found) => found.month === month);
  return {
    month,
    ...sumOf(figures.totals.filter((total) => total.month === month)),
    visitors: one?.visitors ?? 0,
    bytes: one?.bytes ?? 0,
  };
}

const datasetJson = (item: Item, bytes: number): object => ({
  dataset_id: item.id,
  title: item.title,
  ...(item.doi !== undefined && { doi: item.doi }),
  ...sumOf(item.figures),
  bytes,
});

function rowOf(item: Item, bytes: number): readonly Cell[] {
  const counts = sumOf(item.figures);
  return [item.id, item.title, item.doi, ...COUNTER_METRICS.map((metric) => counts[metric]), bytes];
}
