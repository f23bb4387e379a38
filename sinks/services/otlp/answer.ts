import { ProtobufLogsSerializer } from '@opentelemetry/otlp-transformer';
import { z } from 'zod';
import { withoutSecrets, type PostAnswer } from '../../../runtime/sending/post.ts';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import type { SinkEvent } from '../../sink.ts';

/** The meaning of an answer to an export of logs, with any remark from a backend that accepted it. */
export interface Understood {
  readonly outcome: SendOutcome;
  readonly warning?: string;
}

const jsonSchema = z.object({
  partialSuccess: z
    .object({ rejectedLogRecords: z.coerce.number().default(0), errorMessage: z.string().default('') })
    .optional(),
});
type Remark = { readonly rejected: number; readonly message: string };

const REASON_LENGTH = 300;
/** These statuses are about the address, not the events. */
const NOT_A_RECEIVER: ReadonlySet<number> = new Set([405, 406, 415]);

/**
 * Interprets an answer by OTLP/HTTP. The specification forbids retries after server errors other than 502, 503 and 504. We
 * retry after all of them, because a failing backend must not cost events.
 *
 * @param secrets from the request, blanked in the backend's message
 */
export function understand(answer: PostAnswer, batch: readonly SinkEvent[], secrets: readonly string[]): Understood {
  const { outcome, status } = answer;
  if (outcome.kind !== 'accepted') {
    const reason = `HTTP ${status} ${printable(answer.text)}`.trim();
    if (NOT_A_RECEIVER.has(status)) return { outcome: { kind: 'misconfigured', reason } };
    return { outcome: 'reason' in outcome ? { ...outcome, reason } : outcome };
  }
  const contentType = answer.header('content-type') ?? '';
  const encoding = /json/i.test(contentType) ? 'json' : /protobuf/i.test(contentType) ? 'protobuf' : undefined;
  if (encoding === undefined && answer.bytes.length > 0)
    return {
      outcome: { kind: 'misconfigured', reason: `what answers is not an OTLP receiver: ${printable(answer.text)}` },
    };
  const { rejected, ...remark } = readPartial(answer, encoding);
  const message = withoutSecrets(remark.message, secrets);
  if (rejected <= 0) return { outcome: { kind: 'accepted' }, ...(message !== '' && { warning: message }) };
  return { outcome: { kind: 'partial', rejected: refused(batch, rejected, message) } };
}

/**
 * OTLP does not tell which records were refused, and forbids sending any of them again. So the whole batch is rejected, and the
 * reason says that some were accepted.
 */
function refused(batch: readonly SinkEvent[], rejected: number, message: string): ReadonlyMap<string, string> {
  const share =
    rejected >= batch.length
      ? ''
      : ` ${rejected} of ${batch.length} events, this one or others: the rest of them is stored there`;
  const reason = `the backend refused${share || ' it'}${message === '' ? '' : ` (${message})`}`;
  return new Map(batch.map(({ id }) => [id, reason]));
}

function readPartial(answer: PostAnswer, encoding: 'json' | 'protobuf' | undefined): Remark {
  try {
    const partial =
      encoding === 'json'
        ? jsonSchema.parse(JSON.parse(answer.text)).partialSuccess
        : ProtobufLogsSerializer.deserializeResponse(answer.bytes).partialSuccess;
    return { rejected: partial?.rejectedLogRecords ?? 0, message: partial?.errorMessage ?? '' };
  } catch {
    // The batch counts as accepted: a malformed message from the backend is no reason to send it again.
    return { rejected: 0, message: 'an answer that is not as OTLP has it' };
  }
}

/** Keeps the readable part of a google.rpc.Status. */
function printable(text: string): string {
  return text
    .replace(/[^\P{C}]|\uFFFD/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, REASON_LENGTH);
}
