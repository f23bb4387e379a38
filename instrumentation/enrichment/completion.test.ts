import { describe, expect, test } from 'vitest';
import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';
import { EVENT_TYPES, eventSchemas, eventTraits, type EventType } from '../../taxonomy/event-types.ts';
import type { CapturedEvent } from '../capture/types.ts';
import { complete, isByUser, subjectOf, withUser } from './completion.ts';
import { LOOKUPS, type Facts } from './lookups.ts';

const FILE = '5f1e00000000000000000001';
const DATASET = 'da7a00000000000000000001';
const SPACE = '5bac00000000000000000001';
const AUTHOR = '5a55e55e0000000000000001';

type Fields = { readonly [F in keyof typeof ATTRIBUTE_OF_FIELD]?: string | number };

function event(type: EventType, fields: Fields): CapturedEvent {
  const names = Object.keys(fields) as (keyof typeof ATTRIBUTE_OF_FIELD)[];
  return { type, attributes: Object.fromEntries(names.map((name) => [ATTRIBUTE_OF_FIELD[name], fields[name] ?? ''])) };
}

/** Known facts, keyed by `kind id`. */
const knowing = (facts: Readonly<Record<string, Facts | null>>) => (kind: string, id: string) => facts[`${kind} ${id}`];
const nothing = knowing({});

const uploaded = event('file.uploaded', { file_id: FILE, file_name: 'a.txt', dataset_id: DATASET });

describe('the fields added by look-ups', () => {
  test.each(EVENT_TYPES)('to %s are fields that its type has', (type) => {
    expect(eventTraits[type].enriched.filter((field) => !Object.hasOwn(eventSchemas[type].shape, field))).toEqual([]);
  });

  test('to an upload are the name and the space of its dataset', () => {
    const known = knowing({ [`dataset ${DATASET}`]: { name: 'Soil', spaceId: SPACE, authorId: AUTHOR } });
    const { event: whole, missing } = complete(uploaded, LOOKUPS.v1, known);
    expect(whole).toEqual(
      event('file.uploaded', { file_id: FILE, file_name: 'a.txt', dataset_id: DATASET, dataset_name: 'Soil', space_id: SPACE }),
    );
    expect(missing).toEqual([]);
  });

  test("to a download of v2 are the file's dataset, folder and author", () => {
    const download = event('view.download', { resource_type: 'file', resource_id: FILE, file_name: 'a.txt' });
    expect(complete(download, LOOKUPS.v2, nothing).missing).toEqual([{ kind: 'file', id: FILE }]);
    const known = knowing({ [`file ${FILE}`]: { name: 'other', datasetId: DATASET, folderId: SPACE, authorId: AUTHOR, authorName: 'a@b' } });
    expect(complete(download, LOOKUPS.v2, known)).toEqual({
      event: event('view.download', {
        resource_type: 'file',
        resource_id: FILE,
        file_name: 'a.txt',
        dataset_id: DATASET,
        folder_id: SPACE,
        author_id: AUTHOR,
        author_name: 'a@b',
      }),
      missing: [],
    });
  });

  test('never replace what the event itself has', () => {
    const known = knowing({ [`file ${FILE}`]: { name: 'other', datasetId: 'other' }, [`dataset ${DATASET}`]: null });
    expect(complete(uploaded, LOOKUPS.v2, known)).toEqual({ event: uploaded, missing: [] });
  });
}); // prettier-ignore

