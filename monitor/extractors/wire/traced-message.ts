import { readJobMessage, type JobMessage } from './job-message.ts';
import { readStatusMessage, type StatusMessage } from './status-message.ts';

/**
 * A message as RabbitMQ's firehose copies it (exchange `amq.rabbitmq.trace`, RabbitMQ documentation, "Firehose
 * Tracer").
 */
export interface TracedMessage {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly content: Buffer;
}

export type Traced =
  | { readonly what: 'status'; readonly status: StatusMessage }
  | { readonly what: 'job'; readonly queue: string; readonly job: JobMessage }
  /** Not one of Clowder's, or nothing new. */
  | { readonly what: 'other' }
  /** Looks like one of ours, but cannot be read. */
  | { readonly what: 'not understood' };

/** Larger than any real message. */
const MAX_BYTES = 1024 * 1024;
/** Copies of failed jobs, and Clowder v1's way of browsing a queue: no new jobs. */
const SAYS_NOTHING_NEW = /^(?:error\.|clowder\.jobs\.temp$)/;
const BRACE = 0x7b;

const OTHER: Traced = { what: 'other' };
const NOT_UNDERSTOOD: Traced = { what: 'not understood' };

/**
 * Tells jobs and status messages from everything else, with cheap checks first so that other messages are not parsed. A
 * job has `secretKey` and goes where extractors listen; a status message has `extractor_id`.
 */
export function readTraced({ headers, content }: TracedMessage): Traced {
  if (content.length > MAX_BYTES || content[0] !== BRACE) return OTHER;
  const perhapsStatus = content.includes('"extractor_id"');
  const status = perhapsStatus ? readStatusMessage(content) : undefined;
  if (status !== undefined) return { what: 'status', status };
  if (!content.includes('"secretKey"')) return perhapsStatus ? NOT_UNDERSTOOD : OTHER;
  const queue = queueOf(headers);
  if (queue === undefined || SAYS_NOTHING_NEW.test(queue)) return OTHER;
  const job = readJobMessage(content);
  return job === undefined ? NOT_UNDERSTOOD : { what: 'job', queue, job };
}

/** The queue that it went to: the routing key for the default exchange; otherwise the queue, if exactly one took it. */
function queueOf(headers: TracedMessage['headers']): string | undefined {
  if (headers['exchange_name'] === '') return firstText(headers['routing_keys']);
  const queues = headers['routed_queues'];
  return Array.isArray(queues) && queues.length === 1 ? firstText(queues) : undefined;
}

function firstText(list: unknown): string | undefined {
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  return typeof first === 'string' && first !== '' ? first : undefined;
}
