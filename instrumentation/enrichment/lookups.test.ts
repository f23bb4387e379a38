import { describe, expect, test } from 'vitest';
import { matchRoute } from '../../taxonomy/routes/match.ts';
import { LOOKUPS, readAnswer } from './lookups.ts';

const ID = '5f1e00000000000000000001';
const SPACE = '5bac00000000000000000001';
const USER = '5a55e55e0000000000000001';

describe('look-ups', () => {
  const all = Object.entries(LOOKUPS).flatMap(([version, lookups]) =>
    Object.values(lookups).flatMap(({ path, publicPath }) =>
      [path, publicPath].flatMap((one) => (one === undefined ? [] : [[version, one] as const])),
    ),
  );

  test.each(all)('of %s use a route that it has: %s', (version, path) => {
    const clowder = version === 'v1' ? 'v1' : 'v2';
    const match = matchRoute('GET', path.replace(':id', ID), { clowder, contextPath: '' });
    expect(match?.route.template).toMatch(/^\/api\//);
    // A download would count in Clowder; a call of v2's pages is a view only if a browser makes it.
    expect([undefined, 'browse-file', 'browse-dataset']).toContain(match?.route.rule);
  });
});

describe('an answer', () => {
  test.each([
    ['v1 file', LOOKUPS.v1.file, { id: ID, filename: 'a.txt', size: '7', authorId: USER }, { name: 'a.txt', authorId: USER }],
    ['v1 dataset', LOOKUPS.v1.dataset, { name: 'D', spaces: [SPACE, ID], authorId: USER }, { name: 'D', spaceId: SPACE, authorId: USER }],
    ['v1 dataset without a space', LOOKUPS.v1.dataset, { name: 'D', spaces: [] }, { name: 'D' }],
    ['v1 collection', LOOKUPS.v1.collection, { name: 'C', spaces: `List(${SPACE}, ${ID})` }, { name: 'C', spaceId: SPACE }],
    ['v1 collection without a space', LOOKUPS.v1.collection, { name: 'C', spaces: 'List()' }, { name: 'C' }],
    ['v1 space', LOOKUPS.v1.space, { id: SPACE, name: 'S' }, { name: 'S' }],
    ['v1 user', LOOKUPS.v1.user, { id: USER, fullName: 'Ada L', email: 'ada@example.org' }, { userId: USER, userName: 'ada@example.org' }],
    ['v1 user without an address', LOOKUPS.v1.user, { id: USER, fullName: 'Ada L', email: null }, { userId: USER, userName: 'Ada L' }],
    ['v1 anonymous user', LOOKUPS.v1.user, { id: '0'.repeat(24) }, undefined],
    ['v2 file', LOOKUPS.v2.file, { name: 'a', dataset_id: ID, folder_id: null, creator: { id: USER, email: 'a@b' } }, { name: 'a', datasetId: ID, authorId: USER, authorName: 'a@b' }],
    ['v2 dataset', LOOKUPS.v2.dataset, { name: 'D', creator: {} }, { name: 'D' }],
    ['v2 user', LOOKUPS.v2.user, { id: USER, email: 'a@b' }, { userId: USER, userName: 'a@b' }],
    ["null, v2's answer for private files", LOOKUPS.v2.file, null, undefined],
    ['something else', LOOKUPS.v1.file, ['?', 7], undefined],
    ['text', LOOKUPS.v1.file, 'Invalid', undefined],
    ['invalid names and ids', LOOKUPS.v1.file, { filename: 7, authorId: '../x' }, undefined],
  ])('about %s gives its facts', (_what, lookup, answer, facts) => {
    expect(readAnswer(answer, lookup?.places ?? {})).toEqual(facts);
  });

  test('is cut to what an event takes', () => {
    expect(readAnswer({ name: 'x'.repeat(5000) }, { name: ['name'] })?.name).toHaveLength(1024);
  });
}); // prettier-ignore
