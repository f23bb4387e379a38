import { describe, expect, test } from 'vitest';
import { mapHttpRequest } from './map-request.ts';
import type { ClowderVersion, HttpEvent, HttpRequest } from './types.ts';

const ID = '5f1e00000000000000000001';
const OTHER = '5f1e00000000000000000002';
const THIRD = '5f1e00000000000000000003';
const HTML = { 'content-type': 'text/html; charset=utf-8' };

type Headers = Readonly<Record<string, string>>;
type Seen = Partial<Omit<HttpRequest, 'requestHeader' | 'responseHeader'>> & {
  sent?: Headers;
  answered?: Headers;
  clowder?: ClowderVersion;
  contextPath?: string;
};

/** The events of `METHOD /path?query`, answered with 200 by default. */
function events(
  target: string,
  { sent = {}, answered = {}, clowder = 'auto', contextPath = '', ...seen }: Seen = {},
): HttpEvent[] {
  const [method = '', url = ''] = target.split(' ');
  const [path = '', query = ''] = url.split('?');
  const request: HttpRequest = {
    method,
    path,
    query,
    status: 200,
    requestHeader: (name) => sent[name],
    responseHeader: (name) => answered[name],
    ...seen,
  };
  return mapHttpRequest(request, { clowder, contextPath });
}

const datas = (found: readonly HttpEvent[]) => found.map(({ data }) => data);

