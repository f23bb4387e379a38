import { ARCHIVE_SIZE } from '../answer.ts';
import { seedId, STALLS_AFTER } from '../seeds.ts';
import { downloaded, fileEvent, queued, uploaded } from './events.ts';
import { del, file, get, inJson, one, post, type Scenario } from './scenario.ts';

const FILE = seedId('file', 500);
const LOCAL = seedId('file', 500, 'local');
const PRIVATE = seedId('file', 500, 'private');
const GONE = '65f000000000000000000fff';
const DATASET = seedId('dataset', 500);
const FOLDER = seedId('folder', 500);
const named = { file_name: 'file-500.txt', bytes: 1500 } as const;
const whole = { resource_id: FILE, ...named } as const;

const downloads: readonly Scenario[] = [
  one('GET /api/v2/files/{file_id} out of the object store, chunked', get(`/api/v2/files/${FILE}`, { headers: { 'x-api-key': 'canary-header-key' } }), 200,
    [downloaded('file', whole)], ['GET /api/v2/files/{file_id}']),
  one("a file on Clowder's own disk, with its length", get(`/api/v2/files/${LOCAL}`), 200,
    [downloaded('file', { ...named, resource_id: LOCAL })]),
  one('a version of a file', get(`/api/v2/files/${FILE}?version=3`), 200, [downloaded('file', { ...whole, version: 3 })]),
  ...['false', 'False', '0', 'no', 'off'].map((value) =>
    one(`increment=${value} is not counted`, get(`/api/v2/files/${FILE}?increment=${value}`, { agent: 'browser' }), 200,
      [downloaded('file', { ...whole, tracked: false })])),
  one('a client that leaves early', get(`/api/v2/files/${seedId('file', 500, 'stalling')}`, { leaveAfterBytes: STALLS_AFTER }), 200,
    [downloaded('file', { resource_id: seedId('file', 500, 'stalling'), file_name: 'file-500.txt', bytes: STALLS_AFTER, complete: false })]),
  one('a public file', get(`/api/v2/public_files/${FILE}`, { agent: 'browser' }), 200, [downloaded('file', whole)], ['GET /api/v2/public_files/{file_id}']),
  one('a public file of a private dataset: 200 and "null"', get(`/api/v2/public_files/${PRIVATE}`, { agent: 'browser' }), 200, []),
  one("a presigned URL: the bytes go another way", get(`/api/v2/files/${FILE}/url/?expires_in_seconds=60`), 200,
    [{ event: 'view.download', resource_type: 'file', resource_id: FILE, via: 'presigned', tracked: true }], ['GET /api/v2/files/{file_id}/url/']),
  one('a presigned URL without the slash is a redirect', get(`/api/v2/files/${FILE}/url`), 307, []),
  one('a dataset', get(`/api/v2/datasets/${DATASET}/download`), 200,
    [downloaded('dataset', { resource_id: DATASET, file_name: 'dataset-500.zip', bytes: ARCHIVE_SIZE })], ['GET /api/v2/datasets/{dataset_id}/download']),
  one('a public dataset', get(`/api/v2/public_datasets/${DATASET}/download`), 200,
    [downloaded('dataset', { resource_id: DATASET, file_name: 'dataset-500.zip', bytes: ARCHIVE_SIZE })], ['GET /api/v2/public_datasets/{dataset_id}/download']),
  one('a public dataset that is private', get(`/api/v2/public_datasets/${seedId('dataset', 500, 'private')}/download`), 404, []),
  one('a file that is not there', get(`/api/v2/files/${GONE}`), 404, []),
  one('a file that may not be read', get(`/api/v2/files/${PRIVATE}`), 403, []),
  one('a Clowder that fails', get(`/api/v2/files/${seedId('file', 500, 'broken')}`), 500, []),
  one('HEAD', { method: 'HEAD', path: `/api/v2/files/${FILE}` }, 405, []),
  one('OPTIONS', { method: 'OPTIONS', path: `/api/v2/files/${FILE}` }, 200, []),
  one('a thumbnail', get(`/api/v2/files/${FILE}/thumbnail`, { agent: 'browser' }), 200, []),
  one("a visualization's bytes", get(`/api/v2/visualizations/${FILE}/bytes`, { agent: 'browser' }), 200, []),
  one("a visualization's URL", get(`/api/v2/visualizations/${FILE}/url/`, { agent: 'browser' }), 200, []),
]; // prettier-ignore

const into = { dataset_id: DATASET, content_type: 'text/plain' } as const;

