import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { CollapseWindow } from './collapse-window.ts';
import { runs } from '../../test/support/form.ts';

const KEY = 'client|file';
const WITHIN_MS = 30_000;

interface View {
  readonly what: 'page' | 'call';
  /** When it happened, in seconds. */
  readonly at: number;
}
const page = (at: number): View => ({ what: 'page', at });
const call = (at: number): View => ({ what: 'call', at });

/** @returns a function that undoes the count; undefined if the view did not count */
function count(window: CollapseWindow, { what, at }: View, key = KEY): (() => void) | undefined {
  const { counts, undo } = window.count({ key, as: what, ...(what === 'call' && { withinMs: WITHIN_MS }) }, at * 1000);
  return counts ? undo : undefined;
}

function counted(views: readonly View[]): number {
  const window = new CollapseWindow();
  return views.filter((view) => count(window, view) !== undefined).length;
}

describe('views of one resource by one client', () => {
  test.each([
    ['a page is a view', [page(0)], 1],
    ['each page is a view: double clicks are left to reports', [page(0), page(1)], 2],
    ['a page and its calls are one view', [page(0), call(0.2), call(0.3), call(1)], 1],
    ['a page and its calls are one view if a call comes first', [call(0.2), page(0), call(0.3)], 1],
    ['a page and its calls are one view if the page comes last', [call(0.3), call(0.2), call(1), page(0)], 1],
    ['two pages, one of them reported late, are two views', [page(0), call(1.2), page(1)], 2],
    ['two pages reported after a call are two views', [call(1.2), page(1), page(0.9)], 2],
    ['calls without a page are one view', [call(0), call(1), call(2)], 1],
    ['calls without a page are one in any order', [call(2), call(0), call(1)], 1],
    ['a call half a minute later is another view', [call(0), call(30)], 2],
    ['a call half a minute after a page is another view', [page(0), call(30)], 2],
    ['a page after a call is another view, as it was loaded again', [call(0), page(5), call(5.2)], 2],
    ['a call before a page that was counted is another view', [page(20), call(10)], 2],
    ['a page long before a call is another view', [call(40), page(5)], 2],
  ])('%s', (_, views, expected) => expect(counted(views)).toBe(expected));

  test("are one for each visit, in any order of the visit's observations", () => {
    // A minute apart, so that no call can belong to two of them.
    const visit = (start: number): fc.Arbitrary<readonly View[]> =>
      fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 3 }).chain((calls) => {
        const views = [page(start), ...calls.map((after) => call(start + after))];
        return fc.shuffledSubarray(views, { minLength: views.length });
      });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }).chain((n) => fc.tuple(...Array.from({ length: n }, (_, i) => visit(i * 60)))),
        (visits) => {
          expect(counted(visits.flat())).toBe(visits.length);
        },
      ),
      runs(),
    );
  });
});

test('views of other resources or clients do not count', () => {
  const window = new CollapseWindow();
  count(window, page(0));
  expect(count(window, call(1), 'another|file')).toBeDefined();
});

test('an undone view was never counted', () => {
  const window = new CollapseWindow();
  count(window, call(0))?.();
  expect(count(window, call(1))).toBeDefined();
  const again = new CollapseWindow();
  count(again, page(0));
  count(again, page(10))?.();
  expect(count(again, call(25))).toBeUndefined();
  expect(count(again, call(30))).toBeDefined();
});

test('a view from before a restart keeps its calls, and takes no page as one of them', () => {
  const window = new CollapseWindow();
  const view: FlatBody = {
    event_id: 'e',
    event: 'view.resource',
    created: 10_000,
    client_id: 'client',
    resource_id: 'file',
  };
  window.restore(view);
  window.restore({ ...view, event: 'view.download' });
  expect(count(window, call(11))).toBeUndefined();
  expect(count(window, call(9))).toBeUndefined();
  expect(count(window, page(9))).toBeDefined();
});

test('the window remembers the latest hundred thousand views', () => {
  const window = new CollapseWindow();
  for (let client = 0; client <= 100_000; client += 1) count(window, page(0), `${client}`);
  expect(count(window, call(1), '0')).toBeDefined();
  expect(count(window, call(1), '100000')).toBeUndefined();
});
