import type { CounterMetric } from '../rules/metrics.ts';
import { exceptionsOf } from './exceptions.ts';
import { compare, type Counts, type Total } from './figures.ts';
import type { Item } from './items.ts';
import { isoTime, lastDay, type ReportRequest } from './request.ts';
import type { PublisherId, Site } from './settings.ts';

/** Reports of COUNTER Release 5.1 that a repository of data owes. */
export type R51Kind = 'ir' | 'pr' | 'pr_p1';

/** The metrics by the names of Release 5.1, in the order of its tables. */
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

export interface R51Header {
  readonly Report_Name: string;
  readonly Report_ID: string;
  readonly Release: '5.1';
  readonly Institution_Name: string;
  readonly Institution_ID: Readonly<Record<string, readonly string[]>>;
  readonly Report_Filters: Readonly<Record<string, string | readonly string[]>>;
  readonly Report_Attributes?: Readonly<Record<string, readonly string[]>>;
  readonly Exceptions?: readonly { readonly Code: number; readonly Message: string; readonly Data: string }[];
  readonly Created: string;
  readonly Created_By: string;
  readonly Registry_Record: string;
}

/** Figures by month, where there are any. */
export type Performance = Readonly<Partial<Record<R51Metric, Readonly<Record<string, number>>>>>;

export interface AttributePerformance {
  readonly Data_Type: 'Dataset';
  readonly YOP?: string;
  readonly Access_Type?: string;
  readonly Access_Method?: string;
  readonly Performance: Performance;
}

/** What a report of Release 5.1 is made of, before it has the form of JSON or of a table. */
export interface R51Report {
  readonly header: R51Header;
  readonly months: readonly string[];
  readonly metrics: readonly R51Metric[];
  readonly lines: readonly R51Line[];
}

export interface R51Line {
  /** Absent in reports of the platform. */
  readonly item?: Item;
  readonly performance: AttributePerformance;
}

interface Kind {
  readonly name: string;
  readonly metrics: readonly R51Metric[];
  readonly attributes: (items: readonly Item[]) => readonly string[];
  readonly filters: Readonly<Record<string, readonly string[]>>;
  /** Ways of access that are in it. */
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
    // As the standard view has it, searches and titles included, of which there are none.
    filters: {
      Access_Method: ['Regular'],
      Metric_Type: ['Searches_Platform', 'Total_Item_Requests', 'Unique_Item_Requests', 'Unique_Title_Requests'],
    },
    access: ['regular'],
  },
} as const satisfies Record<R51Kind, Kind>;

/** A column that some datasets cannot fill is left out: nothing is made up. */
const knowsAccess = (items: readonly Item[]): boolean => items.every(({ accessType }) => accessType !== undefined);

/** "The World": usage of everybody, whoever they belong to. */
const WORLD = '0000000000000000';

export function r51Report(
  kind: R51Kind,
  request: ReportRequest,
  site: Site,
  items: readonly Item[],
  totals: readonly Total[],
): R51Report {
  const definition: Kind = KINDS[kind];
  const lines =
    kind === 'ir'
      ? items.flatMap((item) => linesOfItem(item, knowsAccess(items)))
      : linesOfPlatform(totals, definition);
  return {
    header: headerOf(kind, definition, request, site, items, lines.length === 0),
    months: request.months,
    metrics: definition.metrics,
    lines,
  };
}

