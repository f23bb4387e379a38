import { asCount, asId, asText, field, known, type Data, type RequestFacts } from './facts.ts';
import { lastSegment, requestedFiles } from './requested-files.ts';
import { byAnswer, byBoth, byRequest, type Rule } from './rule.ts';
import type { HttpEvent, Json } from './types.ts';

function uploaded(...data: readonly Data[]): HttpEvent {
  return { event: 'file.uploaded', data: known(Object.assign({}, ...data.map(definedOnly))) };
}

/** Drops undefined fields, so that later data overrides earlier data only where it has a value. */
const definedOnly = (data: Data): Data =>
  Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined));

/** Where the files went, as far as path, query and form say. */
function destination(facts: RequestFacts): Data {
  const { template } = facts.route.route;
  const isDataset =
    template.includes('/datasets/') || template.includes('/uploadToDataset/') || template.startsWith('/uploaddnd/');
  return {
    dataset_id: isDataset ? facts.pathId('id') : asId(facts.form('datasetid')),
    folder_id: asId(facts.query(template === '/dataset/submit' ? 'folderId' : 'folder_id')),
  };
}

/** The requested files, each matched to one result in the response, by name or by position. */
class Requested {
  readonly #files: readonly Data[];
  readonly #left: Set<Data>;
  readonly #answers: number;

  constructor(facts: RequestFacts, answers: number) {
    this.#files = requestedFiles(facts);
    this.#left = new Set(this.#files);
    this.#answers = answers;
  }

  of(name: string | undefined, index: number): Data {
    const byName = name === undefined ? undefined : [...this.#left].find((file) => file.file_name === name);
    // If results are missing, positions prove nothing: a result with another name may belong to any file.
    const isPlaceSure = name === undefined || this.#answers === this.#files.length;
    const found = byName ?? (isPlaceSure ? this.#files[index] : undefined);
    if (found === undefined) return {};
    this.#left.delete(found);
    return found;
  }

  /** Requested files without a result. */
  get left(): readonly Data[] {
    return [...this.#left];
  }
}

/** Without a response body, each requested file is an event; if no file was seen, there is one event. */
function withoutIds(facts: RequestFacts, data: Data = {}): HttpEvent[] {
  const files = requestedFiles(facts);
  return (files.length === 0 ? [{}] : files).map((file) => uploaded(file, destination(facts), data));
}

/** v1 `{"id"}` or `{"ids": [objects]}`, v2 FileOut or an array of them. */
export const uploadAnswer = byBoth((facts) => {
  if (!facts.ok || facts.refusedInBody) return [];
  const versionOf = facts.request.method === 'PUT' ? facts.pathId('id') : undefined;
  const answers = answeredFiles(facts.answer);
  if (answers === undefined) return withoutIds(facts, { file_id: versionOf });
  const requested = new Requested(facts, answers.length);
  const events = answers.map((answer, index) => {
    const name = asText(field(answer, 'name')) ?? asText(field(answer, 'filename'));
    return uploaded(requested.of(name, index), destination(facts), {
      file_id: versionOf ?? asId(idOf(answer)),
      file_name: name,
      bytes: asCount(field(answer, 'bytes')),
      content_type: contentTypeOf(answer),
      dataset_id: asId(field(answer, 'dataset_id')),
      folder_id: asId(field(answer, 'folder_id')),
      version: versionOf === undefined ? undefined : asCount(field(answer, 'version_num')),
    });
  });
  return facts.request.responseTruncated ? [...events, ...unanswered(requested, facts)] : events;
});

const unanswered = (requested: Requested, facts: RequestFacts): HttpEvent[] =>
  requested.left.map((file) => uploaded(file, destination(facts)));

const idOf = (answer: Json): Json | undefined => (typeof answer === 'string' ? answer : field(answer, 'id'));

/** v2 answers N/A if it does not know the type. */
function contentTypeOf(answer: Json): string | undefined {
  const type = asText(field(field(answer, 'content_type'), 'content_type'));
  return type === 'N/A' ? undefined : type;
}

/** Returns the files that the response lists, in the order of the parts; undefined if it lists none. */
function answeredFiles(answer: Json | undefined): Json[] | undefined {
  const files = Array.isArray(answer) ? answer : field(answer, 'ids');
  if (Array.isArray(files)) return files;
  return answer !== undefined && asId(field(answer, 'id')) !== undefined ? [answer] : undefined;
}

/** v1's page form: `{"files": [{name, size, url}]}`. Failures are also 200, with `error` in place of `url`. */
export const uploadWeb = byBoth((facts) => {
  if (!facts.ok || facts.refusedInBody) return [];
  const files = facts.answerField('files');
  if (!Array.isArray(files)) return facts.sawAnswer ? [] : withoutIds(facts);
  const requested = new Requested(facts, files.length);
  const events = files.flatMap((file, index) => {
    const url = asText(field(file, 'url'));
    if (url === undefined || field(file, 'error') !== undefined) return [];
    const path = url.replace(/[?#].*$/s, '').replace(/\/+$/, '');
    const name = asText(field(file, 'name'));
    return uploaded(requested.of(name, index), destination(facts), {
      file_id: asId(lastSegment(path)),
      file_name: name,
      bytes: asCount(field(file, 'size')),
    });
  });
  return facts.request.responseTruncated ? [...events, ...unanswered(requested, facts)] : events;
});

/** Forms whose response hides the id: their events have none. */
export const uploadHidden = (status: 200 | 303): Rule =>
  byRequest((facts) => {
    const { location, request } = facts;
    const redirected = status !== 303 || location === '' || /\/datasets\/[^/?#]+/.test(location);
    return request.status === status && redirected ? withoutIds(facts) : [];
  });

/** v1's multiple_uploadby_url: the file ids are the keys of the response; its key `id` is something else. */
export const uploadKeys = byAnswer((facts) => {
  if (!facts.ok || facts.refusedInBody) return [];
  const { answer } = facts;
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    return facts.sawAnswer ? [] : [uploaded({})];
  return Object.entries(answer).flatMap(([key, url]) =>
    key === 'id' || asId(key) === undefined
      ? []
      : uploaded({ file_id: asId(key), file_name: typeof url === 'string' ? lastSegment(url) : undefined }),
  );
});
