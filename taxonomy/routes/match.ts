import type { ClowderVersion, HttpMappingOptions } from '../http/types.ts';
import type { Route, RouteLine } from './route.ts';
import { V1_ROUTES } from './v1.ts';
import { V2_ROUTES } from './v2.ts';

export interface RouteMatch {
  readonly route: Route;
  /** Path parameters, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
}

interface Node {
  readonly literals: Map<string, Node>;
  param?: Node;
  /** The first route that ends here. */
  end?: Ending;
  /** The first route whose wildcard begins here. */
  rest?: Ending;
}

interface Ending {
  readonly order: number;
  readonly route: Route;
  /** Indexes of the path segments that are the route's parameters, and their names. */
  readonly parameters: readonly (readonly [index: number, name: string])[];
}

type Table = ReadonlyMap<string, Node>;

const ANY_WITH_SLASH = '/*path/';

const routesOf = (lines: readonly RouteLine[], version: 'v1' | 'v2'): Route[] =>
  lines.map(([method, template, rule]) => ({ method, template, rule, version }));

function segmentsOf(path: string): string[] {
  const segments = path.split('/');
  // The usual case: only the part before the first slash is empty.
  if (segments.indexOf('', 1) === -1) return segments[0] === '' ? segments.slice(1) : segments;
  return segments.filter((segment) => segment !== '');
}

function build(routes: readonly Route[]): Table {
  const table = new Map<string, Node>();
  routes.forEach((route, order) => {
    // Play's rule redirects any path with a trailing slash; the status of that redirect shows that it is no event.
    if (route.template === ANY_WITH_SLASH) return;
    let node: Node = table.get(route.method) ?? { literals: new Map() };
    table.set(route.method, node);
    const segments = segmentsOf(route.template);
    const parameters = segments.flatMap((segment, index): [number, string][] =>
      segment.startsWith(':') ? [[index, segment.slice(1)]] : [],
    );
    for (const segment of segments) {
      if (segment.startsWith('*')) {
        node.rest ??= { order, route, parameters };
        return;
      }
      node = segment.startsWith(':') ? (node.param ??= { literals: new Map() }) : childOf(node, segment);
    }
    node.end ??= { order, route, parameters };
  });
  return table;
}

function childOf(node: Node, segment: string): Node {
  const child = node.literals.get(segment) ?? { literals: new Map<string, Node>() };
  node.literals.set(segment, child);
  return child;
}

const v1 = routesOf(V1_ROUTES, 'v1');
const v2 = routesOf(V2_ROUTES, 'v2');
/** v1's route wins if both have one. Only v2's `/` comes first, because it tells a page from a health check. */
const TABLES: Readonly<Record<ClowderVersion, Table>> = {
  v1: build(v1),
  v2: build(v2),
  auto: build([...v2.filter(({ template }) => template === '/'), ...v1, ...v2]),
};

/** Returns the matching route that comes first in the table. It walks the tree once, literals and parameters side by side. */
function walk(node: Node, segments: readonly string[], depth: number, best: Ending | undefined): Ending | undefined {
  let found = better(best, node.rest);
  const segment = segments[depth];
  if (segment === undefined) return better(found, node.end);
  const literal = node.literals.get(segment);
  if (literal !== undefined) found = walk(literal, segments, depth + 1, found);
  if (node.param !== undefined) found = walk(node.param, segments, depth + 1, found);
  return found;
}

function better(a: Ending | undefined, b: Ending | undefined): Ending | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.order <= b.order ? a : b;
}

/** Returns the path below the context path, or undefined if it is outside. */
function belowContext(path: string, contextPath: string): string | undefined {
  if (contextPath === '') return path;
  const context = contextPath.endsWith('/') ? contextPath.slice(0, -1) : contextPath;
  if (!path.startsWith(context)) return undefined;
  const rest = path.slice(context.length);
  return rest === '' || rest.startsWith('/') ? rest : undefined;
}

interface Found {
  readonly ending: Ending;
  readonly segments: readonly string[];
}

/** The latest result: screening a request and mapping it ask the same question. */
let last: {
  readonly method: string;
  readonly path: string;
  readonly clowder: ClowderVersion;
  readonly contextPath: string;
  readonly found: Found | undefined;
} = { method: '', path: '', clowder: 'auto', contextPath: '', found: undefined };

function find(method: string, path: string, options: HttpMappingOptions): Found | undefined {
  const { clowder, contextPath } = options;
  if (path === last.path && method === last.method && clowder === last.clowder && contextPath === last.contextPath)
    return last.found;
  const found = search(method, path, options);
  last = { method, path, clowder, contextPath, found };
  return found;
}

function search(method: string, path: string, options: HttpMappingOptions): Found | undefined {
  const root = TABLES[options.clowder].get(method);
  const below = root === undefined ? undefined : belowContext(path, options.contextPath);
  if (root === undefined || below === undefined) return undefined;
  const segments = segmentsOf(below);
  const ending = walk(root, segments, 0, undefined);
  return ending === undefined ? undefined : { ending, segments };
}

/** Returns the first matching Clowder route of a request, with or without a trailing slash. */
export function matchRoute(method: string, path: string, options: HttpMappingOptions): RouteMatch | undefined {
  const found = find(method, path, options);
  if (found === undefined) return undefined;
  const { route, parameters } = found.ending;
  const params: Record<string, string> = {};
  for (const [index, name] of parameters) {
    const value = decode(found.segments[index] ?? '');
    if (value === undefined) return undefined;
    params[name] = value;
  }
  return { route, params };
}

/** Whether a request could cause an event, whatever the response. */
export function isEventRoute(method: string, path: string, options: HttpMappingOptions): boolean {
  const found = find(method, path, options);
  return found?.ending.route.rule !== undefined;
}

function decode(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
