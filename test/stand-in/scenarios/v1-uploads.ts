import { seedId } from '../seeds.ts';
import { containerEvent, uploaded } from './events.ts';
import { file, inJson, lastOf, one, post, type FormPart, type Scenario } from './scenario.ts';

const DATASET = seedId('dataset', 100);
const FOLDER = seedId('folder', 100);
const FIRST = file('File', 'first.txt', 100);
const SECOND = file('second', 'second.csv', 200, 'text/csv');
const LONG = 3 * 1024 * 1024 + 1;
const INTO_DATASET = { dataset_id: DATASET } as const;

/** One file, answered with `{"id"}`. */
const oneFile = (path: string, covers: string, extra: Readonly<Record<string, string>> = {}): Scenario =>
  one(
    `${covers} with one file`,
    post(path, { parts: [FIRST] }),
    200,
    (got) => [
      uploaded({
        file_id: inJson(got, 'id'),
        file_name: 'first.txt',
        bytes: 100,
        content_type: 'text/plain',
        ...extra,
      }),
    ],
    [covers],
  );

/** Two files, answered with a list of objects under `ids`. */
const twoFiles = (path: string, name: string, extra: Readonly<Record<string, string>> = {}): Scenario =>
  one(name, post(path, { parts: [FIRST, SECOND] }), 200, (got) => [
    uploaded({ file_id: inJson(got, 'ids', 0, 'id'), file_name: 'first.txt', bytes: 100, content_type: 'text/plain', ...extra }), // prettier-ignore
    uploaded({ file_id: inJson(got, 'ids', 1, 'id'), file_name: 'second.csv', bytes: 200, content_type: 'text/csv', ...extra }), // prettier-ignore
  ]);

const api: readonly Scenario[] = [
  oneFile('/api/files?key=canary-query-key', 'POST /api/files'),
  twoFiles('/api/files', 'two files in one request are two events, by the objects under "ids"'),
  one(
    'a file sent in chunks, without a length',
    post('/api/files', { parts: [FIRST], headers: { 'transfer-encoding': 'chunked' } }),
    200,
    (got) => [uploaded({ file_id: inJson(got, 'id'), file_name: 'first.txt', bytes: 100, content_type: 'text/plain' })],
  ),
  one(
    'a file so long that the client waits for 100 Continue',
    post('/api/files', { parts: [file('File', 'long.bin', LONG, 'application/octet-stream')] }),
    200,
    (got) => [
      uploaded({
        file_id: inJson(got, 'id'),
        file_name: 'long.bin',
        bytes: LONG,
        content_type: 'application/octet-stream',
      }),
    ],
  ),
  one('no file in the form is no upload', post('/api/files', { parts: [{ name: 'note', value: 'x' }] }), 400, []),
  oneFile('/api/files/withFlags/+nopreviews', 'POST /api/files/withFlags/:flags'),
  oneFile(
    `/api/uploadToDataset/withFlags/${DATASET}/+nopreviews`,
    'POST /api/uploadToDataset/withFlags/:id/:flags',
    INTO_DATASET,
  ),
  oneFile(`/api/uploadToDataset/${DATASET}?folder_id=${FOLDER}&extract=false`, 'POST /api/uploadToDataset/:id', {
    ...INTO_DATASET,
    folder_id: FOLDER,
  }),
  twoFiles(`/api/uploadToDataset/${DATASET}?callback=jsonp_7`, 'an answer wrapped as JSONP is read', INTO_DATASET),
  one(
    'an upload into a dataset that is not there',
    post('/api/uploadToDataset/5f00000000000000000000ff', { parts: [FIRST] }),
    404,
    [],
  ),
  {
    ...oneFile(
      `/api/files/uploadIntermediate/${seedId('file', 100)}+archive`,
      'POST /api/files/uploadIntermediate/:idAndFlags',
    ),
    send: [
      post(`/api/files/uploadIntermediate/${seedId('file', 100)}+archive`, { parts: [FIRST], agent: 'pyclowder' }),
    ],
  },
  oneFile('/api/extractions/upload_file?extract=true', 'POST /api/extractions/upload_file'),
  oneFile(`/api/datasets/${DATASET}/files`, 'POST /api/datasets/:id/files', INTO_DATASET),
  one(
    'one URL to fetch: the id from the answer, the name from the URL',
    post(`/api/datasets/${DATASET}/urls`, { json: { url: 'https://example.org/a.csv' } }),
    200,
    (got) => [uploaded({ file_id: inJson(got, 'id'), file_name: 'a.csv', ...INTO_DATASET })],
    ['POST /api/datasets/:id/urls'],
  ),
  one(
    'several URLs to fetch',
    post(`/api/datasets/${DATASET}/urls`, {
      json: [{ weburl: 'https://example.org/a.csv' }, { path: '/data/b.csv' }],
    }),
    200,
    (got) => [
      uploaded({ file_id: inJson(got, 'ids', 0, 'id'), file_name: 'a.csv', ...INTO_DATASET }),
      uploaded({ file_id: inJson(got, 'ids', 1, 'id'), file_name: 'b.csv', ...INTO_DATASET }),
    ],
  ),
  one('no URL to fetch', post(`/api/datasets/${DATASET}/urls`, { json: { note: 'x' } }), 400, []),
  one(
    'an upload by URL to the extraction service',
    post('/api/extractions/upload_url', { json: { fileurl: 'https://example.org/a.csv', dataset: DATASET } }),
    200,
    (got) => [uploaded({ file_id: inJson(got, 'id'), file_name: 'a.csv', ...INTO_DATASET })],
    ['POST /api/extractions/upload_url'],
  ),
  one(
    'uploads by several URLs: the keys of the answer are the files, less those that failed and the page itself',
    post('/api/extractions/multiple_uploadby_url', {
      json: { fileurls: ['https://example.org/a', 'https://example.org/refused', 'https://example.org/b'] },
    }),
    200,
    (got) =>
      Object.entries(JSON.parse(got.text) as Record<string, string>)
        .filter(([key]) => key !== 'id' && !key.startsWith('failed-'))
        .map(([id, url]) => uploaded({ file_id: id, file_name: lastOf(url) })),
    ['POST /api/extractions/multiple_uploadby_url'],
  ),
];

