import { asId } from '../../taxonomy/http/facts.ts';
import { redactExtractorName } from '../../taxonomy/redaction.ts';
import type { HttpEvent } from '../../taxonomy/http/types.ts';
import type { RouteMatch } from '../../taxonomy/routes/match.ts';
import type { Route } from '../../taxonomy/routes/route.ts';
import type { CapturedAttributes } from './types.ts';

const ID_ATTRIBUTES = {
  file: 'clowder.file.id',
  dataset: 'clowder.dataset.id',
  collection: 'clowder.collection.id',
  space: 'clowder.space.id',
  folder: 'clowder.folder.id',
  job: 'clowder.job.id',
} as const;

type ResourceKind = keyof typeof ID_ATTRIBUTES;

/** Path parameters whose names say what they identify. */
const KIND_OF_PARAMETER: Readonly<Record<string, ResourceKind>> = {
  file_id: 'file',
  fileId: 'file',
  ds_id: 'dataset',
  dataset_id: 'dataset',
  datasetId: 'dataset',
  parentDatasetId: 'dataset',
  coll_id: 'collection',
  collection_id: 'collection',
  collectionId: 'collection',
  space_id: 'space',
  spaceId: 'space',
  folder_id: 'folder',
  folderId: 'folder',
  job_id: 'job',
};

/** What `:id` identifies, by the segment before it. v1's extractions belong to a file. */
const KIND_OF_ID_AFTER: Readonly<Record<string, ResourceKind>> = {
  files: 'file',
  public_files: 'file',
  extractions: 'file',
  datasets: 'dataset',
  dataset: 'dataset',
  public_datasets: 'dataset',
  uploadToDataset: 'dataset',
  withFlags: 'dataset',
  uploaddnd: 'dataset',
  collections: 'collection',
  collection: 'collection',
  spaces: 'space',
};

const EXTRACTOR = 'clowder.extractor.name';
const EXTRACTOR_PARAMETERS = new Set(['extractorName', 'extractor_name']);

/** The attributes that a route's parameters fill, computed once per route. */
const attributesOfRoute = new Map<Route, readonly (readonly [parameter: string, attribute: string])[]>();

function parametersOf(route: Route): readonly (readonly [parameter: string, attribute: string])[] {
  let found = attributesOfRoute.get(route);
  if (found === undefined) {
    const segments = route.template.split('/');
    found = segments.flatMap((segment, index): (readonly [parameter: string, attribute: string])[] => {
      if (!segment.startsWith(':')) return [];
      const name = segment.slice(1);
      if (EXTRACTOR_PARAMETERS.has(name)) return [[name, EXTRACTOR]];
      const kind = name === 'id' ? KIND_OF_ID_AFTER[segments[index - 1] ?? ''] : KIND_OF_PARAMETER[name];
      return kind === undefined ? [] : [[name, ID_ATTRIBUTES[kind]]];
    });
    attributesOfRoute.set(route, found);
  }
  return found;
}

/** Adds the resources that the path names: files, datasets, collections, spaces, folders, jobs and extractors. */
export function addPathIds(attributes: CapturedAttributes, { route, params }: RouteMatch): void {
  for (const [parameter, attribute] of parametersOf(route)) {
    const value = params[parameter];
    if (value === undefined) continue;
    if (attribute === EXTRACTOR) attributes[attribute] = redactExtractorName(value);
    else {
      const id = asId(value);
      if (id !== undefined) attributes[attribute] = id;
    }
  }
}

const FIELDS = {
  file_id: ID_ATTRIBUTES.file,
  dataset_id: ID_ATTRIBUTES.dataset,
  space_id: ID_ATTRIBUTES.space,
  folder_id: ID_ATTRIBUTES.folder,
  job_id: ID_ATTRIBUTES.job,
} as const;

/** Adds the ids that all events of the request share. */
export function addEventIds(attributes: CapturedAttributes, events: readonly HttpEvent[]): void {
  const first = events[0];
  if (first === undefined) return;
  for (const field of Object.keys(FIELDS) as (keyof typeof FIELDS)[]) {
    const id = first.data[field];
    if (id !== undefined && events.every(({ data }) => data[field] === id)) attributes[FIELDS[field]] = id;
  }
  const { resource_id: id, resource_type: named } = first.data;
  const kind = named ?? first.event.slice(0, first.event.indexOf('.'));
  if (id !== undefined && events.length === 1 && isKind(kind)) attributes[ID_ATTRIBUTES[kind]] = id;
}

function isKind(kind: unknown): kind is ResourceKind {
  return typeof kind === 'string' && Object.hasOwn(ID_ATTRIBUTES, kind);
}
