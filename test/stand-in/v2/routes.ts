import { json, redirect, typed, type AnswerMaker, type RouteLine } from '../answer.ts';
import * as datasets from './datasets.ts';
import * as files from './files.ts';
import * as jobs from './jobs.ts';
import * as users from './users.ts';
import * as web from './web-app.ts';

const API = '/api/v2';

/** FastAPI redirects a missing or superfluous trailing slash to the right path, with its query. */
const toSlash =
  (slash: '' | '/'): AnswerMaker =>
  ({ site, url }) => {
    const [path = '', query] = url.split('?', 2);
    return redirect(`${site}${path.replace(/\/+$/, '')}${slash}${query === undefined ? '' : `?${query}`}`, 307);
  };

const bytesOfPart: AnswerMaker = () =>
  typed('application/octet-stream', 'BYTES', { 'content-disposition': 'attachment; filename=visualization' });

/** The routes of Clowder v2 that the stand-in has; the first match answers. Paths in Express's syntax. */
export const V2_ROUTES: readonly RouteLine[] = [
  ['GET', `${API}/status`, users.status],
  ['POST', `${API}/users`, users.signUp],
  ['POST', `${API}/login`, users.login],
  ['GET', `${API}/users/profile`, users.profile],
  ['POST', `${API}/users/keys`, users.apiKey],
  ['POST', `${API}/auth/login`, users.login],
  ['GET', `${API}/auth/login`, users.toKeycloak],
  ['GET', `${API}/auth/register`, users.toKeycloak],
  ['GET', `${API}/auth/token`, users.tokens],
  ['GET', `${API}/auth/refresh_token`, users.refresh],
  ['GET', `${API}/auth`, users.loginByKeycloak],

  ['GET', `${API}/files/:id`, files.download],
  ['PUT', `${API}/files/:id`, files.update],
  ['DELETE', `${API}/files/:id`, files.remove],
  ['GET', `${API}/files/:id/url/`, files.presigned],
  ['GET', `${API}/files/:id/url`, toSlash('/')],
  ['GET', `${API}/files/:id/summary`, files.summary],
  ['POST', `${API}/files/:id/extract`, files.extract],
  ['POST', `${API}/files/:id/resubmit_extract`, files.resubmit],
  ['GET', `${API}/files/:id/thumbnail`, files.thumbnail],
  ['GET', `${API}/public_files/:id/summary`, files.summaryPublic],
  ['GET', `${API}/public_files/:id/thumbnail`, files.thumbnail],
  ['GET', `${API}/public_files/:id`, files.downloadPublic],

  ['POST', `${API}/datasets`, datasets.create],
  ['POST', `${API}/datasets/createFromZip`, datasets.createFromZip],
  ['GET', `${API}/datasets/:id`, datasets.onDataset(datasets.info)],
  ['DELETE', `${API}/datasets/:id`, datasets.remove],
  ['GET', `${API}/datasets/:id/files`, datasets.onDataset(datasets.listFiles)],
  ['POST', `${API}/datasets/:id/files`, files.upload('file')],
  ['POST', `${API}/datasets/:id/filesMultiple`, files.upload('files')],
  ['POST', `${API}/datasets/:id/local_files`, files.addLocal],
  ['POST', `${API}/datasets/:id/freeze`, datasets.freeze],
  ['DELETE', `${API}/datasets/:id/folders/:folder_id`, datasets.removeFolder],
  ['GET', `${API}/datasets/:id/download`, datasets.onDataset(datasets.download)],
  ['POST', `${API}/datasets/:id/extract`, datasets.extract],
  ['GET', `${API}/datasets/:id/thumbnail`, files.thumbnail],
  ['GET', `${API}/public_datasets/:id`, datasets.onPublicDataset(datasets.info)],
  ['GET', `${API}/public_datasets/:id/files`, datasets.onPublicDataset(datasets.listFiles)],
  ['GET', `${API}/public_datasets/:id/download`, datasets.onPublicDataset(datasets.download)],
  ['GET', `${API}/jobs`, jobs.list],
  ['GET', `${API}/jobs/:id/summary`, jobs.summary],
  ['GET', `${API}/jobs/:id/updates`, jobs.noUpdates],
  ...['feeds', 'groups', 'listeners'].map((list): RouteLine => ['GET', `${API}/${list}`, jobs.noneOfThem]),
  ['GET', `${API}/visualizations/:id/bytes`, bytesOfPart],
  [
    'GET',
    `${API}/visualizations/:id/url/`,
    () => json({ presigned_url: 'http://minio:9000/v?X-Amz-Signature=canary' }),
  ],
  ['GET', `${API}/public_visualizations/:id/bytes`, bytesOfPart],
  ['GET', `${API}/thumbnails/:id`, files.thumbnail],
  ['GET', `${API}/public_thumbnails/:id`, files.thumbnail],
  ['GET', `${API}/*rest/`, toSlash('')],
  // Every other API route answers a short JSON and makes no event.
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].map((method): RouteLine => [method, `${API}/*rest`, () => json({})]),

  ['GET', '/', web.root],
  ['GET', '/docs', web.docsPage],
  ['GET', '/*name.bundle.js', web.bundle],
  ['GET', '/*name.css', web.stylesheet],
  ['GET', '/public/*file', web.stylesheet],
  ['GET', '/*rest', web.indexPage],
];

export const notFound: AnswerMaker = () => json({ detail: 'Not Found' }, 404);