describe('uploads', () => {
  const parts = [
    { field: 'File', fileName: 'a.txt', bytes: 3, contentType: 'text/plain' },
    { field: 'File', fileName: 'b.png', bytes: 5, contentType: 'image/png' },
  ];

  test('v1, one file: the id comes from the answer, the rest from the part and the path', () => {
    const found = events(`POST /api/uploadToDataset/${OTHER}?folder_id=${THIRD}`, { responseBody: { id: ID }, parts });
    expect(found).toEqual([
      {
        event: 'file.uploaded',
        data: {
          file_id: ID,
          dataset_id: OTHER,
          folder_id: THIRD,
          file_name: 'a.txt',
          bytes: 3,
          content_type: 'text/plain',
        },
      },
    ]);
  });

  test('v1, several files: ids are objects, each matched to the part at its place, without form fields', () => {
    const responseBody = { ids: [{ id: ID, name: 'a.txt' }, { name: 'hidden' }, { id: THIRD, name: 'c' }] };
    const found = events(`POST /api/datasets/${OTHER}/files`, {
      responseBody,
      parts: [{ field: 'note', bytes: 9 }, ...parts, { field: 'File', fileName: 'c', bytes: 7 }],
    });
    expect(datas(found)).toMatchObject([
      { file_id: ID, bytes: 3 },
      { file_name: 'hidden', bytes: 5 },
      { file_id: THIRD, file_name: 'c', bytes: 7 },
    ]);
    expect(found[1]?.data).not.toHaveProperty('file_id');
  });

  test('an access log knows no id, so the upload has none', () => {
    expect(events(`POST /api/uploadToDataset/${OTHER}`)).toEqual([
      { event: 'file.uploaded', data: { dataset_id: OTHER } },
    ]);
    expect(events('POST /api/files', { responseBody: { file: 'x' } })).toEqual([{ event: 'file.uploaded', data: {} }]);
  });

  test('withFlags is no dataset', () => {
    expect(datas(events(`POST /api/uploadToDataset/withFlags/${OTHER}/f`, { responseBody: { id: ID } }))).toEqual([
      { file_id: ID, dataset_id: OTHER },
    ]);
    expect(datas(events('POST /api/files/withFlags/f', { responseBody: { id: ID } }))).toEqual([{ file_id: ID }]);
  });

  test('the web form has the dataset in a form field and the ids in files[].url, and answers failures with 200 too', () => {
    const files = [
      { name: 'a.txt', size: 3, url: `https://c/clowder/files/${ID}`, deleteUrl: `/api/files/${ID}/remove` },
      { name: 'b.png', size: 5, error: 'no' },
    ];
    const seen = { requestBody: { datasetid: OTHER }, responseBody: { files } };
    const expected = [{ file_id: ID, dataset_id: OTHER, folder_id: THIRD, file_name: 'a.txt', bytes: 3 }];
    expect(datas(events(`POST /dataset/submit?folderId=${THIRD}`, seen))).toEqual(expected);
    const asText = { ...seen, responseBody: JSON.stringify({ files }) };
    expect(datas(events(`POST /dataset/submit?folderId=${THIRD}`, asText))).toEqual(expected);
    expect(events('POST /upload', { responseBody: { files: [files[1] ?? null] } })).toEqual([]);
  });

  test('answers are matched to files by name if places prove nothing, and v1 answers paths on the server last', () => {
    const stored = {
      ids: [
        { id: ID, name: 'b.png' },
        { id: THIRD, name: 'on-server.tif' },
      ],
    };
    const requestBody = { file: `{"path":"/data/on-server.tif","dataset":"${OTHER}"}` };
    const found = events('POST /api/files', { responseBody: stored, requestBody, parts });
    expect(datas(found)).toEqual([
      { file_id: ID, file_name: 'b.png', bytes: 5, content_type: 'image/png' },
      { file_id: THIRD, file_name: 'on-server.tif', dataset_id: OTHER },
    ]);
  });

  test('of some forms v1 stores only the first part with its name', () => {
    const other = { field: 'thumbnail', fileName: 't.png', bytes: 1 };
    const seen = { parts: [other, ...parts], responseBody: { id: ID } };
    expect(datas(events('POST /api/extractions/upload_file', seen))).toMatchObject([{ file_name: 'a.txt', bytes: 3 }]);
    expect(datas(events('POST /extraction/upload', { parts: [other, ...parts] }))).toMatchObject([
      { file_name: 'a.txt', bytes: 3 },
    ]);
    expect(events('POST /extraction/upload', { parts: [] })).toHaveLength(1);
  });

  test('an empty file field is not a file', () => {
    const empty = { field: 'File', fileName: '', bytes: 0 };
    const seen = { parts: [empty, ...parts.slice(0, 1)], responseBody: { id: ID } };
    expect(datas(events('POST /api/files', seen))).toMatchObject([{ file_name: 'a.txt' }]);
  });

  test('a partly read answer gives the known ids, and an upload for each other file', () => {
    const responseBody = { ids: [{ id: ID, name: 'a.txt' }] };
    expect(datas(events('POST /api/files', { responseBody, responseTruncated: true, parts }))).toEqual([
      { file_id: ID, file_name: 'a.txt', bytes: 3, content_type: 'text/plain' },
      { file_name: 'b.png', bytes: 5, content_type: 'image/png' },
    ]);
  });

  test('files from URLs have the name that v1 gives them: the last segment of the path', () => {
    const requestBody = [{ weburl: 'https://a/x/one.csv?b=/c' }, { path: '/data/two.csv' }, { url: 'https://a' }];
    const ids = {
      ids: [
        { id: ID, name: 'one.csv' },
        { id: OTHER, name: 'two.csv' },
      ],
    };
    expect(datas(events(`POST /api/datasets/${THIRD}/urls`, { requestBody, responseBody: ids }))).toEqual([
      { file_id: ID, file_name: 'one.csv', dataset_id: THIRD },
      { file_id: OTHER, file_name: 'two.csv', dataset_id: THIRD },
    ]);
    const one = { requestBody: { url: 'https://a/x/one.csv' }, responseBody: { id: ID } };
    expect(datas(events(`POST /api/datasets/${THIRD}/urls`, one))).toMatchObject([{ file_name: 'one.csv' }]);
  });

  test('v2: N/A is no content type', () => {
    const responseBody = { id: ID, name: 'a', bytes: 0, content_type: { content_type: 'N/A', main_type: 'N/A' } };
    expect(datas(events(`POST /api/v2/datasets/${OTHER}/files`, { responseBody }))).toEqual([
      { file_id: ID, file_name: 'a', bytes: 0, dataset_id: OTHER },
    ]);
  });

  test('multiple_uploadby_url: the ids are the keys, except `id` and failures', () => {
    const responseBody = { id: OTHER, [ID]: 'http://a/b.png', [`failed-${THIRD}`]: 'http://a/c.png' };
    expect(datas(events('POST /api/extractions/multiple_uploadby_url', { responseBody }))).toEqual([
      { file_id: ID, file_name: 'b.png' },
    ]);
  });

  test('upload_url: the dataset is in the body', () => {
    const seen = { requestBody: { fileurl: 'http://a', dataset: OTHER }, responseBody: { id: ID } };
    expect(datas(events('POST /api/extractions/upload_url', seen))).toEqual([{ file_id: ID, dataset_id: OTHER }]);
  });

  test('drag and drop: a 303 to the dataset is the success, and hides the id of the one stored file', () => {
    const location = { location: `/datasets/${OTHER}` };
    const found = events(`POST /uploaddnd/${OTHER}`, { status: 303, answered: location, parts });
    expect(datas(found)).toMatchObject([{ dataset_id: OTHER, file_name: 'a.txt' }]);
    expect(events(`POST /uploaddnd/${OTHER}`, { status: 303, answered: { location: '/login' } })).toEqual([]);
    expect(events(`POST /uploaddnd/${OTHER}`)).toEqual([]);
  });

  test('sendJob, attachmultiple and a copied part create nothing', () => {
    for (const path of [
      `/api/files/sendJob/${ID}/x`,
      '/api/datasets/attachmultiple',
      `/api/datasets/${ID}/files/${OTHER}`,
    ]) {
      expect(events(`POST ${path}`, { responseBody: { id: ID } })).toEqual([]);
    }
  });

  test('v2: FileOut, an array of them, and a new version are uploads', () => {
    const fileOut = {
      id: ID,
      name: 'a.txt',
      bytes: 3,
      content_type: { content_type: 'text/plain', main_type: 'text' },
      dataset_id: OTHER,
      folder_id: null,
      version_num: 2,
    };
    const uploaded = { file_id: ID, file_name: 'a.txt', bytes: 3, content_type: 'text/plain', dataset_id: OTHER };
    expect(datas(events(`POST /api/v2/datasets/${OTHER}/files`, { responseBody: fileOut }))).toEqual([uploaded]);
    const several = { responseBody: [fileOut, { ...fileOut, id: THIRD }] };
    expect(datas(events(`POST /api/v2/datasets/${OTHER}/filesMultiple`, several))).toMatchObject([
      { file_id: ID },
      { file_id: THIRD },
    ]);
    expect(events(`POST /api/v2/datasets/${OTHER}/filesMultiple`, { responseBody: [] })).toEqual([]);
    expect(datas(events(`PUT /api/v2/files/${ID}`, { responseBody: fileOut }))).toEqual([{ ...uploaded, version: 2 }]);
    expect(datas(events(`PUT /api/v2/files/${ID}`))).toEqual([{ file_id: ID }]);
  });
});

