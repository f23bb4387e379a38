import type { StoredFile, StoredJob, StoredThing } from '../store.ts';

/** The account that makes every request to the stand-in. */
export const USER = {
  id: '65a55e55000000000000000a',
  email: 'ada@example.org',
  first_name: 'Ada',
  last_name: 'Lovelace',
  admin: false,
  admin_mode: false,
  read_only_user: false,
} as const;

const CREATED = '2026-11-23T10:00:00.000000';

/** FileOut in backend/app/models/files.py. */
export const fileOut = (file: StoredFile): object => ({
  id: file.id,
  name: file.name,
  status: 'ACTIVE',
  creator: USER,
  created: CREATED,
  version_id: `v${file.version}`,
  version_num: file.version,
  dataset_id: file.datasetId,
  folder_id: file.folderId ?? null,
  views: 0,
  downloads: 0,
  bytes: file.size,
  content_type: { content_type: file.contentType, main_type: file.contentType.split('/')[0] },
  thumbnail_id: null,
  storage_type: file.trait === 'local' ? 'local' : 'minio',
  storage_path: null,
  object_type: 'file',
  origin_id: null,
  frozen: false,
});

/** DatasetOut in backend/app/models/datasets.py. */
export const datasetOut = ({ id, name, trait }: { id: string | null } & Omit<StoredThing, 'id'>): object => ({
  id,
  name,
  description: '',
  status: trait === 'private' ? 'PRIVATE' : 'PUBLIC',
  creator: USER,
  created: CREATED,
  modified: CREATED,
  user_views: 0,
  downloads: 0,
  thumbnail_id: null,
  origin_id: null,
  standard_license: true,
  license_id: 'CC BY',
  frozen: false,
  frozen_version_num: -999,
  deleted: false,
});

/** EventListenerJobOut in backend/app/models/listeners.py: a job not yet started. */
export const jobOut = ({ id, extractor, collection, resourceId }: StoredJob): object => ({
  id,
  listener_id: extractor,
  resource_ref: { collection, resource_id: resourceId, version: null },
  creator: USER,
  parameters: {},
  created: CREATED,
  started: null,
  updated: CREATED,
  finished: null,
  duration: null,
  latest_message: null,
  status: 'CREATED',
});

/** One page of a list: the form of all v2 lists. */
export const paged = (data: readonly object[]): object => ({
  metadata: { total_count: data.length, skip: 0, limit: 20 },
  data,
});

/** FastAPI's answers for a missing resource and for a request that does not match its model. */
export const notFound = (what: string): { detail: string } => ({ detail: `${what} not found` });
export const missing = (place: 'query' | 'body', name: string): object => ({
  detail: [{ loc: [place, name], msg: 'field required', type: 'value_error.missing' }],
});
