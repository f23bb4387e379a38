import { extendedName, fileBytes, html, json, redirect, text, typed, type AnswerMaker } from '../answer.ts';
import { given, givenList, type Asked } from '../asked.ts';
import { USER } from './users.ts';
import type { Store, StoredFile } from '../store.ts';

const idOf = ({ params }: Asked): string => params['id'] ?? params['file_id'] ?? '';
export const success = json({ status: 'success' });

/** Play's error page, which repeats the whole URL with its secrets. */
export const failed = ({ method, site, url }: Asked, status = 500): ReturnType<AnswerMaker> =>
  html(`<!doctype html><title>Error</title><p>${method} ${site}${url}`, status);

const whole = (file: StoredFile, asked: Asked): ReturnType<AnswerMaker> =>
  fileBytes(file, asked, { disposition: extendedName(file.name) });

/** Download through the API; the same for `/api/files/:id` and `/api/files/:id/blob`. */
export const download: AnswerMaker = (asked, store) => {
  const file = store.file(idOf(asked));
  if (file === undefined) return text('Invalid file ID', 404);
  if (file.trait === 'broken') return failed(asked);
  if (file.trait === 'private') return text('Not authorized', 401);
  return whole(file, asked);
};

/** Download through the page. */
export const downloadPage: AnswerMaker = (asked, store) => {
  const file = store.file(idOf(asked));
  if (file === undefined) return failed(asked, 400);
  return file.trait === 'private' ? redirect(`${asked.site}/login`) : whole(file, asked);
};

/** Converted by Polyglot; if that is not installed, a text says so with status 200. */
export const downloadAs: AnswerMaker = (asked, store) => {
  const file = store.file(idOf(asked));
  const format = asked.params['format'] ?? '';
  if (format === 'unknown') return text('Plugin not found');
  if (file === undefined) return failed(asked, 400);
  return whole({ ...file, name: `${file.name}.${format}`, contentType: 'some-content-Type' }, asked);
};

export const downloadLink: AnswerMaker = (asked, store) => {
  const file = store.linked(asked.params['linkId'] ?? '');
  return file === undefined ? failed(asked, 400) : whole(file, asked);
};

/** Succeeds whether or not the file existed. */
export const remove: AnswerMaker = (asked, store) => {
  store.delete(idOf(asked));
  return success;
};

export const removeMany: AnswerMaker = (asked, store) => {
  const answer = { deleted: [] as string[], 'not found': [] as string[], 'error deleting': [] as string[], 'no permission': [] as string[] }; // prettier-ignore
  for (const id of givenList(asked, 'fileIds')) {
    const trait = store.file(id)?.trait;
    if (trait === undefined) answer['not found'].push(id);
    else if (trait === 'private') answer['no permission'].push(id);
    else if (trait === 'broken') answer['error deleting'].push(id);
    else {
      answer.deleted.push(id);
      store.delete(id);
    }
  }
  return json(answer);
};

/** Succeeds for any existing file. */
export const onFile: AnswerMaker = (asked, store) =>
  store.file(idOf(asked)) === undefined ? text(`File not found ${idOf(asked)}`, 404) : success;

export const extractFile: AnswerMaker = (asked, store) => {
  const file = store.file(idOf(asked));
  if (file === undefined) return json('File not found', 400);
  if (file.trait === 'broken') return json({ status: 'error', msg: 'file not ready' }, 409);
  if (given(asked, 'extractor') === undefined) return json({ status: 'KO', msg: 'no extractor' }, 500);
  return json({ status: 'OK', job_id: store.newId() });
};

export const extractDataset: AnswerMaker = (asked, store) =>
  store.thing('dataset', asked.params['ds_id'] ?? '') === undefined
    ? json('Dataset not found', 400)
    : json({ status: 'OK', job_id: store.newId() });

/** One job for each existing file; maybe none. */
export const extractSelected: AnswerMaker = (asked, store) => {
  const ids = (asked.params['file_ids'] ?? '').split(',').filter((id) => store.file(id) !== undefined);
  return json({ status: 'success', jobs: Object.fromEntries(ids.map((id) => [id, store.newId()])) });
};

export const fileInfo: AnswerMaker = (asked, store) => {
  const file = store.file(idOf(asked));
  if (file === undefined) return text('Invalid file ID', 404);
  const { id, name, contentType, size } = file;
  return json({
    id,
    filename: name,
    'content-type': contentType,
    size: String(size),
    authorId: USER.id,
    status: 'PROCESSED',
  });
};

/** A preview or thumbnail: its bytes are no download. */
export const preview: AnswerMaker = () => typed('image/png', 'PNG', { 'content-disposition': 'attachment' });

export const sendJob: AnswerMaker = ({ params }: Asked, _store: Store) => json({ id: params['fileId'] });
