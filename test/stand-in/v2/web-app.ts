import { html, json, typed, type AnswerMaker } from '../answer.ts';

const ETAG = '"67a1d-index"';

/** One page for every path, like the web server of v2's frontend; 304 if the browser already has it. */
export const indexPage: AnswerMaker = (asked) =>
  asked.header('if-none-match') === ETAG
    ? { status: 304, headers: { etag: ETAG }, content: { kind: 'text', text: '' } }
    : html(INDEX, 200, { etag: ETAG });

/** The backend answers probes at `/`; a browser gets the page there. */
export const root: AnswerMaker = (asked, store) =>
  /text\/html/.test(asked.header('accept') ?? '') ? indexPage(asked, store) : json({ status: 'ok' });

export const docsPage: AnswerMaker = () => html('<!doctype html><title>Clowder - Swagger UI</title>');
export const bundle: AnswerMaker = () => typed('application/javascript', BUNDLE, { etag: '"67a1d-bundle"' });
export const stylesheet: AnswerMaker = () => typed('text/css', 'body{}', { etag: '"67a1d-css"' });

const INDEX = `<!doctype html><html><head><title>Clowder</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/main.css"><script src="/main.bundle.js" defer></script></head>
<body><div id="root"></div><input type="file" multiple></body></html>`;

/** Navigates without loading pages, requests a file's summary three times, and polls for a fresh token. */
const BUNDLE = `
const api = (path, options) => fetch('/api/v2' + path, options);
const views = {
  files: (id) => [api('/files/' + id + '/summary'), api('/files/' + id + '/summary'), api('/files/' + id + '/summary'),
    api('/files/' + id + '/metadata'), api('/files/' + id + '/version_details'), api('/files/' + id + '?increment=false')],
  public_files: (id) => [api('/public_files/' + id + '/summary'), api('/public_files/' + id + '/metadata')],
  datasets: (id) => [api('/datasets/' + id), api('/datasets/' + id + '/files'), api('/datasets/' + id + '/metadata')],
  public_datasets: (id) => [api('/public_datasets/' + id), api('/public_datasets/' + id + '/files')],
};
async function show() {
  const [, view, id] = location.pathname.split('/');
  const asked = [api('/auth/refresh_token'), api('/users/me/is_admin'), ...(views[view] && id ? views[view](id) : [])];
  for (const answer of await Promise.all(asked)) await answer.arrayBuffer();
  document.querySelector('#root').dataset.shown = location.pathname;
}
window.clowder = {
  go: (path) => { history.pushState({}, '', path); return show(); },
  upload: async (datasetId) => {
    const form = new FormData();
    for (const file of document.querySelector('input').files) form.append('files', file);
    return (await api('/datasets/' + datasetId + '/filesMultiple', { method: 'POST', body: form })).json();
  },
  download: (id) => location.assign('/api/v2/files/' + id),
};
window.clowder.ready = show();
`;