describe('deletes, archives and creates', () => {
  test('the id comes from the path, in lower case; what does not look like an id gives no event', () => {
    const upper = 'ABCDEF00000000000000000A';
    expect(events(`DELETE /api/files/${upper}`)).toEqual([
      { event: 'file.deleted', data: { file_id: upper.toLowerCase() } },
    ]);
    expect(events('DELETE /api/spaces/0af76519-16cd-43dd-8448-eb211c80319c')).toHaveLength(1);
    expect(events('DELETE /api/files/nothing')).toEqual([]);
    expect(events(`DELETE /api/files/${ID}`, { responseBody: { status: 'error' } })).toEqual([]);
  });

  test.each([
    `DELETE /api/datasets/${ID}/${OTHER}`,
    'DELETE /api/datasets/emptyTrash',
    'DELETE /api/collections/emptyTrash',
    'DELETE /api/selected/files',
    `DELETE /api/datasets/${ID}/deleteFolder/${OTHER}`,
    `DELETE /api/v2/datasets/${ID}/folders/${OTHER}`,
  ])('%s: nothing is deleted that has a name here', (target) => {
    expect(events(target, { responseBody: { deleted: OTHER } })).toEqual([]);
  });

  test('bulkRemove: the files that the answer lists are deleted', () => {
    const responseBody = { deleted: [ID, THIRD], 'not found': [OTHER] };
    expect(datas(events('POST /api/files/bulkRemove', { responseBody }))).toEqual([
      { file_id: ID },
      { file_id: THIRD },
    ]);
    expect(events('POST /api/files/bulkRemove', { requestBody: { fileIds: [ID] } })).toEqual([]);
  });

  test('requests to archive a dataset are events, those for a file are jobs', () => {
    expect(events(`POST /api/datasets/${ID}/queueArchival`)).toEqual([
      { event: 'dataset.archived', data: { resource_id: ID } },
    ]);
    expect(events(`POST /api/files/${ID}/archive`)).toEqual([{ event: 'file.archived', data: { file_id: ID } }]);
    expect(events(`POST /api/files/${ID}/sendArchiveRequest`)).toEqual([
      { event: 'extraction.queued', data: { file_id: ID } },
    ]);
  });

  test('a create has the id from the answer; an error with status 200 is no event, and an unseen answer gives no id', () => {
    const requestBody = { name: 'Ours', space: [OTHER] };
    expect(events('POST /api/datasets/createempty', { requestBody, responseBody: { id: ID } })).toEqual([
      { event: 'dataset.created', data: { resource_id: ID, resource_name: 'Ours', space_id: OTHER } },
    ]);
    expect(events('POST /api/datasets', { responseBody: { status: 'error', message: 'x' } })).toEqual([]);
    expect(events('POST /api/collections')).toEqual([{ event: 'collection.created', data: {} }]);
    expect(datas(events('POST /api/spaces', { responseBody: `/**/cb({"id":"${ID}"});` }))).toEqual([
      { resource_id: ID },
    ]);
  });

  test('a partly read answer proves nothing by what it lacks', () => {
    expect(events('POST /api/datasets', { responseBody: { tags: ['a'] }, responseTruncated: true })).toHaveLength(1);
    expect(events('POST /api/datasets', { responseBody: { tags: ['a'] } })).toEqual([]);
  });

  test('a bag answers in text, a copy with newDatasetId, and a zip mostly with nothing', () => {
    expect(datas(events('POST /api/datasets/createfrombag', { responseBody: `Created dataset ${ID}` }))).toEqual([
      { resource_id: ID },
    ]);
    const copy = events(`POST /api/datasets/${THIRD}/copyDatasetToSpace/${OTHER}`, {
      responseBody: { newDatasetId: ID },
    });
    expect(datas(copy)).toEqual([{ resource_id: ID, space_id: OTHER }]);
    expect(events('POST /api/v2/datasets/createFromZip', { responseBody: { id: null } })).toEqual([]);
    expect(events('POST /api/v2/datasets/createFromZip')).toEqual([]);
  });

  test('collection form: the redirect goes to the parent if there is one or may be one', () => {
    const seen = { status: 303, answered: { location: `/clowder/collection/${ID}` } };
    expect(datas(events('POST /collection/submit', { ...seen, requestBody: { name: 'C' } }))).toEqual([
      { resource_id: ID, resource_name: 'C' },
    ]);
    const child = { ...seen, requestBody: { name: 'C', parentcolid: ID } };
    expect(datas(events('POST /collection/submit', child))).toEqual([{ resource_name: 'C' }]);
    const several = { ...seen, requestBody: { name: 'C', parentcolid: [ID, OTHER], space: `${OTHER},${THIRD}` } };
    expect(datas(events('POST /collection/submit', several))).toEqual([{ resource_name: 'C', space_id: OTHER }]);
    expect(datas(events('POST /collection/submit', seen))).toEqual([{}]);
    expect(events('POST /collection/submit', { status: 303, answered: { location: '/collections' } })).toEqual([]);
  });

  test('space form: create and update have the same answer, and only the form distinguishes them', () => {
    const seen = { status: 303, answered: { location: `/spaces/${ID}` } };
    const created = events('POST /spaces/submit', { ...seen, requestBody: { submitValue: 'Create', name: 'S' } });
    expect(created).toEqual([{ event: 'space.created', data: { resource_id: ID, resource_name: 'S' } }]);
    expect(events('POST /spaces/submit', { ...seen, requestBody: { submitValue: 'Update' } })).toEqual([]);
    expect(events('POST /spaces/submit', seen)).toEqual([]);
  });
});

