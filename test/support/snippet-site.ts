import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A site like Clowder v2: one page for every address, which changes its address itself and asks its API for the content. */
export interface SnippetSite extends AsyncDisposable {
  readonly url: string;
}

/** @param tag for the page's head; '' for none. Called for each page */
export async function startSnippetSite(tag: () => string): Promise<SnippetSite> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    if (pathname.startsWith('/api/')) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ id: pathname.split('/').at(-1), name: 'Soil' }));
      return;
    }
    response.setHeader('content-type', 'text/html; charset=utf-8');
    if (pathname === '/missing') response.statusCode = 404;
    response.end(PAGE.replace('<head>', `<head>${tag()}`));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const PAGE = `<!doctype html><html><head><title>Clowder</title><link rel="icon" href="data:,"></head><body><p>page</p><script>
const show = async () => {
  const [, view, id] = location.pathname.split('/');
  document.title = 'Clowder ' + location.pathname;
  if (id) await (await fetch('/api/v2/' + view + '/' + id + (view === 'files' ? '/summary' : ''))).text();
  document.body.dataset.shown = location.pathname;
};
// As routers do: first they note their state, then they go.
const go = (path) => { history.replaceState({ key: 1 }, '', location.href); history.pushState({ key: 2 }, '', path); return show(); };
addEventListener('popstate', show);
addEventListener('pageshow', (event) => { document.body.dataset.persisted = event.persisted; });
show();
</script></body></html>`;
