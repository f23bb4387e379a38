import { seedId } from '../seeds.ts';
import { containerEvent, downloaded, pageView, viewed } from './events.ts';
import { del, file, get, inJson, one, post, type ExpectedEvent, type Scenario } from './scenario.ts';

const by = { agent: 'browser' } as const;
/** Headers that a browser sends with a call from a page's script. */
const fromPage = { ...by, headers: { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' } } as const;
const DATASET = seedId('dataset', 600);
const FILE = seedId('file', 600);
const GONE = '65f000000000000000000fff';

const datasets: readonly Scenario[] = [
  one('POST /api/v2/datasets', post('/api/v2/datasets?license_id=CC%20BY', { json: { name: 'Soil', description: '' } }), 200,
    (got) => [containerEvent('dataset.created', { resource_id: inJson(got, 'id'), resource_name: 'Soil' })], ['POST /api/v2/datasets']),
  one('a dataset without a licence', post('/api/v2/datasets', { json: { name: 'Soil' } }), 422, []),
  one('a dataset from a zip, as meant', post('/api/v2/datasets/createFromZip', { parts: [file('file', 'works.zip', 60, 'application/zip')] }), 200,
    (got) => [containerEvent('dataset.created', { resource_id: inJson(got, 'id'), resource_name: 'works' })], ['POST /api/v2/datasets/createFromZip']),
  one('a dataset from a zip, as released: no id, nothing stored', post('/api/v2/datasets/createFromZip', { parts: [file('file', 'soil.zip', 60, 'application/zip')] }), 200, []),
  one('a dataset from something else', post('/api/v2/datasets/createFromZip', { parts: [file('file', 'soil.tar', 60)] }), 404, []),
  one('DELETE /api/v2/datasets/{dataset_id}', del(`/api/v2/datasets/${seedId('dataset', 601)}`), 200,
    [containerEvent('dataset.deleted', { resource_id: seedId('dataset', 601) })], ['DELETE /api/v2/datasets/{dataset_id}']),
  one('deleting a dataset that is not there', del(`/api/v2/datasets/${GONE}`), 404, []),
  one('freezing a dataset answers with a new id, but it is no new dataset', post(`/api/v2/datasets/${DATASET}/freeze`), 200, []),
]; // prettier-ignore

/** Has an invalid signature: Clowder would refuse it, the stand-in accepts it. */
const jwt = (claims: object): string =>
  [{ alg: 'HS256' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') +
  '.canary-signature';
const TOKEN = jwt({ sub: '0a1b2c3d-0000-4000-8000-00000000ada1', email: 'ada@example.org', name: 'Ada' });
const known = { user_id: '0a1b2c3d-0000-4000-8000-00000000ada1', user_name: 'ada@example.org' } as const;
const MINE = seedId('file', 620);
const mine = { resource_id: MINE, file_name: 'file-620.txt', bytes: 1620 } as const;
const asUser = (
  name: string,
  headers: Readonly<Record<string, string>>,
  extra: Readonly<Record<string, string>>,
): Scenario => one(name, get(`/api/v2/files/${MINE}`, { headers }), 200, [downloaded('file', { ...mine, ...extra })]);

const users: readonly Scenario[] = [
  asUser('a Bearer token that Clowder accepts names the user', { authorization: `Bearer ${TOKEN}` }, known),
  asUser('the cookie that holds the token names the user', { cookie: `Authorization="Bearer ${TOKEN}"` }, known),
  asUser('an API key that names nobody', { 'x-api-key': 'canary-header-key' }, {}),
  one('a public file needs no login: a token proves nothing', get(`/api/v2/public_files/${MINE}`, { headers: { authorization: `Bearer ${TOKEN}` } }), 200,
    [downloaded('file', mine)]),
  one('an account', post('/api/v2/users', { json: { email: 'new@example.org', password: 'canary-password', first_name: 'New', last_name: 'User' } }), 200,
    (got) => [{ event: 'user.signup', user_id: inJson(got, 'id'), user_name: 'new@example.org' }], ['POST /api/v2/users']),
  one('an account that was there', post('/api/v2/users', { json: { email: 'ada@example.org', password: 'canary-password' } }), 409, []),
  ...['/api/v2/login', '/api/v2/auth/login'].flatMap((path) => [
    one(`POST ${path}`, post(path, { json: { email: 'ada@example.org', password: 'canary-password' } }), 200,
      [{ event: 'user.login', user_name: 'ada@example.org' } satisfies ExpectedEvent], [`POST ${path}`]),
    one(`POST ${path} with a wrong password`, post(path, { json: { email: 'ada@example.org', password: 'wrong' } }), 401, []),
  ]),
  one('the way back from Keycloak', get('/api/v2/auth?code=canary-code&state=canary-state', by), 307, [{ event: 'user.login' }], ['GET /api/v2/auth']),
  one('the way back from Keycloak without a code', get('/api/v2/auth', by), 422, []),
  one('the way to Keycloak', get('/api/v2/auth/login', by), 307, []),
  one('tokens for a code', get('/api/v2/auth/token?code=canary-code&redirect_uri=x'), 200, [{ event: 'user.login' }], ['GET /api/v2/auth/token']),
  one('tokens for a code that is none', get('/api/v2/auth/token?code=bad'), 400, []),
  one('a fresh token, every minute from every open page', get('/api/v2/auth/refresh_token', fromPage), 200, []),
  one('a new API key', post('/api/v2/users/keys'), 200, []),
  one('who am I', get('/api/v2/users/profile', fromPage), 200, []),
]; // prettier-ignore

const health = (extra: Readonly<Record<string, string | number | boolean>> = {}): ExpectedEvent => ({
  event: 'health.ping',
  component: 'clowder',
  healthy: true,
  status_code: 200,
  ...extra,
});

const rest: readonly Scenario[] = [
  one('GET /api/v2/status', get('/api/v2/status'), 200, [health({ version: '2.0.0-beta.4' })], ['GET /api/v2/status']),
  one('a health check that fails tells of it', get('/api/v2/status', { headers: { 'x-stand-in-status': '500' } }), 500,
    [health({ healthy: false, status_code: 500 })]),
  one("the backend's own root, for probes", get('/', { headers: { 'user-agent': 'kube-probe/1.30' } }), 200, [health({ client_kind: 'bot' })], ['GET /']),
  one("the frontend's root", get('/', { ...by, headers: { accept: 'text/html' } }), 200, [pageView()], ['GET / [frontend]']),
  ...['jobs', 'feeds', 'groups', 'listeners', 'datasets', 'licenses/standard_licenses/all'].map((path) =>
    one(`the poll of ${path}`, get(`/api/v2/${path}`, fromPage), 200, [])),
  one('a script of the frontend', get('/main.bundle.js', by), 200, []),
  one('a stylesheet of the frontend', get('/main.css', by), 200, []),
  one('an asset of the frontend', get('/public/favicon.ico', by), 200, []),
]; // prettier-ignore

const page = (kind: 'file' | 'dataset', path: string, id: string, fields: Readonly<Record<string, string>>): Scenario =>
  one(
    path,
    get(path.replace(':id', id), { ...by, headers: { accept: 'text/html' } }),
    200,
    [viewed(kind, id, fields)],
    [`GET ${path.split('?', 1)[0]?.replace(':id', kind === 'file' ? ':fileId' : ':datasetId') ?? ''}`],
  );

const view = (
  name: string,
  kind: 'file' | 'dataset',
  path: string,
  extra: Readonly<Record<string, string>>,
): Scenario => {
  const id = path.split('/')[4] ?? '';
  return one(name, get(path, fromPage), 200, [viewed(kind, id, { ...extra })]);
};

const views: readonly Scenario[] = [
  page('file', `/files/:id?dataset=${DATASET}&folder=${seedId('folder', 600)}`, FILE, { dataset_id: DATASET, folder_id: seedId('folder', 600) }),
  page('file', '/public_files/:id', seedId('file', 602), {}),
  page('dataset', `/datasets/:id?folder=${seedId('folder', 600)}`, DATASET, { folder_id: seedId('folder', 600) }),
  page('dataset', '/public_datasets/:id', seedId('dataset', 602), {}),
  one('a page that the browser has already is a view', get(`/files/${seedId('file', 603)}`, { ...by, headers: { 'if-none-match': '"67a1d-index"' } }), 304,
    [viewed('file', seedId('file', 603))]),
  view("a file's summary asked for by a page is a view", 'file', `/api/v2/files/${seedId('file', 604)}/summary`, { resource_name: 'file-604.txt', dataset_id: seedId('dataset', 604) }),
  view("a public file's summary", 'file', `/api/v2/public_files/${seedId('file', 605)}/summary`, { resource_name: 'file-605.txt', dataset_id: seedId('dataset', 605) }),
  view('a dataset asked for by a page is a view', 'dataset', `/api/v2/datasets/${seedId('dataset', 606)}`, { resource_name: 'dataset-606' }),
  view('a public dataset asked for by a page', 'dataset', `/api/v2/public_datasets/${seedId('dataset', 607)}`, { resource_name: 'dataset-607' }),
  {
    name: 'the three summaries of one page are one view',
    send: [1, 2, 3].map(() => get(`/api/v2/files/${seedId('file', 608)}/summary`, fromPage)),
    statuses: [200, 200, 200],
    expect: () => [viewed('file', seedId('file', 608), { resource_name: 'file-608.txt', dataset_id: seedId('dataset', 608) })],
  },
  {
    name: 'a page and the calls it makes are one view',
    send: [get(`/datasets/${seedId('dataset', 609)}`, { ...by, headers: { accept: 'text/html' } }), get(`/api/v2/datasets/${seedId('dataset', 609)}`, fromPage)],
    statuses: [200, 200],
    expect: () => [viewed('dataset', seedId('dataset', 609), { resource_name: 'dataset-609', url: `/datasets/${seedId('dataset', 609)}` })],
  },
  {
    name: 'a page that asks in vain for what it shows is not a view',
    send: [get(`/datasets/${seedId('dataset', 611, 'private')}`, { ...by, headers: { accept: 'text/html' } }), get(`/api/v2/datasets/${seedId('dataset', 611, 'private')}`, fromPage)],
    statuses: [200, 403],
    expect: () => [],
  },
  one('a summary asked for by a script is not a view', get(`/api/v2/files/${seedId('file', 610)}/summary`), 200, []),
  one('a dataset asked for by a script is not a view', get(`/api/v2/datasets/${seedId('dataset', 610)}`), 200, []),
  one("a public file's summary of a private dataset: 200 and null", get(`/api/v2/public_files/${seedId('file', 600, 'private')}/summary`, fromPage), 200, []),
  one('a dataset that may not be seen', get(`/api/v2/datasets/${seedId('dataset', 600, 'private')}`, fromPage), 403, []),
]; // prettier-ignore

export const V2_REST: readonly Scenario[] = [...datasets, ...users, ...rest, ...views];
