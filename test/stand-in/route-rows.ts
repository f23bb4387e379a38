import { readFileSync } from 'node:fs';
import type { StandInVersion } from './server.ts';

/** One line of the route tables that were taken from Clowder's source. */
export interface RouteRow {
  readonly method: string;
  /** With `:name`, `{name}` and `*` as the source has them. */
  readonly path: string;
  readonly action: string;
  /** What it means; `none` for most. */
  readonly event: string;
  /** Names the row: method and path, and the action where another row has the same. */
  readonly key: string;
}

/** The route table of a version, as it lies beside the repository. */
export function routeRows(version: StandInVersion): readonly RouteRow[] {
  const file = new URL(`../../../shared/data/routes-${version}.tsv`, import.meta.url);
  const seen = new Set<string>();
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [method = '', path = '', action = '', event = ''] = line.split('\t');
      const name = `${method} ${path}`;
      const key = seen.has(name) ? `${name} [${action}]` : name;
      seen.add(name);
      return { method, path, action, event, key };
    });
}
