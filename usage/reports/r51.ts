import type { CounterMetric } from '../rules/metrics.ts';
import { exceptionsOf, type Exception } from './exceptions.ts';
import { compare, type Counts, type Total } from './figures.ts';
import type { Item } from './items.ts';
import { isoTime, lastDay, type ReportRequest } from './request.ts';
import type { PublisherId, Site } from './settings.ts';

/** The reports of COUNTER Release 5.1 that a data repository must offer. */
export type R51Kind = 'ir' | 'pr' | 'pr_p1';

/** The metrics by their names in Release 5.1, in the order of its tables. */
export const R51_METRICS = {
  Total_Item_Investigations: 'total_investigations',
  Total_Item_Requests: 'total_requests',
  Unique_Item_Investigations: 'unique_investigations',
  Unique_Item_Requests: 'unique_requests',
} as const satisfies Record<string, CounterMetric>;
export type R51Metric = keyof typeof R51_METRICS;
const ALL_METRICS = Object.keys(R51_METRICS) as R51Metric[];
const REQUESTS = ['Total_Item_Requests', 'Unique_Item_Requests'] as const;

const ACCESS_METHODS = { regular: 'Regular', tdm: 'TDM', machine: 'TDM' } as const;

/** What a request to the COUNTER API selects besides months. */
export interface Selection {
  readonly metrics: readonly R51Metric[];
  readonly attributes: readonly string[];
  readonly granularity: 'Month' | 'Total';
  /** Whether the report includes a dataset. */
  readonly keeps: (item: Item) => boolean;
  /** In the header's form. */
  readonly filters: Readonly<Record<string, string | readonly string[]>>;
  readonly exceptions: readonly Exception[];
}

export interface R51Header {
  readonly Report_Name: string;
  readonly Report_ID: string;
  readonly Release: '5.1';
  readonly Institution_Name: string;
  readonly Institution_ID: Readonly<Record<string, readonly string[]>>;
  readonly Report_Filters: Readonly<Record<string, string | readonly string[]>>;
  readonly Report_Attributes?: Readonly<Record<string, string | readonly string[]>>;
  readonly Exceptions?: readonly { readonly Code: number; readonly Message: string; readonly Data: string }[];
  readonly Created: string;
  readonly Created_By: string;
  readonly Registry_Record: string;
}

/** Figures by month, if any. */
export type Performance = Readonly<Partial<Record<R51Metric, Readonly<Record<string, number>>>>>;

export interface AttributePerformance {
  readonly Data_Type: 'Dataset';
  readonly YOP?: string;
  readonly Access_Type?: string;
  readonly Access_Method?: string;
  readonly Performance: Performance;
}

/** A report of Release 5.1 before it becomes JSON or a table. */
export interface R51Report {
  readonly header: R51Header;
  readonly months: readonly string[];
  readonly metrics: readonly R51Metric[];
  readonly lines: readonly R51Line[];
}

export interface R51Line {
  /** Absent in platform reports. */
  readonly item?: Item;
  readonly performance: AttributePerformance;
}

interface Kind {
  readonly name: string;
  readonly metrics: readonly R51Metric[];
  readonly attributes: (items: readonly Item[]) => readonly string[];
  readonly filters: Readonly<Record<string, readonly string[]>>;
  /** Access methods in the report. */
  readonly access: readonly string[];
}

const KINDS = {
  ir: {
    name: 'Item Report',
    metrics: ALL_METRICS,
    attributes: (items) => [
      'Authors',
      'Publication_Date',
      'YOP',
      ...(knowsAccess(items) ? ['Access_Type'] : []),
      'Access_Method',
    ],
    filters: {},
    access: ['regular', 'tdm'],
  },
  pr: {
    name: 'Platform Report',
    metrics: ALL_METRICS,
    attributes: () => ['Access_Method'],
    filters: {},
    access: ['regular', 'tdm'],
  },
  pr_p1: {
    name: 'Platform Usage',
    metrics: REQUESTS,
    attributes: () => [],
    // As in the standard view, including searches and titles, which a data repository does not have.
    filters: {
      Access_Method: ['Regular'],
      Metric_Type: ['Searches_Platform', 'Total_Item_Requests', 'Unique_Item_Requests', 'Unique_Title_Requests'],
    },
    access: ['regular'],
  },
} as const satisfies Record<R51Kind, Kind>;

