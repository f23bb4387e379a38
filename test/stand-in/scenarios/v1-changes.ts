import { seedId } from '../seeds.ts';
import { containerEvent, fileEvent, queued } from './events.ts';
import { del, inJson, one, post, type Scenario } from './scenario.ts';

const FILE = seedId('file', 300);
const GONE = '5f00000000000000000000ff';
const DATASET = seedId('dataset', 300);
const COLLECTION = seedId('collection', 300);
const SPACE = seedId('space', 300);

const files: readonly Scenario[] = [
  one('DELETE /api/files/:id', del(`/api/files/${seedId('file', 301)}`), 200,
    [fileEvent('file.deleted', { file_id: seedId('file', 301) })], ['DELETE /api/files/:id']),
  one("POST /api/files/:id/remove, as the upload form's button", post(`/api/files/${seedId('file', 302)}/remove`, { agent: 'browser' }), 200,
    [fileEvent('file.deleted', { file_id: seedId('file', 302) })], ['POST /api/files/:id/remove']),
  one('several deletes in one: only those that were deleted', post('/api/files/bulkRemove', {
    json: { fileIds: [seedId('file', 303), GONE, seedId('file', 300, 'private'), seedId('file', 300, 'broken'), seedId('file', 304)] } }), 200,
    [303, 304].map((number) => fileEvent('file.deleted', { file_id: seedId('file', number) })), ['POST /api/files/bulkRemove']),
  one('several deletes in one, of which none was done', post('/api/files/bulkRemove', { json: { fileIds: [GONE] } }), 200, []),
  one('detaching a file from a dataset deletes nothing', del(`/api/datasets/${DATASET}/${FILE}`), 200, []),
  one('POST /api/files/:id/archive', post(`/api/files/${FILE}/archive`, { agent: 'pyclowder' }), 200,
    [fileEvent('file.archived', { file_id: FILE })], ['POST /api/files/:id/archive']),
  one('POST /api/files/:id/unarchive', post(`/api/files/${FILE}/unarchive`, { agent: 'pyclowder' }), 200,
    [fileEvent('file.unarchived', { file_id: FILE })], ['POST /api/files/:id/unarchive']),
  one('archiving a file that is not there', post(`/api/files/${GONE}/archive`), 404, []),
]; // prettier-ignore

const extractions: readonly Scenario[] = [
  one('a request to archive is a job for the extractor that does it', post(`/api/files/${FILE}/sendArchiveRequest`), 200,
    [queued({ file_id: FILE })], ['POST /api/files/:id/sendArchiveRequest']),
  one('a request to unarchive', post(`/api/files/${FILE}/sendUnarchiveRequest`), 200,
    [queued({ file_id: FILE })], ['POST /api/files/:id/sendUnarchiveRequest']),
  one('an extraction of a file', post(`/api/files/${FILE}/extractions`, { json: { extractor: 'ncsa.wordcount', parameters: {} } }), 200,
    (got) => [queued({ file_id: FILE, extractor_name: 'ncsa.wordcount', job_id: inJson(got, 'job_id') })], ['POST /api/files/:file_id/extractions']),
  one('an extraction by a private extractor: its secret is not in the event', post(`/api/files/${FILE}/extractions`, { json: { extractor: 'private.canary-extractor-key.mine' } }), 200,
    (got) => [queued({ file_id: FILE, extractor_name: 'private.REDACTED.mine', job_id: inJson(got, 'job_id') })]),
  one('an extraction that names no extractor', post(`/api/files/${FILE}/extractions`, { json: {} }), 500, []),
  one('an extraction of a file that is not ready', post(`/api/files/${seedId('file', 300, 'broken')}/extractions`, { json: { extractor: 'x' } }), 409, []),
  one('an extraction of a dataset', post(`/api/datasets/${DATASET}/extractions`, { json: { extractor: 'ncsa.index' } }), 200,
    (got) => [queued({ dataset_id: DATASET, extractor_name: 'ncsa.index', job_id: inJson(got, 'job_id') })], ['POST /api/datasets/:ds_id/extractions']),
  one('extractions of selected files: a job each for those that are there', post(`/api/selected/submit/${DATASET}/${FILE},${GONE},${seedId('file', 305)}`, { json: { extractor: 'ncsa.tile' } }), 200,
    (got) => [FILE, seedId('file', 305)].map((id) => queued({ file_id: id, dataset_id: DATASET, extractor_name: 'ncsa.tile', job_id: inJson(got, 'jobs', id) })),
    ['POST /api/selected/submit/:ds_id/:file_ids']),
  one('extractions of selected files, none of which is there', post(`/api/selected/submit/${DATASET}/${GONE}`, { json: { extractor: 'ncsa.tile' } }), 200, []),
]; // prettier-ignore

const made = (
  kind: 'dataset' | 'collection' | 'space',
  path: string,
  extra: Readonly<Record<string, string>> = {},
  body: Readonly<Record<string, unknown>> = {},
): readonly Scenario[] => [
  one(
    `POST ${path}`,
    post(path, { json: { name: `made by ${path}`, ...body } }),
    200,
    (got) => [
      containerEvent(`${kind}.created`, {
        resource_id: inJson(got, 'id'),
        resource_name: `made by ${path}`,
        ...extra,
      }),
    ],
    [`POST ${path}`],
  ),
  one(`POST ${path} that says "error" with status 200`, post(path, { json: { name: 'refused', ...body } }), 200, []),
  one(`POST ${path} without a name`, post(path, { json: {} }), 400, []),
];

