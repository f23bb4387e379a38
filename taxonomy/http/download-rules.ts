import { asId, asVersion, dispositionName, known, MOST_NAMED, type Data, type HeadFacts } from './facts.ts';
import { byAnswer, byHead, type Rule } from './rule.ts';
import type { HttpEvent } from './types.ts';

/** `bytes 0-99/1000` in a response; `bytes=0-99`, `bytes=100-` or `bytes=-100` in a request. */
const RANGE = /^\s*bytes\s*[ =]\s*(\d*)-(\d*)(?:\/(\d+|\*))?/i;
/** Players request this much to find out whether ranges are supported. */
const PROBE_BYTES = 2;

/** The part of a resource that was sent. */
interface Piece {
  readonly range: string;
  readonly isWhole: boolean;
}

/** @returns undefined if nothing counts: it was a probe, or the piece was not recorded */
function pieceOf({ request }: HeadFacts): Piece | undefined {
  const range = request.responseHeader('content-range') ?? request.requestHeader('range');
  const [, first = '', last = '', size = ''] = RANGE.exec(range ?? '') ?? [];
  if (range === undefined || (first === '' && last === '')) return undefined;
  const stated = last === '' ? undefined : first === '' ? Number(last) : Number(last) - Number(first) + 1;
  const bytes = stated ?? request.bytesSent;
  if (bytes !== undefined && bytes <= PROBE_BYTES) return undefined;
  return {
    range: range.slice(0, 256),
    isWhole: Number(first || NaN) === 0 && Number(last || NaN) + 1 === Number(size),
  };
}

function download(facts: HeadFacts, data: Data): HttpEvent[] {
  if (!facts.ok || saysNothingSent(facts)) return [];
  const { bytesSent, complete, responseHeader, status } = facts.request;
  const piece = status === 206 ? pieceOf(facts) : undefined;
  if (status === 206 && piece === undefined) return [];
  return [
    {
      event: 'view.download',
      data: known({
        bytes: bytesSent,
        complete: piece === undefined || piece.isWhole ? complete : false,
        tracked: facts.tracked,
        preview: facts.preview || undefined,
        file_name: dispositionName(responseHeader('content-disposition')),
        version: asVersion(facts.query('version')),
        range: piece?.range,
        ...data,
      }),
    },
  ];
}

/** Length of `null` in JSON. */
const NULL_BYTES = 4;

/** v2 answers 200 with `null` for a public file in a private dataset. */
function saysNothingSent(facts: HeadFacts): boolean {
  const { bytesSent, responseHeader } = facts.request;
  const type = responseHeader('content-type');
  const disposition = responseHeader('content-disposition');
  const { template } = facts.route.route;
  if (!template.includes('/public_files/') || disposition !== undefined) return false;
  // A header that was not recorded looks like one that was not sent, so the size decides.
  if (type !== undefined && !/json/i.test(type)) return false;
  return bytesSent === NULL_BYTES || (type !== undefined && bytesSent === undefined);
}

const ofFile = byHead((facts) => {
  const id = facts.pathId('id');
  return id === undefined
    ? []
    : download(facts, { resource_type: 'file', resource_id: id, content_type: facts.contentType });
});

/** Several files in one archive, whose type says nothing of theirs. */
const ofArchive = (type: 'dataset' | 'collection'): Rule =>
  byHead((facts) => {
    const id = facts.pathId('id');
    return id === undefined ? [] : download(facts, { resource_type: type, resource_id: id });
  });

const partial = byHead((facts) => {
  const named = (facts.query('fileList') ?? '').split(',').flatMap((id) => asId(id.trim()) ?? []);
  const files = [...new Set(named)].slice(0, MOST_NAMED);
  const datasetId = facts.pathId('id');
  // The bytes of an archive cannot be attributed to single files.
  return files.flatMap((id) =>
    download(facts, {
      resource_type: 'file',
      resource_id: id,
      dataset_id: datasetId,
      file_name: undefined,
      ...(files.length > 1 && { bytes: undefined }),
    }),
  );
});

/** v1 answers with text if the plugin for a format is missing. */
function saysNoPlugin({ request }: HeadFacts): boolean {
  const type = request.responseHeader('content-type');
  const disposition = request.responseHeader('content-disposition');
  return type !== undefined && disposition === undefined && /^text\/plain/i.test(type);
}

const ofFormat = byHead((facts) => {
  const id = facts.pathId('id');
  return id === undefined || saysNoPlugin(facts)
    ? []
    : download(facts, { resource_type: 'file', resource_id: id, format: facts.param('format') });
});

const ofFolder = byHead((facts) => {
  const id = facts.pathId('id');
  return id === undefined
    ? []
    : download(facts, { resource_type: 'dataset', resource_id: id, folder_id: asId(facts.query('folderId')) });
});

/** Downloads whose bytes pass through the observer. */
export const downloads = {
  'download-file': ofFile,
  'download-dataset': ofArchive('dataset'),
  'download-collection': ofArchive('collection'),
  'download-format': ofFormat,
  'download-folder': ofFolder,
  'download-partial': partial,
  // The path contains a secret, and the response has no id.
  'download-link': byHead((facts) => download(facts, { resource_type: 'file', content_type: facts.contentType })),
  'download-selected': byHead((facts) => download(facts, { resource_type: 'dataset' })),
} as const satisfies Readonly<Record<string, Rule>>;

/** v2 returns an object store URL; the bytes never pass through the observer. */
export const presigned = byAnswer((facts) => {
  const id = facts.pathId('id');
  if (!facts.ok || id === undefined || (facts.sawAnswer && facts.answerField('presigned_url') === undefined)) return [];
  return [
    {
      event: 'view.download',
      data: known({
        resource_type: 'file',
        resource_id: id,
        via: 'presigned',
        tracked: facts.tracked,
        version: asVersion(facts.query('version')),
      }),
    },
  ];
});
