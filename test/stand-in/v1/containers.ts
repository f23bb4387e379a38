import { ARCHIVE_SIZE, archive, extendedName, json, redirect, text, type AnswerMaker } from '../answer.ts';
import { given } from '../asked.ts';
import { isRefused } from '../store.ts';
import { success } from './files.ts';

type Container = 'dataset' | 'collection' | 'space';

/** A create through the API: refusals are 200 too. */
export const create =
  (kind: Container): AnswerMaker =>
  (asked, store) => {
    const name = given(asked, 'name');
    if (name === undefined) return json('Missing parameter name', 400);
    return isRefused(name) ? json({ status: 'error' }) : json({ id: store.addThing(kind, name).id });
  };

/** Only a text says which dataset came out of a bag. */
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

/** The page's form: to the new collection, or to its parent where it has one. */
export const submitCollection: AnswerMaker = (asked, store) => {
  const name = given(asked, 'name') ?? '';
  if (isRefused(name)) return redirect(`${asked.site}/collections`);
  const { id } = store.addThing('collection', name);
  const parent = given(asked, 'parentcolid') ?? '';
  return redirect(`${asked.site}/collection/${parent === '' ? id : parent}`);
};

/** One form for create and update: its button tells which. */
export const submitSpace: AnswerMaker = (asked, store) => {
  const name = given(asked, 'name') ?? '';
  if (isRefused(name)) return redirect(`${asked.site}/spaces`);
  const id = given(asked, 'submitValue') === 'Create' ? store.addThing('space', name).id : given(asked, 'space_id');
  return redirect(`${asked.site}/spaces/${id ?? ''}`);
};

/** Success whether it existed or not. */
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

/** A whole dataset, or a part of it: the archive's name says which. */
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

export const datasetInfo: AnswerMaker = ({ params }, store) => {
  const dataset = store.thing('dataset', params['id'] ?? '');
  return dataset === undefined ? text('Not found', 404) : json({ id: dataset.id, name: dataset.name, spaces: [] });
};
