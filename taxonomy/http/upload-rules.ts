import { asCount, asId, asText, field, known, type Facts } from './facts.ts';
import type { Rule } from './rules.ts';
import type { EventData, HttpEvent, Json } from './types.ts';

type Data = { readonly [K in keyof EventData]?: EventData[K] | undefined };

function uploaded(data: Data): HttpEvent {
  return { event: 'file.uploaded', data: known(data) };
}

/** Where the file went, as far as path, query and form tell. */
function destination(facts: Facts): Data {
  const template = facts.route.route.template;
  const isDataset = template.includes('/datasets/') || template.includes('/uploadToDataset/') || template.startsWith('/uploaddnd/');
  return {
    dataset_id: (isDataset ? facts.pathId('id') : undefined) ?? asId(facts.form('datasetid')) ?? asId(facts.form('dataset')),
    folder_id: asId(facts.query('folder_id') ?? facts.query('folderId')),
  };
}

/** The uploaded part that belongs to the file of this place. */
function partOf(facts: Facts, index: number): Data {
  const part = facts.request.parts?.[index];
  return { file_name: part?.fileName, bytes: part?.bytes, content_type: part?.contentType };
}

/** v1 `{"id"}` or `{"ids": [objects]}`, v2 FileOut or an array of them. */
export const uploadAnswer: Rule = (facts) => {
  if (!facts.ok || facts.refusedInBody) return [];
  const isVersion = facts.request.method === 'PUT';
  const answers = answeredFiles(facts.answer);
  if (answers.length === 0) {
    if (facts.sawAnswer && isEmptyAnswer(facts.answer)) return [];
    return [uploaded({ ...destination(facts), ...partOf(facts, 0), ...(isVersion && { file_id: facts.pathId('id') }) })];
  }
  return answers.map((answer, index) => {
    const part = partOf(facts, index);
    return uploaded({
      ...destination(facts),
      file_id: isVersion ? (facts.pathId('id') ?? asId(idOf(answer))) : asId(idOf(answer)),
      file_name: asText(field(answer, 'name')) ?? asText(field(answer, 'filename')) ?? part.file_name,
      bytes: asCount(field(answer, 'bytes')) ?? part.bytes,
      content_type: asText(field(field(answer, 'content_type'), 'content_type')) ?? part.content_type,
      ...definedOnly('dataset_id', asId(field(answer, 'dataset_id'))),
      ...definedOnly('folder_id', asId(field(answer, 'folder_id'))),
      version: isVersion ? asCount(field(answer, 'version_num')) : undefined,
    });
  });
};

const definedOnly = (name: 'dataset_id' | 'folder_id', value: string | undefined): Data => (value === undefined ? {} : { [name]: value });
const idOf = (answer: Json): Json | undefined => (typeof answer === 'string' ? answer : field(answer, 'id'));

function answeredFiles(answer: Json | undefined): Json[] {
  const files = Array.isArray(answer) ? answer : field(answer, 'ids');
  if (Array.isArray(files)) return files.filter((file) => asId(idOf(file)) !== undefined);
  return asId(field(answer, 'id')) !== undefined && answer !== undefined ? [answer] : [];
}

function isEmptyAnswer(answer: Json | undefined): boolean {
  return Array.isArray(answer) || Array.isArray(field(answer, 'ids'));
}

/** v1's page form: `{"files": [{name, size, url}]}`; failures are 200 too, with `error` in place of `url`. */
export const uploadWeb: Rule = (facts) => {
  if (!facts.ok || facts.refusedInBody) return [];
  const files = facts.answerField('files');
  if (!Array.isArray(files)) return facts.sawAnswer ? [] : [uploaded({ ...destination(facts), ...partOf(facts, 0) })];
  return files.flatMap((file, index) => {
    const url = asText(field(file, 'url'));
    if (url === undefined || field(file, 'error') !== undefined) return [];
    const id = asId(url.split(/[?#]/, 1)[0]?.split('/').findLast((segment) => segment !== ''));
    return uploaded({ ...destination(facts), file_id: id, file_name: asText(field(file, 'name')), bytes: asCount(field(file, 'size')), content_type: facts.request.parts?.[index]?.contentType });
  });
};

/** Forms whose answer hides the id: one event a file, without it. */
export const uploadHidden =
  (status: 200 | 303): Rule =>
  (facts) => {
    const { location, request } = facts;
    const redirected = status !== 303 || location === '' || /\/datasets\/[^/?#]+/.test(location);
    if (request.status !== status || !redirected) return [];
    const count = Math.max(1, request.parts?.length ?? 1);
    return Array.from({ length: count }, (_, index) => uploaded({ ...destination(facts), ...partOf(facts, index) }));
  };

/** v1 multiple_uploadby_url: the file ids are the keys of the answer, beside `id`, which is something else. */
export const uploadKeys: Rule = (facts) => {
  if (!facts.ok || facts.refusedInBody) return [];
  const { answer } = facts;
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return facts.sawAnswer ? [] : [uploaded({})];
  return Object.keys(answer).flatMap((key) => (key !== 'id' && asId(key) !== undefined ? uploaded({ file_id: asId(key) }) : []));
};
