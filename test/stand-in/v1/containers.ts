import { ARCHIVE_SIZE, archive, extendedName, json, redirect, text, type AnswerMaker } from '../answer.ts';
import { given } from '../asked.ts';
import { isRefused } from '../store.ts';
import { readSeed, seedId, type Kind } from '../seeds.ts';
import { success } from './files.ts';
import { USER } from './users.ts';

type Container = 'dataset' | 'collection' | 'space';

/** Creates through the API; refusals are also 200. */
export const create =
  (kind: Container): AnswerMaker =>
  (asked, store) => {
    const name = given(asked, 'name');
    if (name === undefined) return json('Missing parameter name', 400);
    return isRefused(name) ? json({ status: 'error' }) : json({ id: store.addThing(kind, name).id });
  };

/** Only a text says which dataset was made from a bag. */
export const createFromBag: AnswerMaker = ({ body }, store) => {
  const bag = body.parts[0];
  if (bag === undefined || !bag.name.endsWith('.zip')) return text('No bag found', 400);
  return text(`Created dataset ${store.addThing('dataset', bag.name).id}`);
};

export const copyDataset: AnswerMaker = ({ params }, store) => {
  const from = store.thing('dataset', params['datasetId'] ?? '');
  if (from === undefined) return json({ status: 'error' }, 404);
  return json({ newDatasetId: store.addThing('dataset', from.name).id });
};

/** The page's form redirects to the new collection, or to its parent if it has one. */
export const submitCollection: AnswerMaker = (asked, store) => {
  const name = given(asked, 'name') ?? '';
  if (isRefused(name)) return redirect(`${asked.site}/collections`);
  const { id } = store.addThing('collection', name);
  const parent = given(asked, 'parentcolid') ?? '';
  return redirect(`${asked.site}/collection/${parent === '' ? id : parent}`);
};

/** One form creates and updates; its button says which. */
export const submitSpace: AnswerMaker = (asked, store) => {
  const name = given(asked, 'name') ?? '';
  if (isRefused(name)) return redirect(`${asked.site}/spaces`);
  const id = given(asked, 'submitValue') === 'Create' ? store.addThing('space', name).id : given(asked, 'space_id');
  return redirect(`${asked.site}/spaces/${id ?? ''}`);
};

/** Succeeds whether or not it existed. */
export const removeAlways =
  (param: string): AnswerMaker =>
  ({ params }, store) => {
    store.delete(params[param] ?? '');
    return success;
  };

export const removeDataset: AnswerMaker = ({ params }, store) => {
  const id = params['id'] ?? '';
  if (store.thing('dataset', id) === undefined) return text(`Dataset with id=${id} does not exist`, 404);
  store.delete(id);
  return success;
};

export const onDataset: AnswerMaker = ({ params }, store) =>
  store.thing('dataset', params['id'] ?? '') === undefined ? text('Dataset not found', 404) : success;

const zip = (name: string): ReturnType<AnswerMaker> => archive(ARCHIVE_SIZE, 'application/zip', extendedName(name));

/** A whole dataset or a part of it; the archive's name says which. */
export const downloadDataset =
  (suffix: string): AnswerMaker =>
  ({ params }, store) => {
    const dataset = store.thing('dataset', params['id'] ?? '');
    if (dataset === undefined) return text('Dataset not found', 404);
    return dataset.trait === 'private' ? text('Not authorized', 401) : zip(`${dataset.name}${suffix}.zip`);
  };

export const downloadCollection: AnswerMaker = ({ params }, store) => {
  const collection = store.thing('collection', params['id'] ?? '');
  if (collection === undefined) return text('Collection not found', 404);
  return archive(ARCHIVE_SIZE, 'application/zip', `attachment; filename="${collection.name}.zip"`);
};

export const downloadSelected: AnswerMaker = () => zip('Selected Datasets.zip');

/** A seeded dataset or collection is in the seeded space with its number. */
const spacesOf = (kind: Kind, id: string): readonly string[] => {
  const seed = readSeed(kind, id);
  return seed === undefined ? [] : [seedId('space', seed.number)];
};

export const datasetInfo: AnswerMaker = ({ params }, store) => {
  const dataset = store.thing('dataset', params['id'] ?? '');
  if (dataset === undefined) return json(`Could not find dataset with id [${params['id'] ?? ''}]`, 404);
  const { id, name } = dataset;
  return json({
    id,
    name,
    created: 'Mon Nov 23 10:00:00 UTC 2026',
    authorId: USER.id,
    spaces: spacesOf('dataset', id),
    resource_type: 'dataset',
  });
};

/** Always two files, with sizes as text. */
export const datasetFiles: AnswerMaker = ({ params }, store) => {
  if (store.thing('dataset', params['id'] ?? '') === undefined) return json('Error getting dataset', 404);
  return json([1, 2].map((number) => ({ id: seedId('file', number), filename: `file-${number}`, size: '1000' })));
};

/** Lists are in Scala's text form. */
export const collectionInfo: AnswerMaker = ({ params }, store) => {
  const collection = store.thing('collection', params['coll_id'] ?? '');
  if (collection === undefined) return json('collection not found', 400);
  const { id, name } = collection;
  return json({ id, name, author: USER.fullName, spaces: `List(${spacesOf('collection', id).join(', ')})` });
};

export const spaceInfo: AnswerMaker = ({ params }, store) => {
  const space = store.thing('space', params['id'] ?? '');
  return space === undefined ? text('Space not found', 404) : json({ id: space.id, name: space.name });
};
