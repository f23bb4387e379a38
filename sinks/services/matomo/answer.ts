import { z } from 'zod';
import type { PostAnswer } from '../../../runtime/sending/post.ts';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import type { SinkEvent } from '../../sink.ts';

/** The meaning of an answer to a bulk request. `none`: no request was valid, which may be our fault or the events'. */
export type Understood = SendOutcome | { readonly kind: 'none' };

const answerSchema = z.object({
  status: z.string(),
  tracked: z.int(),
  invalid: z.int(),
  /** Present only for super users. */
  invalid_indices: z.array(z.int()).optional(),
});
type Answer = z.infer<typeof answerSchema>;

const TOO_OLD = 'Matomo refused it: it is older than the raw data that this Matomo keeps';

/** @param batch the events that were sent */
export function understand(answer: PostAnswer, batch: readonly SinkEvent[]): Understood {
  if (answer.outcome.kind !== 'accepted') return answer.outcome;
  const said = read(answer.text);
  if (said === undefined)
    return {
      kind: 'misconfigured',
      reason: `what answers is not Matomo's bulk tracking: ${answer.text.slice(0, 100)}`,
    };
  if (said.status !== 'success')
    return { kind: 'retry', reason: `Matomo answered "${said.status}" and stored nothing` };
  if (said.invalid === 0 && said.tracked >= batch.length) return { kind: 'accepted' };
  if (said.invalid === batch.length) return { kind: 'none' };
  const rejected = refusedIn(said, batch);
  // Requests that met a database lock are in neither number, and are not identified.
  const missed = said.tracked + said.invalid < batch.length;
  if (rejected.size === 0)
    return {
      kind: 'retry',
      reason: `Matomo stored ${said.tracked} of ${batch.length} events: its database was locked`,
    };
  return {
    kind: 'partial',
    rejected,
    ...(missed && { again: batch.map(({ id }) => id).filter((id) => !rejected.has(id)) }),
  };
}

/** Rejects the whole batch, each event for its own fault. */
export const allRefused = (batch: readonly SinkEvent[]): SendOutcome => ({
  kind: 'partial',
  rejected: new Map(batch.map(({ id }) => [id, TOO_OLD])),
});

/**
 * Returns the events that Matomo refused. It names them only to super users; for others it gives their number. A well-formed
 * request can only be refused for its time, so these are the oldest.
 */
function refusedIn(
  { invalid, invalid_indices: indexes }: Answer,
  batch: readonly SinkEvent[],
): ReadonlyMap<string, string> {
  const named =
    indexes?.map((index) => batch[index]) ?? batch.toSorted((a, b) => a.createdMs - b.createdMs).slice(0, invalid);
  return new Map(named.flatMap((event) => (event === undefined ? [] : [[event.id, TOO_OLD]])));
}

function read(body: string): Answer | undefined {
  try {
    return answerSchema.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
}
