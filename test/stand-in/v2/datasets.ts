import { ARCHIVE_SIZE, archive, json, type Answer, type AnswerMaker } from '../answer.ts';
import { given, type Asked } from '../asked.ts';
import type { Store, StoredThing } from '../store.ts';
import { datasetOut, fileOut, missing, notFound, paged } from './models.ts';
import { seedId } from '../seeds.ts';

type ForDataset = (dataset: StoredThing, asked: Asked, store: Store) => Answer;

/** 404 if it does not exist, 403 if the client may not see it. */
export const onDataset =
  (answer: ForDataset): AnswerMaker =>
  (asked, store) => {
    const id = asked.params['id'] ?? '';
    const dataset = store.thing('dataset', id);
    if (dataset === undefined) return json(notFound(`Dataset ${id}`), 404);
    return dataset.trait === 'private' ? json({ detail: 'User not authorized' }, 403) : answer(dataset, asked, store);
  };

/** The public routes hide private datasets. */
export const onPublicDataset =
  (answer: ForDataset): AnswerMaker =>
  (asked, store) => {
    const id = asked.params['id'] ?? '';
    const isPrivate = store.thing('dataset', id)?.trait === 'private';
    return isPrivate ? json(notFound(`Dataset ${id}`), 404) : onDataset(answer)(asked, store);
  };

export const create: AnswerMaker = (asked, store) => {
  if (!asked.query.has('license_id')) return json(missing('query', 'license_id'), 422);
  const name = given(asked, 'name');
  if (name === undefined) return json(missing('body', 'name'), 422);
  return json(datasetOut(store.addThing('dataset', name)));
};

/** The released version never stores the dataset and gives no id; `works.zip` behaves as intended. */
export const createFromZip: AnswerMaker = ({ body }, store) => {
  const zip = body.parts[0];
  if (zip === undefined || !zip.name.endsWith('.zip')) return json({ detail: 'File is not a zip file' }, 404);
  const name = zip.name.replace(/\.zip$/, '');
  return json(datasetOut(name === 'works' ? store.addThing('dataset', name) : { id: null, name, trait: 'plain' }));
};

export const info: ForDataset = (dataset) => json(datasetOut(dataset));

export const remove = onDataset(({ id }, _asked, store) => {
  store.delete(id);
  return json({ deleted: id });
});

export const download: ForDataset = ({ name }) =>
  archive(ARCHIVE_SIZE, 'application/x-zip-compressed', `attachment; filename=${name}.zip`);

export const extract = onDataset(({ id: resourceId }, { query }, store) => {
  const extractor = query.get('extractorName');
  if (extractor === null) return json(missing('query', 'extractorName'), 422);
  return json(store.addJob({ extractor, collection: 'datasets', resourceId }).id);
});

/** Always two files. */
export const listFiles: ForDataset = (_dataset, _asked, store) => {
  const data = [1, 2].flatMap((number) => store.file(seedId('file', number)) ?? []).map(fileOut);
  return json(paged(data));
};

/** The new id belongs to a frozen version, not to a new dataset. */
export const freeze = onDataset((dataset, _asked, store) =>
  json({ ...datasetOut(dataset), id: store.newId(), origin_id: dataset.id, frozen: true, frozen_version_num: 1 }),
);

/** The deleted id is a folder's. */
export const removeFolder: AnswerMaker = ({ params }) => json({ deleted: params['folder_id'] });
