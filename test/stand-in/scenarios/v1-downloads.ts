import { ARCHIVE_SIZE } from '../answer.ts';
import { LARGE_SIZE, seedId, STALLS_AFTER } from '../seeds.ts';
import { downloaded, uploaded } from './events.ts';
import { file, get, inJson, one, post, type Scenario } from './scenario.ts';

const FILE = seedId('file', 200);
const SIZE = 1200;
const DATASET = seedId('dataset', 200);
const ODD_NAME = "Größe; it's 100%.txt";
const whole = { resource_id: FILE, file_name: 'file-200.txt', bytes: SIZE } as const;

const files: readonly Scenario[] = [
  one('GET /api/files/:id is the bytes, not a description', get(`/api/files/${FILE}?key=canary-query-key`), 200,
    [downloaded('file', { ...whole, url: `/api/files/${FILE}?key=REDACTED` })], ['GET /api/files/:id']),
  one('GET /api/files/:id/blob', get(`/api/files/${FILE}/blob`), 200,
    [downloaded('file', whole)], ['GET /api/files/:id/blob']),
  one('GET /files/:id/blob from the page', get(`/files/${FILE}/blob`, { agent: 'browser', headers: { 'sec-fetch-dest': 'document' } }), 200,
    [downloaded('file', whole)], ['GET /files/:id/blob']),
  one("a previewer's load of the bytes is not counted", get(`/files/${FILE}/blob`, { agent: 'browser', headers: { 'sec-fetch-dest': 'image' } }), 200,
    [downloaded('file', { ...whole, tracked: false })]),
  one('tracking=false is not counted', get(`/api/files/${FILE}/blob?tracking=false`), 200,
    [downloaded('file', { ...whole, tracked: false })]),
  one("an extractor's download is told apart", get(`/api/files/${FILE}?key=k`, { agent: 'pyclowder' }), 200,
    [downloaded('file', { ...whole, url: `/api/files/${FILE}?key=REDACTED` })]),
  one("a robot's download is told apart", get(`/api/files/${FILE}/blob`, { agent: 'bot' }), 200, [downloaded('file', whole)]),
  one('GET /files/:id/download/:format', get(`/files/${FILE}/download/png`, { agent: 'browser' }), 200,
    [downloaded('file', { ...whole, file_name: 'file-200.txt.png', format: 'png' })], ['GET /files/:id/download/:format']),
  one('a conversion without Polyglot is a text, not a download', get(`/files/${FILE}/download/unknown`), 200, []),
  one('a share link holds a secret, and the file is not known', get(`/files/links/${seedId('link', 200)}`, { agent: 'browser' }), 200,
    [downloaded('file', { file_name: 'file-200.txt', bytes: SIZE, url: '/files/links/REDACTED' })], ['GET /files/links/:linkId']),
  one('a share link that leads nowhere', get('/files/links/5f00000000000000000000ff'), 400, []),
  one('pieces of one viewer are one download', get(`/api/files/${FILE}/blob`, { headers: { range: 'bytes=0-99' } }), 206,
    [downloaded('file', { ...whole, bytes: 100, range: `bytes 0-99/${SIZE}`, complete: false })]),
  one("a player's probe is none", get(`/api/files/${FILE}/blob`, { headers: { range: 'bytes=0-1' } }), 206, []),
  one('a piece that is not there', get(`/api/files/${FILE}/blob`, { headers: { range: 'bytes=9999-' } }), 416, []),
  one('a long file', get(`/api/files/${seedId('file', 200, 'large')}/blob`), 200,
    [downloaded('file', { resource_id: seedId('file', 200, 'large'), file_name: 'file-200.txt', bytes: LARGE_SIZE })]),
  one('a client that leaves early', get(`/api/files/${seedId('file', 200, 'stalling')}/blob`, { leaveAfterBytes: STALLS_AFTER }), 200,
    [downloaded('file', { resource_id: seedId('file', 200, 'stalling'), file_name: 'file-200.txt', bytes: STALLS_AFTER, complete: false })]),
  {
    name: 'a name with semicolons, percent signs and umlauts comes through upload and download',
    send: [
      post('/api/files', { parts: [file('File', ODD_NAME, 40)] }),
      ([got]) => get(`/api/files/${inJson(got, 'id')}/blob`),
    ],
    statuses: [200, 200],
    expect: ([got]) => {
      const id = inJson(got, 'id');
      return [
        uploaded({ file_id: id, file_name: ODD_NAME, bytes: 40, content_type: 'text/plain' }),
        downloaded('file', { resource_id: id, file_name: ODD_NAME, bytes: 40, url: `/api/files/${id}/blob` }),
      ];
    },
  },
  one('an id in capitals is the same file', get(`/api/files/${FILE.toUpperCase()}/blob`), 200, [downloaded('file', whole)]),
]; // prettier-ignore

