import { seedId } from '../seeds.ts';
import { pageView, viewed } from './events.ts';
import { get, one, post, type Scenario } from './scenario.ts';

const FILE = seedId('file', 400);
const [DATASET, COLLECTION, SPACE, FOLDER] = [
  seedId('dataset', 400),
  seedId('collection', 400),
  seedId('space', 400),
  seedId('folder', 400),
];
const by = { agent: 'browser' } as const;

const views: readonly Scenario[] = [
  one("a file's page", get(`/files/${FILE}?dataset=${DATASET}&space=${SPACE}&folder=${FOLDER}`, by), 200,
    [viewed('file', FILE, { dataset_id: DATASET, space_id: SPACE, folder_id: FOLDER })], ['GET /files/:id']),
  one('the same page again is another view: double clicks are the business of reports', get(`/files/${FILE}`, by), 200, [viewed('file', FILE)]),
  one("a dataset's page", get(`/datasets/${DATASET}?space=${SPACE}&limit=20`, by), 200,
    [viewed('dataset', DATASET, { space_id: SPACE })], ['GET /datasets/:id']),
  one("a collection's page, of the singular path", get(`/collection/${COLLECTION}`, by), 200,
    [viewed('collection', COLLECTION)], ['GET /collection/:id']),
  one("a space's page", get(`/spaces/${SPACE}`, by), 200, [viewed('space', SPACE)], ['GET /spaces/:id']),
  one('a page that a robot reads', get(`/files/${FILE}`, { agent: 'bot' }), 200, [viewed('file', FILE)]),
  one('a secret in the query stays out of the URL', get(`/datasets/${DATASET}?key=canary-query-key`, by), 200,
    [viewed('dataset', DATASET, { url: `/datasets/${DATASET}?key=REDACTED` })]),
]; // prettier-ignore

const none: readonly Scenario[] = [
  one("a missing file's page", get('/files/5f00000000000000000000ff', by), 400, []),
  one("a page of a file that may not be seen", get(`/files/${seedId('file', 400, 'private')}`, by), 303, []),
  one("a private space's page", get(`/spaces/${seedId('space', 400, 'private')}?key=canary-query-key`, by), 403, []),
  one('a path without a route', get('/nowhere?key=canary-query-key', by), 404, []),
  one('a page of Clowder with a slash at its end', get('/datasets/', by), 301, []),
  one('the poll of every open page', get('/login/isLoggedIn', by), 200, []),
  one('a stylesheet', get('/assets/stylesheets/main.css', by), 200, []),
  one("a previewer's own page", get('/assets/javascripts/previewers/image/main.html', by), 200, []),
  one('a stylesheet that the browser has', get('/assets/stylesheets/main.css', { ...by, headers: { 'if-none-match': '"a55e7"' } }), 304, []),
  one("a fragment of a dataset's page", post(`/datasets/${DATASET}/updatedFilesAndFolders`, { ...by, headers: { 'x-requested-with': 'XMLHttpRequest' } }), 200, []),
  one("a fragment of a collection's page", get(`/collection/${COLLECTION}/datasets`, { ...by, headers: { 'x-requested-with': 'XMLHttpRequest' } }), 200, []),
  one('the API that describes a dataset', get(`/api/datasets/${DATASET}`), 200, []),
]; // prettier-ignore

const secretPages: readonly Scenario[] = [
  one('the page of a sign-up link holds a secret', get('/signup/canary-sign-up-token', by), 200,
    [pageView({ url: '/signup/REDACTED' })], ['GET /signup/:token']),
  one('the page of a reset link holds a secret', get('/reset/canary-reset-token', by), 200,
    [pageView({ url: '/reset/REDACTED' })], ['GET /reset/:token']),
  one("an extractor's history has its key in the query", get('/extractors/ncsa.wordcount/history?extractor_key=canary-extractor-key', by), 200,
    [pageView({ url: '/extractors/ncsa.wordcount/history?extractor_key=REDACTED' })], ['GET /extractors/:extractorName/history']),
]; // prettier-ignore

export const V1_PAGES: readonly Scenario[] = [...views, ...none, ...secretPages];