describe('extractions', () => {
  test('v1: a submission names extractor and job', () => {
    const seen = { requestBody: { extractor: 'ncsa.image' }, responseBody: { status: 'OK', job_id: 'j1' } };
    expect(datas(events(`POST /api/datasets/${ID}/extractions`, seen))).toEqual([
      { dataset_id: ID, extractor_name: 'ncsa.image', job_id: 'j1' },
    ]);
  });

  test('v2: a bare string is the job, and a private extractor loses its secret', () => {
    const found = events(`POST /api/v2/files/${ID}/extract?extractorName=private.s3cret.ncsa.image`, {
      responseBody: OTHER,
    });
    expect(datas(found)).toEqual([{ file_id: ID, extractor_name: 'private.REDACTED.ncsa.image', job_id: OTHER }]);
  });

  test('resubmit counts only if a listener took the job', () => {
    const target = `POST /api/v2/files/${ID}/resubmit_extract`;
    expect(events(target, { responseBody: [{ status: 'error' }, { status: 'success' }] })).toHaveLength(1);
    expect(events(target, { responseBody: [{ status: 'error' }] })).toEqual([]);
    expect(events(target)).toEqual([]);
  });

  test('selected files: one job for each in the map', () => {
    const target = `POST /api/selected/submit/${THIRD}/${ID},${OTHER}`;
    const jobs = { [ID]: 'j1', [OTHER]: 'j2' };
    expect(datas(events(target, { responseBody: { status: 'success', jobs } }))).toEqual([
      { file_id: ID, dataset_id: THIRD, job_id: 'j1' },
      { file_id: OTHER, dataset_id: THIRD, job_id: 'j2' },
    ]);
    expect(events(target, { responseBody: { status: 'success', jobs: {} } })).toEqual([]);
    expect(events(target)).toHaveLength(2);
  });
});