const zip = { bytes: ARCHIVE_SIZE } as const;
const both = `${FILE},${seedId('file', 201)}`;

const archives: readonly Scenario[] = [
  one('GET /api/datasets/:id/download', get(`/api/datasets/${DATASET}/download?bagit=true`), 200,
    [downloaded('dataset', { resource_id: DATASET, file_name: 'dataset-200.zip', ...zip })], ['GET /api/datasets/:id/download']),
  one('a dataset with tracking=false', get(`/api/datasets/${DATASET}/download?tracking=false`), 200,
    [downloaded('dataset', { resource_id: DATASET, file_name: 'dataset-200.zip', tracked: false, ...zip })]),
  one('a part of a dataset is a download of each file, whose bytes nobody knows', get(`/api/datasets/${DATASET}/downloadPartial?fileList=${both}`), 200,
    both.split(',').map((id) => downloaded('file', { resource_id: id, dataset_id: DATASET })), ['GET /api/datasets/:id/downloadPartial']),
  one('a folder of a dataset', get(`/api/datasets/${DATASET}/downloadFolder?folderId=${seedId('folder', 200)}`), 200,
    [downloaded('dataset', { resource_id: DATASET, folder_id: seedId('folder', 200), file_name: 'dataset-200 (raw Folder).zip', ...zip })],
    ['GET /api/datasets/:id/downloadFolder']),
  one('a collection', get(`/api/collections/${seedId('collection', 200)}/download`), 200,
    [downloaded('collection', { resource_id: seedId('collection', 200), file_name: 'collection-200.zip', ...zip })], ['GET /api/collections/:id/download']),
  one('what the user has selected: datasets that the request does not name', get('/api/selected/files'), 200,
    [downloaded('dataset', { file_name: 'Selected Datasets.zip', ...zip })], ['GET /api/selected/files']),
]; // prettier-ignore

const none: readonly Scenario[] = [
  one('a file that is not there', get('/api/files/5f00000000000000000000ff/blob'), 404, []),
  one('a file that may not be read', get(`/api/files/${seedId('file', 200, 'private')}/blob`), 401, []),
  one('a file that may not be read, on the page', get(`/files/${seedId('file', 200, 'private')}/blob`), 303, []),
  one('a Clowder that fails', get(`/api/files/${seedId('file', 200, 'broken')}/blob?key=canary-query-key`), 500, []),
  one('a dataset that may not be read', get(`/api/datasets/${seedId('dataset', 200, 'private')}/download`), 401, []),
  one("a file's description", get(`/api/files/${FILE}/metadata`), 200, []),
  one("a preview's bytes", get(`/api/previews/${FILE}`), 200, []),
  one("a thumbnail's bytes", get(`/api/thumbnails/${FILE}/blob`), 200, []),
  one("a query file's bytes", get(`/api/queries/${FILE}`), 200, []),
  one('HEAD', { method: 'HEAD', path: `/api/files/${FILE}/blob` }, 404, []),
  one('OPTIONS', { method: 'OPTIONS', path: `/api/files/${FILE}/blob` }, 200, []),
  one('a slash at the end', get(`/api/files/${FILE}/blob/?tracking=false`), 301, []),
];

export const V1_DOWNLOADS: readonly Scenario[] = [...files, ...archives, ...none];