describe('the look-ups', () => {
  test.each<[string, CapturedEvent, 'v1' | 'v2', readonly string[]]>([
    ['of an upload ask for its dataset', uploaded, 'v1', [`dataset ${DATASET}`]],
    ['of an upload without an id ask for its dataset', event('file.uploaded', { dataset_id: DATASET, file_name: 'a' }), 'v1', [`dataset ${DATASET}`]],
    ['of a deleted file ask only for its dataset', event('file.deleted', { file_id: FILE, dataset_id: DATASET }), 'v2', [`dataset ${DATASET}`]],
    ['of a deleted dataset ask for nothing', event('dataset.deleted', { resource_id: DATASET }), 'v1', []],
    ['of a download that names its file ask for nothing in v1', event('view.download', { resource_type: 'file', resource_id: FILE, file_name: 'a' }), 'v1', []],
    ['of a download of a dataset ask for its name', event('view.download', { resource_type: 'dataset', resource_id: DATASET, file_name: 'a.zip' }), 'v1', [`dataset ${DATASET}`]],
    ['of a view of a file ask for the file first', event('view.resource', { resource_type: 'file', resource_id: FILE }), 'v1', [`file ${FILE}`]],
    ['of a view of a file in a dataset ask for both', event('view.resource', { resource_type: 'file', resource_id: FILE, dataset_id: DATASET }), 'v1', [`file ${FILE}`, `dataset ${DATASET}`]],
    ['of a view of a collection ask for nothing in v2', event('view.resource', { resource_type: 'collection', resource_id: FILE }), 'v2', []],
    ['of a new dataset that names all of it ask for nothing', event('dataset.created', { resource_id: DATASET, resource_name: 'D', space_id: SPACE }), 'v1', []],
    ['of a new dataset of v2 ask for nothing, as there are no spaces', event('dataset.created', { resource_id: DATASET, resource_name: 'D' }), 'v2', []],
    ['of an extraction of a file ask for its name', event('extraction.queued', { file_id: FILE }), 'v1', [`file ${FILE}`]],
    ['of an extraction of a dataset ask for its name', event('extraction.queued', { dataset_id: DATASET }), 'v2', [`dataset ${DATASET}`]],
    ['of pages and logins ask for nothing', event('view.page', { url: '/' }), 'v1', []],
  ])('%s', (_what, given, version, expected) => {
    expect(complete(given, LOOKUPS[version], nothing).missing.map(({ kind, id }) => `${kind} ${id}`)).toEqual(expected);
  });

  test('of a view in v2 ask for the dataset once the file has named it', () => {
    const view = event('view.resource', { resource_type: 'file', resource_id: FILE, resource_name: 'a' });
    const known = knowing({ [`file ${FILE}`]: { datasetId: DATASET } });
    // A view has no field for its name.
    expect(complete(view, LOOKUPS.v2, known).missing).toEqual([]);
    const deleted = event('file.deleted', { file_id: FILE });
    expect(complete(deleted, LOOKUPS.v2, known).missing).toEqual([{ kind: 'dataset', id: DATASET }]);
  });
}); // prettier-ignore

describe('a looked-up user', () => {
  const user = { userId: AUTHOR, userName: 'Ada@example.org' };

  test('is added if the event names none', () => {
    expect(withUser(uploaded, user).attributes).toMatchObject({ 'user.id': AUTHOR, 'user.name': 'Ada@example.org' });
  });

  test('gives their id if the event names the same user', () => {
    const given = event('file.deleted', { user_name: 'ada@example.org', user_id: 'id of an identity provider' });
    expect(withUser(given, user).attributes).toEqual({ 'user.id': AUTHOR, 'user.name': 'ada@example.org' });
  });

  test('does not replace another user that the event names', () => {
    const given = event('file.deleted', { user_name: 'bob@example.org' });
    expect(withUser(given, user)).toBe(given);
  });

  test('is not added to a login, which is by the person who logs in, whatever the session', () => {
    const login = event('user.login', {});
    expect(isByUser(login)).toBe(false);
    expect(withUser(login, user)).toBe(login);
  });
});

test.each<[CapturedEvent, string | undefined]>([
  [uploaded, `file ${FILE}`],
  [event('view.resource', { resource_type: 'space', resource_id: SPACE }), `space ${SPACE}`],
  [event('view.download', { resource_type: 'file' }), undefined],
  [event('user.login', {}), undefined],
])('an event is about its resource', (given, expected) => {
  const subject = subjectOf(given);
  expect(subject && `${subject.kind} ${subject.id}`).toBe(expected);
});