/** If some dataset's access type is unknown, the column is left out: nothing is invented. */
const knowsAccess = (items: readonly Item[]): boolean => items.every(({ accessType }) => accessType !== undefined);

/** "The World": everybody's usage, whatever their institution. */
export const WORLD = '0000000000000000';

export function r51Report(
  kind: R51Kind,
  request: ReportRequest,
  site: Site,
  items: readonly Item[],
  totals: readonly Total[],
  selection?: Selection,
): R51Report {
  const definition: Kind = KINDS[kind];
  const { metrics = definition.metrics, granularity = 'Month', keeps = (): boolean => true } = selection ?? {};
  const shown = items.filter(keeps);
  const attributes = selection?.attributes ?? definition.attributes(shown);
  const how: How = { attributes, metrics, ...(granularity === 'Total' && { whole: request.months[0] }) };
  const lines =
    kind === 'ir' ? shown.flatMap((item) => linesOfItem(item, how)) : linesOfPlatform(totals, definition, how);
  return {
    header: headerOf(kind, request, site, lines.length === 0, {
      attributes: {
        ...(attributes.length > 0 && { Attributes_To_Show: attributes }),
        ...(granularity === 'Total' && { Granularity: granularity }),
      },
      filters: { ...definition.filters, ...selection?.filters },
      exceptions: selection?.exceptions,
    }),
    months: granularity === 'Total' ? [] : request.months,
    metrics,
    lines,
  };
}

interface How {
  readonly attributes: readonly string[];
  readonly metrics: readonly R51Metric[];
  /** All months as one, under the first month's name: the JSON has no other. */
  readonly whole?: string | undefined;
}

interface Head {
  readonly attributes: Readonly<Record<string, string | readonly string[]>>;
  readonly filters: Readonly<Record<string, string | readonly string[]>>;
  /** Replace those that follow from the request. */
  readonly exceptions: readonly Exception[] | undefined;
}