describe('views', () => {
  test.each([
    [`GET /files/${ID}?dataset=${OTHER}&space=${THIRD}`, { resource_type: 'file', dataset_id: OTHER, space_id: THIRD }],
    [`GET /datasets/${ID}?folder=${OTHER}`, { resource_type: 'dataset', folder_id: OTHER }],
    [`GET /collection/${ID}`, { resource_type: 'collection' }],
    [`GET /spaces/${ID}`, { resource_type: 'space' }],
  ])('%s is the view of a resource, also with 304', (target, data) => {
    for (const status of [200, 304]) {
      const found = events(target, { status, ...(status === 200 && { answered: HTML }) });
      expect(found).toEqual([{ event: 'view.resource', data: { resource_id: ID, ...data } }]);
    }
    expect(events(target, { status: 303, answered: HTML })).toEqual([]);
  });

  test('/ is a page, and a health check if it answers JSON', () => {
    expect(events('GET /', { answered: HTML })).toEqual([{ event: 'view.page', data: {} }]);
    for (const clowder of ['v2', 'auto'] as const) {
      const seen = { clowder, answered: { 'content-type': 'application/json' }, responseBody: { status: 'ok' } };
      expect(events('GET /', seen)).toMatchObject([{ event: 'health.ping', data: { healthy: true } }]);
    }
  });

  test.each([
    '/robots.txt',
    '/favicon.ico',
    '/apple-touch-icon.png',
    '/wp-login.php',
    '/some/where',
    '/auth',
    '/auth/login',
  ])('v2 answers %s with its app, which does not count as a page', (path) => {
    for (const clowder of ['v2', 'auto'] as const)
      expect(events(`GET ${path}`, { clowder, answered: HTML })).toEqual([]);
  });

  test.each([
    ['sec-purpose', 'prefetch;prerender'],
    ['purpose', 'prefetch'],
    ['x-moz', 'prefetch'],
  ])('what a browser prefetches (%s) is nothing until it is shown', (name, value) => {
    const seen = { answered: HTML };
    for (const target of [`GET /files/${ID}`, `GET /api/files/${ID}/blob`, 'GET /datasets'])
      expect([events(target, { ...seen, sent: { [name]: value } }).length, events(target, seen).length]).toEqual([
        0, 1,
      ]);
  });

  test('v2: a browser that requests a summary or dataset views it, a script does not', () => {
    const target = `GET /api/v2/files/${ID}/summary`;
    const responseBody = { id: ID, name: 'a.txt', dataset_id: OTHER, folder_id: null };
    expect(events(target, { sent: { cookie: 'x' }, responseBody })).toEqual([
      {
        event: 'view.resource',
        data: { resource_type: 'file', resource_id: ID, resource_name: 'a.txt', dataset_id: OTHER },
        collapseWithinS: 30,
      },
    ]);
    expect(events(target, { responseBody })).toEqual([]);
    expect(events(`GET /api/v2/public_datasets/${ID}`, { sent: { referer: 'http://c/' } })).toHaveLength(1);
    expect(events(target, { sent: { 'sec-fetch-mode': 'cors' }, responseBody: null })).toEqual([]);
  });
});

