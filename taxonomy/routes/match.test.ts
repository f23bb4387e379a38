import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { routeRows, type RoutesVersion } from '../../test/clowder/routes.ts';
import { routeOf } from '../http/map-request.ts';
import type { ClowderVersion } from '../http/types.ts';
import { isEventRoute, matchRoute } from './match.ts';
import { runs } from '../../test/support/form.ts';

const ID = '5f1e00000000000000000001';
const at = (clowder: ClowderVersion, contextPath = '') => ({ clowder, contextPath });
const ruleOf = (method: string, path: string, clowder: ClowderVersion) =>
  matchRoute(method, path, at(clowder))?.route.rule;

describe('matching a route', () => {
  test.each([
    ['GET', '/files/new', 'v1', 'page'],
    ['GET', `/files/${ID}`, 'v1', 'view-file'],
    ['GET', `/collection/${ID}`, 'v1', 'view-collection'],
    ['GET', `/collections/${ID}`, 'v1', undefined],
    ['DELETE', '/api/collections/emptyTrash', 'v1', undefined],
    ['DELETE', `/api/collections/${ID}`, 'v1', 'delete-collection'],
    ['DELETE', '/api/datasets/emptyTrash', 'v1', undefined],
    ['DELETE', `/api/datasets/${ID}/${ID}`, 'v1', undefined],
    ['DELETE', `/api/datasets/${ID}`, 'v1', 'delete-dataset'],
    ['GET', `/api/files/${ID}`, 'v1', 'download-file'],
    ['GET', `/api/files/${ID}/anything.obj`, 'v1', undefined],
    ['GET', `/api/files/${ID}/blob`, 'v1', 'download-file'],
    ['GET', `/api/v2/files/${ID}`, 'auto', 'download-file'],
    ['GET', `/api/v2/files/${ID}/url/`, 'v2', 'download-presigned'],
    ['GET', `/api/v2/files/${ID}/url`, 'v2', 'download-presigned'],
    ['POST', '/api/v2/datasets/createFromZip', 'v2', 'create-zip'],
  ] as const)('%s %s of %s finds the first route that matches', (method, path, clowder, rule) => {
    expect(ruleOf(method, path, clowder)).toBe(rule);
  });

  test('a literal segment is not read as a parameter', () => {
    const match = matchRoute('POST', `/api/uploadToDataset/withFlags/${ID}/x`, at('v1'));
    expect(match?.params).toEqual({ id: ID, flags: 'x' });
  });

  test('the context path is removed, with or without its slash, and is required', () => {
    for (const context of ['/clowder', '/clowder/']) {
      expect(routeOf('GET', `/clowder/files/${ID}`, at('v1', context))).toBe('/files/:id');
      expect(routeOf('GET', '/clowder', at('v1', context))).toBe('/');
      expect(routeOf('GET', `/files/${ID}`, at('v1', context))).toBeUndefined();
      expect(routeOf('GET', `/clowders/files/${ID}`, at('v1', context))).toBeUndefined();
    }
  });

  test('segments are percent-decoded, and an invalid encoding does not match', () => {
    expect(matchRoute('GET', '/extractors/ncsa%20image/logs', at('v1'))?.params['extractorName']).toBe('ncsa image');
    expect(matchRoute('GET', '/extractors/%E0%A4%A/logs', at('v1'))).toBeUndefined();
  });

  test('screening separates the routes that can make an event from those that cannot', () => {
    expect(isEventRoute('GET', `/api/files/${ID}/blob`, at('auto'))).toBe(true);
    expect(isEventRoute('GET', '/assets/javascripts/app.js', at('auto'))).toBe(false);
    expect(isEventRoute('GET', '/no/such/page', at('auto'))).toBe(false);
    expect(isEventRoute('GET', '/no/such/page', at('v2'))).toBe(false);
    expect(isEventRoute('GET', '/api/v2/no/such/call', at('v2'))).toBe(false);
    expect(isEventRoute('HEAD', `/api/files/${ID}/blob`, at('auto'))).toBe(false);
  });

  test('never throws, and agrees with the screening, whatever the path', () => {
    const version = fc.constantFrom<ClowderVersion>('v1', 'v2', 'auto');
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), version, (method, path, context, clowder) => {
        const match = matchRoute(method, path, at(clowder, context));
        if (match?.route.rule !== undefined) expect(isEventRoute(method, path, at(clowder, context))).toBe(true);
      }),
      runs(),
    );
  });
});

describe('matching against the list of all routes', () => {
  interface Row {
    readonly method: string;
    readonly template: string;
    readonly segments: readonly string[];
  }

  /** Rows of a list in order, with `{name}` written as `:name`. */
  const rowsOf = (version: RoutesVersion): Row[] =>
    routeRows(version)
      .filter(({ path }) => path !== '/*path/' && path !== '/*' && !path.startsWith('/*.'))
      .map(({ method, path }) => {
        const segments = path.split('/').filter((segment) => segment !== '');
        return { method, template: shape(path), segments };
      });
  const shape = (path: string): string =>
    `/${path
      .split('/')
      .filter((segment) => segment !== '')
      .map((segment) => (isParam(segment) ? ':' : segment.startsWith('*') ? '*' : segment))
      .join('/')}`;
  const isParam = (segment: string): boolean => /^[:{]/.test(segment);

  const naive = (rows: readonly Row[], method: string, path: string): string | undefined => {
    const segments = path.split('/').filter((segment) => segment !== '');
    return rows.find((row) => {
      if (row.method !== method) return false;
      const rest = row.segments.at(-1)?.startsWith('*');
      if (rest ? segments.length < row.segments.length - 1 : segments.length !== row.segments.length) return false;
      return row.segments.every((part, index) => isParam(part) || part.startsWith('*') || part === segments[index]);
    })?.template;
  };

  test.each([['v1'], ['v2']] as const)('%s: agrees with a first-match search through the whole list', (version) => {
    const rows = rowsOf(version);
    expect(rows.length).toBeGreaterThan(200);
    const literals = [...new Set(rows.flatMap((row) => row.segments.filter((part) => !/^[:{*]/.test(part))))];
    const fillers = [ID, 'new', 'emptyTrash', 'withFlags', 'blob', 'x', ...literals.slice(0, 20)];
    const differing: string[] = [];
    let compared = 0;
    for (const row of rows) {
      for (const filler of fillers) {
        const path = `/${row.segments.map((part) => (/^[:{*]/.test(part) ? filler : part)).join('/')}`;
        const expected = naive(rows, row.method, path);
        const found = matchRoute(row.method, path, at(version))?.route.template;
        compared++;
        if ((found === undefined ? undefined : shape(found)) !== expected) {
          differing.push(`${row.method} ${path}: ${String(found)}, expected ${String(expected)}`);
        }
      }
    }
    expect(compared).toBeGreaterThan(4000);
    expect(differing).toEqual([]);
  });

  test.each([['v1'], ['v2']] as const)("%s: agrees on random sequences of the list's words too", (version) => {
    const rows = rowsOf(version);
    const words = [...new Set(rows.flatMap((row) => row.segments.filter((part) => !/^[:{*]/.test(part)))), ID];
    const path = fc.array(fc.constantFrom(...words), { maxLength: 6 }).map((parts) => `/${parts.join('/')}`);
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH');
    fc.assert(
      fc.property(method, path, (verb, walked) => {
        const found = matchRoute(verb, walked, at(version))?.route.template;
        expect(found === undefined ? undefined : shape(found)).toBe(naive(rows, verb, walked));
      }),
      runs(500),
    );
  });
});