const form = (...parts: readonly FormPart[]): readonly FormPart[] => [{ name: 'datasetid', value: DATASET }, ...parts];

const pages: readonly Scenario[] = [
  one(
    'POST /upload: the id is in the URL of the file',
    post('/upload', { parts: [FIRST], agent: 'browser' }),
    200,
    (got) => [
      uploaded({
        file_id: lastOf(inJson(got, 'files', 0, 'url')),
        file_name: 'first.txt',
        bytes: 100,
        content_type: 'text/plain',
      }),
    ],
    ['POST /upload'],
  ),
  one(
    "POST /dataset/submit: the dataset is a form field, the file's id in its URL, and a refused file is a 200 too",
    post(`/dataset/submit?folderId=${FOLDER}`, {
      parts: form(file('files[]', 'kept.txt', 30), file('files[]', 'refused.txt', 31), file('files[]', 'last.txt', 32)),
      agent: 'browser',
    }),
    200,
    (got) =>
      [0, 2].map((index) =>
        uploaded({
          file_id: lastOf(inJson(got, 'files', index, 'url')),
          file_name: index === 0 ? 'kept.txt' : 'last.txt',
          bytes: 30 + index,
          content_type: 'text/plain',
          dataset_id: DATASET,
          folder_id: FOLDER,
        }),
      ),
    ['POST /dataset/submit'],
  ),
  one(
    'POST /dataset/submit of nothing but refused files',
    post('/dataset/submit', { parts: form(file('files[]', 'refused.txt', 31)), agent: 'browser' }),
    200,
    [],
  ),
  one(
    'POST /uploaddnd/:id answers with a redirect: an upload of an unknown file',
    post(`/uploaddnd/${DATASET}`, { parts: [FIRST], agent: 'browser' }),
    303,
    [uploaded({ file_name: 'first.txt', bytes: 100, content_type: 'text/plain', ...INTO_DATASET })],
    ['POST /uploaddnd/:id'],
  ),
  one(
    'POST /extraction/upload hides the id in a page: an upload of an unknown file',
    post('/extraction/upload', { parts: [FIRST], agent: 'browser' }),
    200,
    [uploaded({ file_name: 'first.txt', bytes: 100, content_type: 'text/plain' })],
    ['POST /extraction/upload'],
  ),
  one(
    'POST /api/datasets/createfrombag: the id is in a text, the bag itself no upload',
    post('/api/datasets/createfrombag', { parts: [file('File', 'bag.zip', 500, 'application/zip')] }),
    200,
    (got) => [containerEvent('dataset.created', { resource_id: got.text.split(' ').at(-1) ?? '' })],
    ['POST /api/datasets/createfrombag'],
  ),
  one(
    'a bag that is none creates nothing',
    post('/api/datasets/createfrombag', { parts: [file('File', 'bag.tar', 500)] }),
    400,
    [],
  ),
];

const noUploads: readonly Scenario[] = [
  one('an image to search for is no upload', post('/uploadDragDrop', { parts: [FIRST], agent: 'browser' }), 200, []),
  one('sendJob answers with the id of a file that was there', post(`/api/files/sendJob/${seedId('file', 100)}/text`), 200, []), // prettier-ignore
  one('a preview is not a file', post('/api/previews', { parts: [FIRST], agent: 'pyclowder' }), 200, []),
  one('a thumbnail is not a file', post('/api/fileThumbnail', { parts: [FIRST], agent: 'pyclowder' }), 200, []),
  one('attaching files creates no dataset', post('/api/datasets/attachmultiple', { json: { name: 'x' } }), 200, []),
];

export const V1_UPLOADS: readonly Scenario[] = [...api, ...pages, ...noUploads];
