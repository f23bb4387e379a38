import { z } from 'zod';
import { parseObject, wireText } from './json-object.ts';

/** The input. A file comes with its dataset; neither is set if the message does not say what its id refers to. */
export interface Subject {
  readonly fileId?: string | undefined;
  readonly datasetId?: string | undefined;
  readonly resourceId?: string | undefined;
}

/** A request from Clowder to an extractor. */
export interface JobMessage {
  readonly jobId: string | undefined;
  readonly subject: Subject;
  readonly resourceName: string | undefined;
  /** How often an extractor has put it back. */
  readonly retries: number;
}

const text = wireText;
const resource = z
  .object({ id: z.object({ resourceType: text }).optional().catch(undefined) })
  .optional()
  .catch(undefined);

const schema = z.object({
  id: z.string().min(1).max(256),
  host: z.string(),
  jobid: text,
  job_id: text,
  datasetId: text,
  resource_type: text,
  routing_key: text,
  resourceId: text,
  filename: text,
  datasetName: text,
  retry_count: z.number().int().nonnegative().catch(0),
  source: resource,
});

type Body = z.infer<typeof schema>;
type Kind = 'file' | 'dataset' | 'other';

/** @returns undefined if the body is not a job */
export function readJobMessage(content: Buffer): JobMessage | undefined {
  const { success, data } = schema.safeParse(parseObject(content));
  if (!success) return undefined;
  return {
    jobId: data.jobid ?? data.job_id,
    subject: subjectOf(data),
    resourceName: data.filename ?? data.datasetName,
    retries: data.retry_count,
  };
}

/**
 * The kind of input, from v1's routing key; the first match wins: `clowder.dataset.file.added` is about the dataset.
 */
const KIND_OF_ROUTING_KEY: readonly (readonly [pattern: RegExp, kind: Kind])[] = [
  [/\.dataset\./, 'dataset'],
  [/\.file\./, 'file'],
  [/\.metadata\.\w+\.dataset$/, 'dataset'],
  [/\.metadata\.\w+\.file$/, 'file'],
  // A file that was never stored, or the preview of a section.
  [/\.(?:query|index)\./, 'other'],
];

function kindOf({ id, datasetId, resource_type: stated, routing_key: key = '', source }: Body): Kind {
  if (stated === 'file' || stated === 'dataset') return stated;
  const routed = KIND_OF_ROUTING_KEY.find(([pattern]) => pattern.test(key));
  if (routed !== undefined) return routed[1];
  if (datasetId === id) return 'dataset';
  // v1 writes a Scala symbol: 'file.
  const symbol = source?.id?.resourceType?.replace(/^'/, '');
  if (symbol === 'file' || symbol === 'dataset') return symbol;
  return datasetId === undefined ? 'other' : 'file';
}

function subjectOf(body: Body): Subject {
  const kind = kindOf(body);
  if (kind === 'dataset') return { datasetId: body.datasetId ?? body.resourceId ?? body.id };
  return kind === 'file' ? { fileId: body.id, datasetId: body.datasetId } : { resourceId: body.id };
}
