import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PAGE_PATHS, readAddress, withParams, writeAddress } from '../../../dashboard/app/address.ts';

const read = (url: string) => {
  const { pathname, search } = new URL(url, 'http://h');
  return readAddress(pathname, search);
};

describe('an address', () => {
  test('has the page and every filter, whatever is in them, and is read back unchanged', () => {
    const params = fc.dictionary(fc.stringMatching(/^[a-z_]{1,12}$/), fc.string({ minLength: 1, unit: 'grapheme' }), {
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(fc.constantFrom(...PAGE_PATHS), params, (page, given) => {
        expect(read(writeAddress({ page, params: given }))).toEqual({ page, params: given });
      }),
    );
  });

  test('is the same in whatever order its filters were set', () => {
    const one = writeAddress({ page: '/usage', params: { who: 'bots', dataset: 'a,b' } });
    expect(one).toBe(writeAddress({ page: '/usage', params: { dataset: 'a,b', who: 'bots' } }));
  });

  test('without filters is only the path', () => {
    expect(writeAddress({ page: '/usage', params: {} })).toBe('/usage');
  });

  test.each(['/nothing', '/usage/more', '//', '/toString'])(
    'of %s, which does not exist, leads to the first page',
    (path) => {
      expect(readAddress(path, '').page).toBe('/');
    },
  );

  test('may end in a slash', () => expect(readAddress('/usage/', '').page).toBe('/usage'));

  test('loses a filter that is set to nothing, and keeps the others', () => {
    const address = { page: '/usage', params: { who: 'bots', type: 'file.uploaded' } } as const;
    expect(withParams(address, { who: undefined, space: 's' }).params).toEqual({ type: 'file.uploaded', space: 's' });
  });
});