function headerOf(
  kind: R51Kind,
  definition: Kind,
  request: ReportRequest,
  site: Site,
  items: readonly Item[],
  isEmpty: boolean,
): R51Header {
  const attributes = definition.attributes(items);
  const exceptions = exceptionsOf(request, isEmpty);
  return {
    Report_Name: definition.name,
    Report_ID: kind.toUpperCase(),
    Release: '5.1',
    Institution_Name: 'The World',
    Institution_ID: { Proprietary: [`${site.platformId}:${WORLD}`] },
    Report_Filters: {
      Begin_Date: `${request.months[0]}-01`,
      End_Date: lastDay(request.months.at(-1) ?? ''),
      ...definition.filters,
    },
    ...(attributes.length > 0 && { Report_Attributes: { Attributes_To_Show: attributes } }),
    ...(exceptions.length > 0 && {
      Exceptions: exceptions.map(({ code, message, data }) => ({ Code: code, Message: message, Data: data })),
    }),
    Created: isoTime(request.createdMs),
    Created_By: site.createdBy,
    Registry_Record: site.registryRecord,
  };
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => compare(a, b);

function linesOfItem(item: Item, withAccess: boolean): readonly R51Line[] {
  return [...Map.groupBy(item.figures, ({ access }) => ACCESS_METHODS[access])]
    .toSorted(byName)
    .map(([method, figures]) => ({
      item,
      performance: {
        Data_Type: 'Dataset',
        YOP: item.year,
        ...(withAccess && item.accessType !== undefined && { Access_Type: item.accessType }),
        Access_Method: method,
        Performance: performanceOf(figures, ALL_METRICS),
      },
    }));
}

function linesOfPlatform(totals: readonly Total[], { access, metrics, attributes }: Kind): readonly R51Line[] {
  const showsMethod = attributes([]).includes('Access_Method');
  return [...Map.groupBy(totals, (total) => total.access)].toSorted(byName).flatMap(([method, own]) => {
    const performance = performanceOf(own, metrics);
    if (!access.includes(method) || Object.keys(performance).length === 0) return [];
    return {
      performance: {
        Data_Type: 'Dataset' as const,
        ...(showsMethod && { Access_Method: ACCESS_METHODS[method] }),
        Performance: performance,
      },
    };
  });
}

/** By metric and month, without zeros. */
function performanceOf(
  figures: readonly (Counts & { readonly month: string })[],
  metrics: readonly R51Metric[],
): Performance {
  const performance: Partial<Record<R51Metric, Readonly<Record<string, number>>>> = {};
  for (const metric of metrics) {
    const months: [string, number][] = figures.map((figure) => [figure.month, figure[R51_METRICS[metric]]]);
    const used = months.filter(([, count]) => count > 0).toSorted(byName);
    if (used.length > 0) performance[metric] = Object.fromEntries(used);
  }
  return performance;
}

/** The JSON of the COUNTER API. */
export function r51Json({ header, lines }: R51Report, site: Site): object {
  return { Report_Header: header, Report_Items: lines.length === 0 ? [] : bodyOf(lines, site) };
}

function bodyOf(lines: readonly R51Line[], site: Site): readonly object[] {
  const byItem = Map.groupBy(lines, ({ item }) => item);
  const performances = (own: readonly R51Line[]): readonly AttributePerformance[] =>
    own.map(({ performance }) => performance);
  const platform = byItem.get(undefined);
  if (platform !== undefined) return [{ Platform: site.platform, Attribute_Performance: performances(platform) }];
  const items = [...byItem].flatMap(([item, own]) =>
    item === undefined ? [] : [itemJson(item, site, performances(own))],
  );
  return [{ Items: items }];
}

/** Release 5.1 shows so many. */
export const AUTHORS_MAX = 3;

function itemJson(item: Item, site: Site, performance: readonly AttributePerformance[]): object {
  const ids = publisherIdJson(item.publisherIds, site);
  return {
    Item: item.title,
    Publisher: item.publisher,
    ...(ids !== undefined && { Publisher_ID: ids }),
    Platform: site.platform,
    ...(item.creators.length > 0 && {
      Authors: item.creators.slice(0, AUTHORS_MAX).map(authorJson),
    }),
    ...(item.publicationDate !== undefined && { Publication_Date: item.publicationDate }),
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

/** Types that Release 5.1 knows; others are the platform's own, and so proprietary. */
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