const uploads: readonly Scenario[] = [
  one('one file into a folder', post(`/api/v2/datasets/${DATASET}/files?folder_id=${FOLDER}`, { parts: [file('file', 'one.txt', 51)] }), 200,
    (got) => [uploaded({ file_id: inJson(got, 'id'), file_name: 'one.txt', bytes: 51, folder_id: FOLDER, ...into })], ['POST /api/v2/datasets/{dataset_id}/files']),
  one('several files', post(`/api/v2/datasets/${DATASET}/filesMultiple`, { parts: [file('files', 'a.txt', 52), file('files', 'b.txt', 53)], agent: 'browser' }), 200,
    (got) => [0, 1].map((index) => uploaded({ file_id: inJson(got, index, 'id'), file_name: index === 0 ? 'a.txt' : 'b.txt', bytes: 52 + index, ...into })),
    ['POST /api/v2/datasets/{dataset_id}/filesMultiple']),
  one("a file that was on Clowder's disk", post(`/api/v2/datasets/${DATASET}/local_files`, { json: { path: '/data/table.csv' } }), 200,
    (got) => [uploaded({ file_id: inJson(got, 'id'), file_name: 'table.csv', bytes: 4321, ...into, content_type: 'text/csv' })], ['POST /api/v2/datasets/{dataset_id}/local_files']),
  one('a file on the disk that nobody may add', post(`/api/v2/datasets/${DATASET}/local_files`, { json: { path: '/etc/passwd' } }), 500, []),
  one('an upload into a dataset that is not there', post(`/api/v2/datasets/${GONE}/files`, { parts: [file('file', 'one.txt', 51)] }), 404, []),
  one('an upload without a file', post(`/api/v2/datasets/${DATASET}/files`, { parts: [{ name: 'note', value: 'x' }] }), 422, []),
  one('a new version keeps its id', { method: 'PUT', path: `/api/v2/files/${seedId('file', 501)}`, parts: [file('file', 'file-501.txt', 54)] }, 200,
    [uploaded({ file_id: seedId('file', 501), file_name: 'file-501.txt', bytes: 54, version: 2, content_type: 'text/plain', dataset_id: seedId('dataset', 501) })], ['PUT /api/v2/files/{file_id}']),
  one('a new version of another name', { method: 'PUT', path: `/api/v2/files/${seedId('file', 502)}`, parts: [file('file', 'other.txt', 54)] }, 400, []),
  one('a thumbnail is not a file', post('/api/v2/thumbnails', { parts: [file('file', 'thumb.png', 55)], agent: 'pyclowder' }), 200, []),
]; // prettier-ignore

const changes: readonly Scenario[] = [
  one('DELETE /api/v2/files/{file_id}', del(`/api/v2/files/${seedId('file', 503)}`), 200,
    [fileEvent('file.deleted', { file_id: seedId('file', 503) })], ['DELETE /api/v2/files/{file_id}']),
  one('deleting a file that is not there', del(`/api/v2/files/${GONE}`), 404, []),
  one('deleting a folder answers with an id too', del(`/api/v2/datasets/${DATASET}/folders/${FOLDER}`), 200, []),
  one('an extraction of a file: the job is a bare string', post(`/api/v2/files/${FILE}/extract?extractorName=ncsa.wordcount`, { json: {} }), 200,
    (got) => [queued({ file_id: FILE, extractor_name: 'ncsa.wordcount', job_id: inJson(got) })], ['POST /api/v2/files/{file_id}/extract']),
  one('an extraction by a private extractor', post(`/api/v2/files/${FILE}/extract?extractorName=private.canary-extractor-key.mine`, { json: {} }), 200,
    (got) => [queued({ file_id: FILE, extractor_name: 'private.REDACTED.mine', job_id: inJson(got) })]),
  {
    name: 'asking how a job is doing is not an event',
    covers: ['GET /api/v2/jobs/{job_id}/summary'],
    send: [
      post(`/api/v2/files/${FILE}/extract?extractorName=ncsa.tile`, { json: {} }),
      ([got]) => get(`/api/v2/jobs/${inJson(got)}/summary`),
      get('/api/v2/jobs'),
    ],
    statuses: [200, 200, 200],
    expect: ([got]) => [queued({ file_id: FILE, extractor_name: 'ncsa.tile', job_id: inJson(got) })],
  },
  one('an extraction that names no extractor', post(`/api/v2/files/${FILE}/extract`, { json: {} }), 422, []),
  one('extractions again, as released: every listener "error"', post(`/api/v2/files/${FILE}/resubmit_extract`), 200, []),
  one('extractions again, as meant: one listener took it', post(`/api/v2/files/${LOCAL}/resubmit_extract`), 200,
    [queued({ file_id: LOCAL })], ['POST /api/v2/files/{file_id}/resubmit_extract']),
  one('an extraction of a dataset', post(`/api/v2/datasets/${DATASET}/extract?extractorName=ncsa.index`, { json: {} }), 200,
    (got) => [queued({ dataset_id: DATASET, extractor_name: 'ncsa.index', job_id: inJson(got) })], ['POST /api/v2/datasets/{dataset_id}/extract']),
]; // prettier-ignore

export const V2_FILES: readonly Scenario[] = [...downloads, ...uploads, ...changes];