describe('a dataset that a page of v2 requests', () => {
  const target = `GET /api/v2/datasets/${ID}`;
  test.each([
    [`https://c/datasets/${ID}`, 1],
    [`https://c/clowder/public_datasets/${ID}?folder=${OTHER}#x`, 1],
    ['https://c/', 1],
    ['https://c/search?q=/files/', 1],
    [`https://c/files/${OTHER}?dataset=${ID}`, 0],
    [`https://c/public_files/${OTHER}`, 0],
    [`https://c/datasets/${OTHER}`, 0],
  ])('from %s is a view: %i', (referer, count) => {
    expect(events(target, { sent: { referer, 'sec-fetch-mode': 'cors' } })).toHaveLength(count);
  });
});

describe('users and health', () => {
  const token = (claims: object): string =>
    `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

  test('v2: the token that Clowder sets or answers names the user who logged in', () => {
    const jwt = token({ sub: THIRD, email: 'ann@c.example', preferred_username: 'ann' });
    const known = [{ event: 'user.login', data: { user_name: 'ann@c.example', user_id: THIRD } }];
    const cookie = { 'set-cookie': `Authorization="Bearer ${jwt}"; Path=/; SameSite=lax` };
    expect(events('GET /api/v2/auth?code=c', { status: 307, answered: cookie })).toEqual(known);
    expect(events('GET /api/v2/auth/token?code=c', { responseBody: { access_token: jwt } })).toEqual(known);
    expect(events('GET /api/v2/auth/token?code=c', { responseBody: { access_token: 'x' } })).toEqual([
      { event: 'user.login', data: {} },
    ]);
  });

  test('a login is the answer that sets the session cookie', () => {
    const target = 'POST /authenticate/userpass';
    const answeredMs = Date.parse('2026-05-01T12:00:00Z');
    const cookie = { 'set-cookie': 'id=abc; Path=/; HttpOnly' };
    expect(events(target, { status: 303, answered: cookie, requestBody: { username: 'ann' } })).toEqual([
      { event: 'user.login', data: { user_name: 'ann' } },
    ]);
    expect(events('GET /authenticate/google', { status: 303, answered: { location: 'https://idp/' } })).toEqual([]);
    for (const logout of [
      'id=; Max-Age=0',
      'id=abc; Max-Age=0; Path=/',
      'id=abc; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
      'id=abc; Path=/; Expires=Fri, 01 May 2026 11:59:59 GMT',
      'lang=en, id=deleted; Expires=Fri, 01-May-2026 11:59:59 GMT; Path=/, theme=dark',
      'id=abc; Path=/, id=; Max-Age=0',
      'Authorization="Bearer x"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/',
    ])
      expect(events(target, { status: 303, answered: { 'set-cookie': logout }, answeredMs })).toEqual([]);
    for (const login of [
      'id=; Max-Age=0, id=abc; Path=/',
      'PLAY_FLASH=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT, id=abc; Expires=Fri, 01 May 2026 12:30:00 GMT; Path=/',
    ])
      expect(events(target, { status: 303, answered: { 'set-cookie': login }, answeredMs })).toHaveLength(1);
    expect(events(target, { status: 400, answered: cookie })).toEqual([]);
    const v2 = { status: 307, answered: { 'set-cookie': 'Authorization="Bearer x"; Path=/' } };
    expect(events('GET /api/v2/auth?code=c', v2)).toEqual([{ event: 'user.login', data: {} }]);
    expect(
      events('POST /api/v2/login', { requestBody: { email: 'a@b', password: 'p' }, responseBody: { token: 't' } }),
    ).toEqual([{ event: 'user.login', data: { user_name: 'a@b' } }]);
  });

  test('a signup that redirects to /signup was refused', () => {
    expect(events('POST /signup/t0ken', { status: 303, answered: { location: '/login' } })).toEqual([
      { event: 'user.signup', data: {} },
    ]);
    expect(events('POST /signup/t0ken', { status: 303, answered: { location: '/signup' } })).toEqual([]);
    const requestBody = { firstName: 'Ann', lastName: 'Lee', 'password.password1': 'secret' };
    expect(datas(events('POST /signup/t', { status: 303, answered: { location: '/c/login' }, requestBody }))).toEqual([
      { user_name: 'Ann Lee' },
    ]);
    const responseBody = { id: ID, email: 'a@b' };
    expect(datas(events('POST /api/v2/users', { responseBody }))).toEqual([{ user_id: ID, user_name: 'a@b' }]);
  });

  test.each([
    ['/healthz', 200, 'healthy', true],
    ['/healthz', 200, 'unhealthy', false],
    ['/healthz', 503, undefined, false],
    ['/api/status', 200, { version: { number: '1.23.0' } }, true],
    ['/api/status', 502, '<html>', false],
    ['/api/v2/status', 200, { version: '2.0.0' }, true],
    ['/api/v2/status', 200, { status: 'down' }, false],
  ])('%s answering %i %j is a reading', (path, status, responseBody, healthy) => {
    const found = events(`GET ${path}`, {
      status,
      durationMs: 12.5,
      ...(responseBody !== undefined && { responseBody }),
    });
    expect(found).toMatchObject([
      { event: 'health.ping', data: { healthy, status_code: status, response_time_ms: 12.5, component: 'clowder' } },
    ]);
  });

  test('a missing answer is not a reading', () => {
    expect(events('GET /healthz', { status: 0 })).toEqual([]);
  });
});
