import type { CounterMetric } from '../rules/metrics.ts';
import { exceptionsOf } from './exceptions.ts';
import type { Figure } from './figures.ts';
import type { Cell, Table } from './formats.ts';
import type { Item } from './items.ts';
import { isoTime, lastDay, type ReportRequest } from './request.ts';
import type { PublisherId, Site } from './settings.ts';

/** The metrics by their names in the Code for Research Data. */
const RD1_METRICS = {
  'total-dataset-investigations': 'total_investigations',
  'total-dataset-requests': 'total_requests',
  'unique-dataset-investigations': 'unique_investigations',
  'unique-dataset-requests': 'unique_requests',
} as const satisfies Record<string, CounterMetric>;
type Rd1Metric = keyof typeof RD1_METRICS;
const METRICS = Object.keys(RD1_METRICS) as Rd1Metric[];

/** Types of publisher ids in this Code. */
const PUBLISHER_ID_TYPES: Readonly<Partial<Record<PublisherId['type'], string>>> = {
  ISNI: 'isni',
  ORCID: 'orcid',
  GRID: 'grid',
  URN: 'urn',
  'CLIENT-ID': 'client-id',
};

interface Instance {
  readonly 'metric-type': Rd1Metric;
  readonly 'access-method': string;
  readonly count: number;
}

/** The report's header. */
function rd1Header(request: ReportRequest, site: Site, isEmpty: boolean): object {
  return {
    'report-name': 'dataset report',
    'report-id': 'dsr',
    release: 'rd1',
    created: isoTime(request.createdMs),
    'created-by': site.createdBy,
    'reporting-period': periodOf(request.months[0] ?? ''),
    'report-filters': [],
    'report-attributes': [],
    exceptions: exceptionsOf(request, isEmpty).map(({ code, message, data }) => ({
      code,
      severity: 'warning',
      message,
      data,
    })),
  };
}

/** The JSON: DataCite's hub reads `report-header`; its schema requires the same fields beside it. */
export function rd1Json(request: ReportRequest, site: Site, items: readonly Item[]): object {
  const header = rd1Header(request, site, items.length === 0);
  return { ...header, 'report-header': header, 'report-datasets': items.map((item) => datasetJson(item, site)) };
}

function datasetJson(item: Item, site: Site): object {
  return {
    'dataset-title': item.title,
    'dataset-id': [
      ...(item.doi === undefined ? [] : [{ type: 'doi', value: item.doi }]),
      { type: 'proprietary', value: item.proprietaryId },
    ],
    ...(item.url !== undefined && { uri: item.url }),
    ...(item.creators.length > 0 && {
      'dataset-contributors': item.creators.map(({ name }) => ({ type: 'name', value: name })),
    }),
    ...(item.publicationDate !== undefined && {
      'dataset-dates': [{ type: 'pub-date', value: item.publicationDate }],
    }),
    platform: site.platform,
    publisher: item.publisher,
    'publisher-id': item.publisherIds.flatMap(({ type, value }) => {
      const known = PUBLISHER_ID_TYPES[type];
      return known === undefined ? [] : [{ type: known, value }];
    }),
    'data-type': 'dataset',
    yop: item.year,
    performance: [...Map.groupBy(item.figures, ({ month }) => month)].map(([month, figures]) => ({
      period: periodOf(month),
      instance: figures.flatMap(instancesOf),
    })),
  };
}

function instancesOf(figure: Figure): readonly Instance[] {
  return METRICS.filter((metric) => figure[RD1_METRICS[metric]] > 0).map((metric) => ({
    'metric-type': metric,
    'access-method': figure.access,
    count: figure[RD1_METRICS[metric]],
  }));
}

const periodOf = (month: string): object => ({ 'begin-date': `${month}-01`, 'end-date': lastDay(month) });

const HEADINGS = ['dataset-title', 'publisher', 'publisher-id', 'platform', 'dataset-contributors', 'pub-date', 'doi', 'proprietary-id', 'uri', 'data-type', 'yop', 'access-method', 'metric-type', 'reporting-period-total'] as const; // prettier-ignore

/** The same as rows: one per dataset, access method and metric. */
export function rd1Table(request: ReportRequest, site: Site, items: readonly Item[]): Table {
  const { 'reporting-period': period, exceptions, ...rest } = rd1Header(request, site, items.length === 0) as Record<string, unknown>; // prettier-ignore
  const month = period as Readonly<Record<string, string>>;
  const told = (exceptions as readonly { code: number; message: string; data: string }[]).map(
    ({ code, message, data }) => `${code}: ${message} (${data})`,
  );
  return {
    title: 'Dataset report',
    head: [
      ...['report-name', 'report-id', 'release', 'created', 'created-by'].map(
        (name) => [name, String(rest[name])] as const,
      ),
      ['reporting-period', `begin-date=${month['begin-date']}; end-date=${month['end-date']}`],
      ['exceptions', told.join('; ')],
    ],
    headings: HEADINGS,
    body: items.flatMap((item) => rowsOf(item, site)),
  };
}

function rowsOf(item: Item, site: Site): readonly (readonly Cell[])[] {
  const ids = item.publisherIds.map(({ type, value }) => `${type.toLowerCase()}:${value}`).join('; ');
  const creators = item.creators.map(({ name }) => name).join('; ');
  const about: readonly Cell[] = [item.title, item.publisher, ids, site.platform, creators, item.publicationDate, item.doi, item.proprietaryId, item.url, 'dataset', item.year]; // prettier-ignore
  return item.figures.flatMap((figure) =>
    instancesOf(figure).map((one) => about.concat(one['access-method'], one['metric-type'], one.count)),
  );
}