function headerOf(kind: R51Kind, request: ReportRequest, site: Site, isEmpty: boolean, head: Head): R51Header {
  const { attributes, filters, exceptions = exceptionsOf(request, isEmpty) } = head;
  return {
    Report_Name: KINDS[kind].name,
    Report_ID: kind.toUpperCase(),
    Release: '5.1',
    Institution_Name: 'The World',
    Institution_ID: { Proprietary: [`${site.platformId}:${WORLD}`] },
    Report_Filters: {
      Begin_Date: `${request.months[0]}-01`,
      End_Date: lastDay(request.months.at(-1) ?? ''),
      ...filters,
    },
    ...(Object.keys(attributes).length > 0 && { Report_Attributes: attributes }),
    ...(exceptions.length > 0 && {
      Exceptions: exceptions.map(({ code, message, data }) => ({ Code: code, Message: message, Data: data })),
    }),
    Created: isoTime(request.createdMs),
    Created_By: site.createdBy,
    Registry_Record: site.registryRecord,
  };
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => compare(a, b);

function linesOfItem(item: Item, { attributes, metrics, whole }: How): readonly R51Line[] {
  const shows = (attribute: string): boolean => attributes.includes(attribute);
  return [...Map.groupBy(item.figures, ({ access }) => ACCESS_METHODS[access])]
    .toSorted(byName)
    .flatMap(([method, figures]) => {
      const performance = performanceOf(figures, metrics, whole);
      if (Object.keys(performance).length === 0) return [];
      return {
        item,
        performance: {
          Data_Type: 'Dataset' as const,
          ...(shows('YOP') && { YOP: item.year }),
          ...(shows('Access_Type') && item.accessType !== undefined && { Access_Type: item.accessType }),
          ...(shows('Access_Method') && { Access_Method: method }),
          Performance: performance,
        },
      };
    });
}

function linesOfPlatform(
  totals: readonly Total[],
  { access }: Kind,
  { attributes, metrics, whole }: How,
): readonly R51Line[] {
  return [...Map.groupBy(totals, (total) => total.access)].toSorted(byName).flatMap(([method, own]) => {
    const performance = performanceOf(own, metrics, whole);
    if (!access.includes(method) || Object.keys(performance).length === 0) return [];
    return {
      performance: {
        Data_Type: 'Dataset' as const,
        ...(attributes.includes('Access_Method') && { Access_Method: ACCESS_METHODS[method] }),
        Performance: performance,
      },
    };
  });
}

/** By metric and month, without zeros. A total is the sum of its months, even for uniques: no session spans two months. */
function performanceOf(
  figures: readonly (Counts & { readonly month: string })[],
  metrics: readonly R51Metric[],
  whole: string | undefined,
): Performance {
  const performance: Partial<Record<R51Metric, Readonly<Record<string, number>>>> = {};
  for (const metric of metrics) {
    const counts = new Map<string, number>();
    for (const figure of figures) {
      const period = whole ?? figure.month;
      counts.set(period, (counts.get(period) ?? 0) + figure[R51_METRICS[metric]]);
    }
    const used = [...counts].filter(([, count]) => count > 0).toSorted(byName);
    if (used.length > 0) performance[metric] = Object.fromEntries(used);
  }
  return performance;
}

/** JSON of the COUNTER API. */
export function r51Json({ header, lines }: R51Report, site: Site): object {
  const shown = [header.Report_Attributes?.['Attributes_To_Show'] ?? []].flat();
  return { Report_Header: header, Report_Items: lines.length === 0 ? [] : bodyOf(lines, site, shown) };
}

function bodyOf(lines: readonly R51Line[], site: Site, shown: readonly string[]): readonly object[] {
  const byItem = Map.groupBy(lines, ({ item }) => item);
  const performances = (own: readonly R51Line[]): readonly AttributePerformance[] =>
    own.map(({ performance }) => performance);
  const platform = byItem.get(undefined);
  if (platform !== undefined) return [{ Platform: site.platform, Attribute_Performance: performances(platform) }];
  const items = [...byItem].flatMap(([item, own]) =>
    item === undefined ? [] : [itemJson(item, site, shown, performances(own))],
  );
  return [{ Items: items }];
}

/** Most authors that Release 5.1 shows. */
export const AUTHORS_MAX = 3;

function itemJson(
  item: Item,
  site: Site,
  shown: readonly string[],
  performance: readonly AttributePerformance[],
): object {
  const ids = publisherIdJson(item.publisherIds, site);
  return {
    Item: item.title,
    Publisher: item.publisher,
    ...(ids !== undefined && { Publisher_ID: ids }),
    Platform: site.platform,
    ...(item.creators.length > 0 &&
      shown.includes('Authors') && {
        Authors: item.creators.slice(0, AUTHORS_MAX).map(authorJson),
      }),
    ...(item.publicationDate !== undefined &&
      shown.includes('Publication_Date') && { Publication_Date: item.publicationDate }),
    Item_ID: {
      ...(item.doi !== undefined && { DOI: item.doi }),
      Proprietary: item.proprietaryId,
      ...(item.url !== undefined && { URI: item.url }),
    },
    Attribute_Performance: performance,
  };
}

const authorJson = ({ name, isni, orcid }: Item['creators'][number]): object => ({
  Name: name,
  ...(isni !== undefined && { ISNI: isni }),
  ...(orcid !== undefined && { ORCID: orcid }),
});

/** Id types of Release 5.1; others belong to the platform, and so are proprietary. */
export function publisherIdJson(
  ids: readonly PublisherId[],
  site: Site,
): Readonly<Record<string, readonly string[]>> | undefined {
  if (ids.length === 0) return undefined;
  const named = ids.map(({ type, value }) =>
    type === 'ISNI' || type === 'ROR'
      ? ([type, value] as const)
      : (['Proprietary', `${site.platformId}:${value}`] as const),
  );
  return Object.fromEntries(
    [...Map.groupBy(named, ([type]) => type)].map(([type, own]) => [type, own.map(([, value]) => value)]),
  );
}
