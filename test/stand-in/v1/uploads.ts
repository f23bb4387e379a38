import { json, redirect, text, html, type AnswerMaker } from '../answer.ts';
import { given, type Asked, type Part } from '../asked.ts';
import { isRefused, type Store, type StoredFile } from '../store.ts';

/** The multipart fields that an upload route reads: any in most of v1, only `File` in some routes. */
type Wanted = (part: Part) => boolean;
const any: Wanted = () => true;
const onlyFile: Wanted = (part) => part.field === 'File';

function keep(part: Part, asked: Asked, store: Store, datasetId: string | undefined): StoredFile {
  const { name, contentType, size, content } = part;
  const folderId = asked.query.get('folder_id') ?? asked.query.get('folderId') ?? undefined;
  return store.addFile({ name, contentType, size, content, datasetId, folderId });
}

/** v1's answer: one file's id, or whole objects for several files under `ids`. */
function listed(files: readonly StoredFile[]): ReturnType<AnswerMaker> {
  const [first] = files;
  if (first === undefined) return text('No files uploaded', 400);
  return json(files.length === 1 ? { id: first.id } : { ids: files.map(describe) });
}

const describe = ({ id, name }: StoredFile): object => ({
  id,
  name,
  status: 'PROCESSED',
  thumbnail: null,
  created: 'Mon Nov 23 10:00:00 CST 2026',
  resource_type: 'file',
});

/** A multipart upload to the API, without a dataset. */
export const upload =
  (wanted: Wanted = any): AnswerMaker =>
  (asked, store) =>
    listed(asked.body.parts.filter(wanted).map((part) => keep(part, asked, store, undefined)));

export const uploadFile = upload(onlyFile);

/** A multipart upload to the API, into the dataset in the path. */
export const uploadToDataset: AnswerMaker = (asked, store) => {
  const id = asked.params['id'] ?? '';
  if (store.thing('dataset', id) === undefined) return text(`Dataset with id=${id} does not exist`, 404);
  return listed(asked.body.parts.map((part) => keep(part, asked, store, id)));
};

/** A JSON body, or a list of them, that names files to fetch later. */
export const uploadUrls: AnswerMaker = (asked, store) => {
  const { json: body } = asked.body;
  const datasetId = asked.params['id'] ?? given(asked, 'dataset');
  const files = (Array.isArray(body) ? (body as unknown[]) : [body]).flatMap((one) => {
    const url = addressOf(one);
    const name = url?.split('/').at(-1);
    return name === undefined
      ? []
      : [store.addFile({ name, contentType: 'application/octet-stream', size: 0, datasetId })];
  });
  return files.length === 0 ? text('No files uploaded', 400) : listed(files);
};

function addressOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const entry = Object.entries(value).find(([name]) => ['url', 'fileurl', 'weburl', 'path'].includes(name));
  return typeof entry?.[1] === 'string' ? entry[1] : undefined;
}

/** The keys are the files' ids; `id` is that of the page on which they were found. */
export const uploadManyUrls: AnswerMaker = (asked, store) => {
  const { json: body } = asked.body;
  const urls = typeof body === 'object' && body !== null ? (body as { fileurls?: unknown }).fileurls : undefined;
  const answer: Record<string, string> = { id: store.newId() };
  for (const url of Array.isArray(urls) ? urls.filter((one) => typeof one === 'string') : []) {
    const file = store.addFile({ name: url, contentType: 'application/octet-stream', size: 0 });
    answer[isRefused(url) ? `failed-${file.id}` : file.id] = url;
  }
  return json(answer);
};

/** The page's upload form: 200 whatever happened to each file. */
const webAnswer =
  (datasetOf: (asked: Asked) => string | undefined, wanted: Wanted): AnswerMaker =>
  (asked, store) => {
    const datasetId = datasetOf(asked);
    const isMissing = datasetId !== undefined && store.thing('dataset', datasetId) === undefined;
    const files = asked.body.parts.filter(wanted).map((part) => {
      const { name, size } = part;
      if (isMissing || isRefused(name)) return { name, size, error: 'Could not store the file' };
      const { id } = keep(part, asked, store, datasetId);
      return {
        name,
        size,
        url: `${asked.site}/files/${id}`,
        deleteUrl: `${asked.site}/api/files/${id}/remove`,
        deleteType: 'POST',
      };
    });
    return json({ files });
  };

export const uploadWeb = webAnswer(() => undefined, onlyFile);
export const submitToDataset = webAnswer((asked) => given(asked, 'datasetid') ?? '', any);

/** The old drag and drop: redirects to the dataset, without the file's id. */
export const uploadDragged: AnswerMaker = (asked, store) => {
  const id = asked.params['id'] ?? '';
  if (store.thing('dataset', id) === undefined) return html('<h1>No such dataset</h1>', 400);
  for (const part of asked.body.parts.filter(onlyFile)) keep(part, asked, store, id);
  return redirect(`${asked.site}/datasets/${id}`);
};

/** The extraction service's test form: the id is in the page. */
export const uploadToExtract: AnswerMaker = (asked, store) => {
  const part = asked.body.parts.find(onlyFile);
  if (part === undefined) return html('<h1>No file</h1>', 400);
  return html(`<!doctype html><title>Extract</title><div id="file">${keep(part, asked, store, undefined).id}</div>`);
};
