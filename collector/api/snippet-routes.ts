import { Hono } from 'hono';
import type { ReadBundle } from './bundles.ts';
import { partsOf } from './page-part.ts';
import { serve, type Route } from './route.ts';

const part = partsOf({ summary: 'Browser snippet', hidden: 'the snippet is a script of pages' });
/** Next to the path that the snippet posts to, `BROWSER_PATH`. Blockers match names, so neither path has a telling one. */
const script = part('/c/v.js', 'get_snippet', 'text/javascript');

export const SNIPPET_ROUTES: readonly Route[] = [script];

/** The script that pages embed to report their views. */
export function snippetRoutes(read: ReadBundle): Hono {
  const app = new Hono();
  serve(app, script, async (c) =>
    c.body(await read('v.js'), 200, {
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=3600',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
    }),
  );
  return app;
}
