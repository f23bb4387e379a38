import { idsOfPublisher, type Catalog, type CatalogEntry } from '../catalog/catalog.ts';
import type { Figure } from './figures.ts';
import type { ReportKind } from './kinds.ts';
import type { AccessType, PublisherId, Site } from './settings.ts';

/** A dataset in reports. */
export interface Item {
  readonly id: string;
  /** `PLATFORM:<dataset id>` */
  readonly proprietaryId: string;
  /** The id if the title is unknown. */
  readonly title: string;
  readonly publisher: string;
  readonly publisherIds: readonly PublisherId[];
  readonly creators: NonNullable<CatalogEntry['creators']>;
  /** `0001` if unknown. */
  readonly year: string;
  readonly publicationDate?: string;
  readonly doi?: string;
  readonly url?: string;
  readonly accessType?: AccessType;
  readonly figures: readonly Figure[];
}

const UNKNOWN_YEAR = '0001';

/** The datasets in the figures, in their order. */
export function itemsOf(figures: readonly Figure[], catalog: Catalog, site: Site): readonly Item[] {
  const byDataset = Map.groupBy(figures, ({ dataset }) => dataset);
  return [...byDataset].map(([id, own]) => itemOf(id, own, catalog.get(id), site));
}

function itemOf(id: string, figures: readonly Figure[], known: CatalogEntry | undefined, site: Site): Item {
  const accessType = known?.access ?? site.accessType;
  return {
    id,
    proprietaryId: `${site.platformId}:${id}`,
    title: known?.title ?? id,
    publisher: known?.publisher ?? site.publisher,
    publisherIds: publisherIds(known, site),
    creators: known?.creators ?? [],
    year: yearOf(known),
    ...(known?.publication_date !== undefined && { publicationDate: known.publication_date }),
    ...(known?.doi !== undefined && { doi: known.doi }),
    ...(known?.url !== undefined && { url: known.url }),
    ...(accessType !== undefined && { accessType }),
    figures,
  };
}

/** The site's publisher ids must not appear with another publisher. */
function publisherIds(known: CatalogEntry | undefined, site: Site): readonly PublisherId[] {
  if (known?.publisher_id !== undefined) return idsOfPublisher(known);
  return known?.publisher === undefined || known.publisher === site.publisher ? site.publisherIds : [];
}

function yearOf(known: CatalogEntry | undefined): string {
  const year = known?.year ?? known?.publication_date?.slice(0, 4) ?? UNKNOWN_YEAR;
  return String(year).padStart(4, '0');
}

interface Wanted {
  readonly name: string;
  readonly isThere: (item: Item) => boolean;
  /** Where to state the value, and what the report shows without it. */
  readonly where: string;
}

const OF_DATASETS: readonly Wanted[] = [
  {
    name: 'title',
    isThere: ({ title, id }) => title !== id,
    where: 'The report shows the id instead. Give "title" in the catalog (--catalog), or run "usage catalog fetch"',
  },
  {
    name: 'year of publication',
    isThere: ({ year }) => year !== UNKNOWN_YEAR,
    where: `The report shows ${UNKNOWN_YEAR} instead. Give "year" in the catalog`,
  },
  {
    name: 'DOI',
    isThere: ({ doi }) => doi !== undefined,
    where: 'The report shows only the proprietary id. Give "doi" in the catalog',
  },
  { name: 'creator', isThere: ({ creators }) => creators.length > 0, where: 'Give "creators" in the catalog' },
  {
    name: 'id of the publisher',
    isThere: ({ publisherIds: ids }) => ids.length > 0,
    where: 'Give "publisher_id" in the catalog, or set REPORT_PUBLISHER_ID',
  },
];

/** What each report needs to know about datasets. */
const WANTED = {
  ir: [
    ...OF_DATASETS,
    {
      name: 'access type',
      isThere: ({ accessType }: Item) => accessType !== undefined,
      where: 'The report leaves Access_Type out. Give "access" in the catalog, or set REPORT_ACCESS_TYPE',
    },
  ],
  pr: [],
  pr_p1: [],
  rd1: OF_DATASETS,
  usage: [],
} as const satisfies Record<ReportKind, readonly Wanted[]>;

/** What a Code requires and is missing, one sentence each. */
export function missingOf(kind: ReportKind, items: readonly Item[]): readonly string[] {
  const wanted: readonly Wanted[] = WANTED[kind];
  return wanted.flatMap(({ name, isThere, where }) => {
    const count = items.filter((item) => !isThere(item)).length;
    return count === 0 ? [] : [`${count} of ${items.length} datasets have no ${name}. ${where}`];
  });
}
