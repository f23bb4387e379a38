import { asCount, asId, asText, field, known, type Data, type Facts } from './facts.ts';
import type { Rule } from './rules.ts';
import type { HttpEvent, Json, UploadedPart } from './types.ts';

function uploaded(data: Data): HttpEvent {
  return { event: 'file.uploaded', data: known(data) };
}

/** Where the file went, as far as path, query and form tell. */
function destination(facts: Facts): Data {
  const template = facts.route.route.template;
  const isDataset =
    template.includes('/datasets/') || template.includes('/uploadToDataset/') || template.startsWith('/uploaddnd/');
  return {
    dataset_id:
      (isDataset ? facts.pathId('id') : undefined) ??
      firstId(['datasetid', 'dataset', 'dataset_id'].map((name) => facts.form(name))),
    folder_id: firstId([
      facts.query('folder_id'),
      facts.query('folderId'),
      facts.form('folderId'),
      facts.form('folder_id'),
    ]),
  };
}

const firstId = (values: readonly unknown[]): string | undefined => values.map(asId).find((id) => id !== undefined);

/** The parts that are files: those with a file name, where any has one. */
function filesOf(facts: Facts): readonly UploadedPart[] {
  const parts = facts.request.parts ?? [];
  const named = parts.filter((part) => part.fileName !== undefined);
  return named.length > 0 ? named : parts;
}

/** The uploaded part that belongs to the file of this place. */
function partOf(facts: Facts, index: number): Data {
  const part = filesOf(facts)[index];
  return { file_name: part?.fileName, bytes: part?.bytes, content_type: part?.contentType };
}

/** v1 `{"id"}` or `{"ids": [objects]}`, v2 FileOut or an array of them. */
export const uploadAnswer: Rule = (facts) => {
  if (!facts.ok || facts.refusedInBody) return [];
  const isVersion = facts.request.method === 'PUT';
  const answers = answeredFiles(facts.answer);
  if (answers === undefined)
    return [
      uploaded({ ...destination(facts), ...partOf(facts, 0), ...(isVersion && { file_id: facts.pathId('id') }) }),
    ];
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

const definedOnly = (name: 'dataset_id' | 'folder_id', value: string | undefined): Data =>
  value === undefined ? {} : { [name]: value };
const idOf = (answer: Json): Json | undefined => (typeof answer === 'string' ? answer : field(answer, 'id'));

/** The files that the answer lists, in the order of the parts; undefined where it lists none. */
function answeredFiles(answer: Json | undefined): Json[] | undefined {
  const files = Array.isArray(answer) ? answer : field(answer, 'ids');
  if (Array.isArray(files)) return files;
  return answer !== undefined && asId(field(answer, 'id')) !== undefined ? [answer] : undefined;
}

/** v1's page form: `{"files": [{name, size, url}]}`; failures are 200 too, with `error` in place of `url`. */
export const uploadWeb: Rule = (facts) => {
  if (!facts.ok || facts.refusedInBody) return [];
  const files = facts.answerField('files');
  if (!Array.isArray(files)) return facts.sawAnswer ? [] : [uploaded({ ...destination(facts), ...partOf(facts, 0) })];
  return files.flatMap((file, index) => {
    const url = asText(field(file, 'url'));
    if (url === undefined || field(file, 'error') !== undefined) return [];
    const id = asId(
      url
        .split(/[?#]/, 1)[0]
        ?.split('/')
        .findLast((segment) => segment !== ''),
    );
    return uploaded({
      ...destination(facts),
      file_id: id,
      file_name: asText(field(file, 'name')),
      bytes: asCount(field(file, 'size')),
      content_type: filesOf(facts)[index]?.contentType,
    });
  });
};

/** Forms whose answer hides the id: one event a file, without it. */
export const uploadHidden =
  (status: 200 | 303): Rule =>
  (facts) => {
    const { location, request } = facts;
    const redirected = status !== 303 || location === '' || /\/datasets\/[^/?#]+/.test(location);
    if (request.status !== status || !redirected) return [];
    const count = Math.max(1, filesOf(facts).length);
    return Array.from({ length: count }, (_, index) => uploaded({ ...destination(facts), ...partOf(facts, index) }));
  };

/** v1 multiple_uploadby_url: the file ids are the keys of the answer, beside `id`, which is something else. */
export const uploadKeys: Rule = (facts) => {
  if (!facts.ok || facts.refusedInBody) return [];
  const { answer } = facts;
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    return facts.sawAnswer ? [] : [uploaded({})];
  return Object.keys(answer).flatMap((key) =>
    key !== 'id' && asId(key) !== undefined ? uploaded({ file_id: asId(key) }) : [],
  );
};
