import { fileBytes, json, typed, type Answer, type AnswerMaker } from '../answer.ts';
import { given, type Asked, type Part } from '../asked.ts';
import type { Store, StoredFile } from '../store.ts';
import { fileOut, missing, notFound } from './models.ts';

type ForFile = (file: StoredFile, asked: Asked, store: Store) => Answer;

/** 404 if the file does not exist, 403 if the client may not see it, 500 if Clowder fails on it. */
export const onFile =
  (answer: ForFile): AnswerMaker =>
  (asked, store) => {
    const id = asked.params['id'] ?? '';
    const file = store.file(id);
    if (file === undefined) return json(notFound(`File ${id}`), 404);
    if (file.trait === 'broken') return json({ detail: 'Internal Server Error' }, 500);
    return file.trait === 'private' ? json({ detail: 'User not authorized' }, 403) : answer(file, asked, store);
  };

/** Chunked from the object store; with a length from the backend's own disk. The name is not quoted. */
const bytes: ForFile = (file, asked) =>
  fileBytes(
    file,
    { ...asked, header: () => undefined },
    {
      disposition: `attachment; filename=${file.name}`,
      sized: file.trait === 'local',
    },
  );

export const download = onFile(bytes);

/** For a private file the public route answers 200 and `null`. */
export const downloadPublic: AnswerMaker = (asked, store) => {
  const file = store.file(asked.params['id'] ?? '');
  return file?.trait === 'private' ? json(null) : download(asked, store);
};

export const summary = onFile((file) => json(fileOut(file)));
export const summaryPublic: AnswerMaker = (asked, store) =>
  store.file(asked.params['id'] ?? '')?.trait === 'private' ? json(null) : summary(asked, store);

export const presigned = onFile(({ id }) =>
  json({
    presigned_url: `http://minio:9000/clowder/${id}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=canary-credential&X-Amz-Signature=canary-signature`,
  }),
);

export const thumbnail: AnswerMaker = () => typed('image/png', 'PNG', { 'content-disposition': 'attachment; filename=thumb' }); // prettier-ignore

/** A new version of a file; refused unless the name is the same. */
export const update = onFile((file, asked, store) => {
  const part = asked.body.parts.find(({ field }) => field === 'file');
  if (part === undefined) return json(missing('body', 'file'), 422);
  if (part.name !== file.name) return json({ detail: 'File name and content type must match' }, 400);
  return json(fileOut(store.addFile({ ...file, ...kept(part), version: file.version + 1 }, file.id)));
});

const kept = ({ name, contentType, size, content }: Part) => ({ name, contentType, size, content });

export const remove = onFile((file, _asked, store) => {
  store.delete(file.id);
  return json({ deleted: file.id });
});

/** The job's id as a bare JSON string. */
export const extract = onFile(({ id: resourceId }, { query }, store) => {
  const extractor = query.get('extractorName');
  if (extractor === null) return json(missing('query', 'extractorName'), 422);
  return json(store.addJob({ extractor, collection: 'files', resourceId }).id);
});

/** Each listener's outcome. The released version always says "error"; a `local` file behaves as intended. */
export const resubmit = onFile((file, _asked, store) =>
  json([
    { listener_id: store.newId(), parameters: {}, status: 'error' },
    { listener_id: store.newId(), parameters: {}, status: file.trait === 'local' ? 'success' : 'error' },
  ]),
);

/** One file (multipart field `file`), or several (`files`), answered with an array. */
export const upload =
  (field: 'file' | 'files'): AnswerMaker =>
  (asked, store) => {
    const datasetId = asked.params['id'] ?? '';
    if (store.thing('dataset', datasetId) === undefined) return json(notFound(`Dataset ${datasetId}`), 404);
    const parts = asked.body.parts.filter((part) => part.field === field);
    if (parts.length === 0) return json(missing('body', field), 422);
    const folderId = asked.query.get('folder_id') ?? undefined;
    const files = parts.map((part) => fileOut(store.addFile({ ...kept(part), datasetId, folderId })));
    return json(field === 'file' ? files[0] : files);
  };

/** Adds a file that is already on the backend's disk. */
export const addLocal: AnswerMaker = (asked, store) => {
  const path = given(asked, 'path') ?? '';
  if (!path.startsWith('/data/')) return json({ detail: 'Internal Server Error' }, 500);
  const name = path.split('/').at(-1) ?? '';
  const datasetId = asked.params['id'];
  return json(fileOut(store.addFile({ name, contentType: 'text/csv', size: 4321, datasetId })));
};