const wrapped: readonly Scenario[] = [
  one('a create whose answer is wrapped as JSONP', post('/api/datasets?callback=jsonp_8', { json: { name: 'Wrapped' } }), 200,
    (got) => [containerEvent('dataset.created', { resource_id: inJson(got, 'id'), resource_name: 'Wrapped' })]),
  one('a refusal wrapped as JSONP', post('/api/datasets?callback=jsonp_9', { json: { name: 'refused' } }), 200, []),
]; // prettier-ignore

const inSpace = { space_id: SPACE } as const;

const creates: readonly Scenario[] = [
  ...made('dataset', '/api/datasets', inSpace, { space: SPACE }),
  ...made('dataset', '/api/datasets/createempty', inSpace, { space: [SPACE], collection: [COLLECTION] }),
  ...made('collection', '/api/collections', inSpace, { space: SPACE }),
  ...made('collection', '/api/collections/newCollectionWithParent', inSpace, { space: SPACE, parentId: COLLECTION }),
  ...made('space', '/api/spaces'),
  one('a copy of a dataset is a new dataset', post(`/api/datasets/${DATASET}/copyDatasetToSpace/${SPACE}`), 200,
    (got) => [containerEvent('dataset.created', { resource_id: inJson(got, 'newDatasetId'), ...inSpace })], ['POST /api/datasets/:datasetId/copyDatasetToSpace/:spaceId']),
  one("the page's form for a collection", post('/collection/submit', { fields: { name: 'By form', description: '' }, agent: 'browser' }), 303,
    (got) => [containerEvent('collection.created', { resource_id: got.headers.get('location')?.split('/').at(-1) ?? '', resource_name: 'By form' })], ['POST /collection/submit']),
  one("the page's form for a collection in another: the redirect goes to the parent", post('/collection/submit', { fields: { name: 'Child', parentcolid: COLLECTION }, agent: 'browser' }), 303,
    [containerEvent('collection.created', { resource_name: 'Child' })]),
  one("the page's form for a collection, refused", post('/collection/submit', { fields: { name: 'refused' }, agent: 'browser' }), 303, []),
  one("the page's form for a space", post('/spaces/submit', { parts: [{ name: 'name', value: 'Lab' }, { name: 'submitValue', value: 'Create' }], agent: 'browser' }), 303,
    (got) => [containerEvent('space.created', { resource_id: got.headers.get('location')?.split('/').at(-1) ?? '', resource_name: 'Lab' })], ['POST /spaces/submit']),
  one("the page's form for a space that was there: the same redirect, and nothing new", post('/spaces/submit', { parts: [{ name: 'name', value: 'Lab' }, { name: 'space_id', value: SPACE }, { name: 'submitValue', value: 'Update' }], agent: 'browser' }), 303, []),
]; // prettier-ignore

const removed = (
  event: 'dataset.deleted' | 'collection.deleted' | 'space.deleted',
  kind: 'dataset' | 'collection' | 'space',
  number: number,
  row: string,
): Scenario => {
  const id = seedId(kind, number);
  const [method = '', template = ''] = row.split(' ');
  const sent = { method, path: template.replace(/:\w+/, id) };
  return one(row, sent, 200, [containerEvent(event, { resource_id: id })], [row]);
};

const deletes: readonly Scenario[] = [
  removed('dataset.deleted', 'dataset', 301, 'DELETE /api/datasets/:id'),
  removed('dataset.deleted', 'dataset', 302, 'POST /api/datasets/:id/detachdelete'),
  removed('collection.deleted', 'collection', 301, 'DELETE /api/collections/:coll_id'),
  removed('collection.deleted', 'collection', 302, 'POST /api/collections/:coll_id/remove'),
  removed('space.deleted', 'space', 301, 'DELETE /api/spaces/:id'),
  one('deleting a dataset that is not there', del(`/api/datasets/${GONE}`), 404, []),
  one('emptying the trash of datasets: nobody knows which', del('/api/datasets/emptyTrash'), 200, []),
  one('emptying the trash of collections', del('/api/collections/emptyTrash'), 200, []),
  one('clearing old trash', del('/api/datasets/clearOldDatasetsTrash?days=30'), 200, []),
  one('deleting what is selected', del('/api/selected/files'), 200, []),
  one('deleting a folder', del(`/api/datasets/${DATASET}/deleteFolder/${seedId('folder', 300)}`), 200, []),
  one('archiving a dataset', post(`/api/datasets/${DATASET}/queueArchival`, { json: {} }), 200,
    [containerEvent('dataset.archived', { resource_id: DATASET })], ['POST /api/datasets/:id/queueArchival']),
  one('unarchiving a dataset', post(`/api/datasets/${DATASET}/queueUnarchival`, { json: {} }), 200,
    [containerEvent('dataset.unarchived', { resource_id: DATASET })], ['POST /api/datasets/:id/queueUnarchival']),
  one('archiving a dataset that is not there', post(`/api/datasets/${GONE}/queueArchival`, { json: {} }), 404, []),
]; // prettier-ignore

export const V1_CHANGES: readonly Scenario[] = [...files, ...extractions, ...creates, ...wrapped, ...deletes];
