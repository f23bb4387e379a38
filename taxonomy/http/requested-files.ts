import { asId, asText, field, type Data, type RequestFacts } from './facts.ts';
import { parseJsonText } from './json-text.ts';
import type { Json, UploadedPart } from './types.ts';

/** For these forms v1 stores only one part, the first of this name. For all others it stores every file. */
const ONLY_PART: Readonly<Record<string, string>> = {
  '/upload': 'files[]',
  '/extraction/upload': 'File',
  '/uploaddnd/:id': 'File',
  '/api/extractions/upload_file': 'File',
  '/api/files/uploadIntermediate/:idAndFlags': 'File',
};

/**
 * Returns what the request says about the files to store, in the order of v1's response: the parts of its form, then the server
 * paths in its fields. For a JSON body, these are the URLs and paths in it.
 */
export function requestedFiles(facts: RequestFacts): Data[] {
  const { parts = [], requestBody } = facts.request;
  const { template, version } = facts.route.route;
  const only = ONLY_PART[template];
  const files = parts.filter(isFile);
  if (only !== undefined) {
    const stored = files.find((part) => part.field === only) ?? files[0];
    return stored === undefined ? [] : [dataOfPart(stored)];
  }
  if (parts.length > 0 || version === 'v2') return [...files.map(dataOfPart), ...serverPaths(facts)];
  const items = Array.isArray(requestBody) ? requestBody : requestBody === undefined ? [] : [requestBody];
  const named = items.flatMap((item) => source(item, template.endsWith('/upload_url')));
  return named.length > 0 ? named : serverPaths(facts);
}

/** A form's empty file field has an empty name. */
const isFile = ({ fileName }: UploadedPart): boolean => fileName !== undefined && fileName !== '';

const dataOfPart = ({ fileName, bytes, contentType }: UploadedPart): Data => ({
  file_name: fileName,
  bytes,
  content_type: contentType,
});

/** v1: form fields `file` that hold `{"path": "/on/the/server", "dataset": …}`. */
function serverPaths(facts: RequestFacts): Data[] {
  const values = facts.form('file');
  return (Array.isArray(values) ? values : [values]).flatMap((value) => {
    const json = typeof value === 'string' ? parseJsonText(value) : undefined;
    const path = asText(field(json, 'path'));
    return path === undefined ? [] : [{ file_name: lastSegment(path), dataset_id: asId(field(json, 'dataset')) }];
  });
}

/** One file of a JSON body, which v1 fetches from a URL or takes from a path on the server. */
function source(item: Json, onlyFileUrl: boolean): Data[] {
  const names = onlyFileUrl ? ['fileurl'] : ['fileurl', 'weburl', 'url'];
  const url = names.map((name) => asText(field(item, name))).find((text) => text !== undefined);
  const path = onlyFileUrl ? undefined : asText(field(item, 'path'));
  const name = url === undefined ? path : url.replace(/[?#].*$/s, '').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '');
  return name === undefined ? [] : [{ file_name: lastSegment(name), dataset_id: asId(field(item, 'dataset')) }];
}

export const lastSegment = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
