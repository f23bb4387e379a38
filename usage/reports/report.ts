import type { UsageStore } from '../store/usage-store.ts';
import { placesOf, type Catalog } from '../catalog/catalog.ts';
import { storedCatalog } from '../catalog/catalog-table.ts';
import { checkFigures } from './check.ts';
import { figuresOf, type Figures, type FiguresOptions } from './figures.ts';
import type { Report } from './formats.ts';
import { itemsOf, missingOf, type Item } from './items.ts';
import { REPORTS, type ReportKind } from './kinds.ts';
import { summaryOf } from './people/summary.ts';
import { usageReport } from './people/usage-report.ts';
import { r51Json, r51Report, type R51Kind, type Selection } from './r51.ts';
import { r51Table } from './r51-table.ts';
import { rd1Json, rd1Table } from './rd1.ts';
import { monthAfter, type ReportRequest } from './request.ts';
import { monthsPeriod } from '../rules/time-zone.ts';
import { keepReported, restatedText, type Restated } from './restatements.ts';
import type { Site } from './settings.ts';
import { MONTHS_BEFORE, spikesOf, spikeText, type Spike } from './spikes.ts';

export interface MadeReport {
  readonly report: Report;
  /** What the publisher of the report should know, one sentence each; not part of the report. */
  readonly notes: readonly string[];
}

export interface ReportInput {
  readonly store: UsageStore;
  readonly request: ReportRequest;
  readonly site: Site;
  /** Facts about datasets beyond those in the store; an unknown dataset appears by its id. */
  readonly catalog?: Catalog | undefined;
  /** Time of publication, in Unix milliseconds: complete months are stored as reported. If left out, nothing is stored. */
  readonly reportedMs?: number | undefined;
  /** What to include in a report of Release 5.1. @default all */
  readonly selection?: (Selection & Pick<FiguresOptions, 'access' | 'rolledUp'>) | undefined;
}

interface Parts {
  readonly input: ReportInput;
  readonly options: FiguresOptions;
  readonly figures: Figures;
  readonly items: readonly Item[];
  readonly spikes: readonly Spike[];
  readonly restated: readonly Restated[];
}

/**
 * Makes a report from a store. The same events, catalog and settings give the same report.
 *
 * @throws ReportError inconsistent if its figures are impossible
 */
export async function makeReport(input: ReportInput): Promise<MadeReport> {
  const { store, request, site, catalog: given = new Map(), selection } = input;
  const catalog = new Map([...(await storedCatalog(store)), ...given]);
  const options = {
    code: REPORTS[request.kind].code,
    period: request.period,
    zone: request.zone,
    access: selection?.access,
    rolledUp: selection?.rolledUp,
  };
  if (given.size > 0) await store.place(placesOf(catalog));
  const figures = await figuresOf(store, options);
  checkFigures(figures);
  const items = itemsOf(figures.rows, catalog, site);
  const spikes = await findSpikes(store, request, figures, options);
  const parts: Parts = { input, options, figures, items, spikes, restated: await restatedIn(input, options, figures) };
  return { report: await WRITERS[request.kind](parts), notes: notesOf(parts) };
}

const r51 =
  (kind: R51Kind) =>
  ({ input: { request, site, selection }, items, figures }: Parts): Report => {
    const report = r51Report(kind, request, site, items, figures.totals, selection);
    return { json: r51Json(report, site), table: r51Table(report, site) };
  };

const WRITERS = {
  ir: r51('ir'),
  pr: r51('pr'),
  pr_p1: r51('pr_p1'),
  rd1: ({ input: { request, site }, items }) => ({
    json: rd1Json(request, site, items),
    table: rd1Table(request, site, items),
  }),
  usage: async ({ input: { store, request, site }, options, figures, items, spikes, restated }) =>
    usageReport({ request, site, figures, items, spikes, restated, summary: await summaryOf(store, options) }),
} as const satisfies Record<ReportKind, (parts: Parts) => Report | Promise<Report>>;

/** Stores what is reported, and returns what has changed since. An unfinished month does not count as reported yet. */
async function restatedIn(
  { store, request, reportedMs, selection }: ReportInput,
  { code, zone }: FiguresOptions,
  { rows }: Figures,
): Promise<readonly Restated[]> {
  if (reportedMs === undefined || request.partial !== undefined) return [];
  // A subset of access methods, or all as one, cannot be compared with earlier reports.
  if (selection?.access !== undefined || selection?.rolledUp === true) return [];
  return keepReported(store, { code, zone, months: request.months, figures: rows, nowMs: reportedMs });
}

/**
 * Only for the report for people, who look at spikes, and only if a figure is high enough: twelve more months are much to read.
 */
async function findSpikes(
  store: UsageStore,
  { kind, months, zone }: ReportRequest,
  figures: Figures,
  options: FiguresOptions,
): Promise<readonly Spike[]> {
  const [first = ''] = months;
  if (kind !== 'usage' || spikesOf(figures.rows, months).length === 0) return [];
  const before = monthsPeriod(monthAfter(first, -MONTHS_BEFORE), monthAfter(first, -1), zone);
  const { firstMs } = await store.contents();
  // Without the year before in the store, nobody can say what is usual.
  if (firstMs === undefined || firstMs >= before.toMs) return [];
  const history = await figuresOf(store, { ...options, period: before });
  return spikesOf([...history.rows, ...figures.rows], months);
}

function notesOf({ input: { request }, items, figures, spikes, restated }: Parts): readonly string[] {
  const { partial } = request;
  return [
    ...(partial === undefined ? [] : [`The report is not complete: ${partial}`]),
    ...(figures.rows.length === 0 ? ['Nothing was used in this period, or nothing was recorded'] : []),
    ...(figures.unattributed === 0
      ? []
      : [
          `${figures.unattributed} views and downloads are of files whose dataset is not known, so no figure has them. Run "usage catalog fetch", or list the files in the catalog (--catalog)`,
        ]),
    ...missingOf(request.kind, items),
    ...spikes.map(spikeText),
    ...restated.map((one) => `${restatedText(one)}: usage restatements lists them`),
  ];
}
