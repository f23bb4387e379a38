import { z } from 'zod';
import type { PostAnswer } from '../../../runtime/sending/post.ts';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import type { SinkEvent } from '../../sink.ts';
import type { AmplitudeEvent } from './event.ts';

/** The meaning of an answer from the HTTP V2 API. Nothing is stored unless the status is 200. */
export type Understood =
  | { readonly kind: 'settled'; readonly outcome: SendOutcome }
  /** Some users or devices send too much: their events must wait, the others may be sent at once. */
  | { readonly kind: 'throttled'; readonly held: ReadonlySet<number>; readonly afterMs: number }
  /** Amplitude's firewall objects to these events, or to us. */
  | { readonly kind: 'forbidden'; readonly reason: string };

/** Pause for a throttled user or device, milliseconds. */
const THROTTLED_MS = 30_000;
/** Pause for one beyond its daily quota, to try again from time to time, milliseconds. */
const QUOTA_MS = 15 * 60_000;

const indexes = z.array(z.int().nonnegative()).catch([]);
const byField = z.record(z.string(), indexes).catch({});
const rates = z.record(z.string(), z.unknown()).catch({});
const answerSchema = z.object({
  error: z.string().catch(''),
  missing_field: z.string().catch(''),
  events_with_invalid_fields: byField,
  events_with_missing_fields: byField,
  events_with_invalid_id_lengths: byField,
  silenced_events: indexes,
  throttled_events: indexes,
  throttled_devices: rates,
  throttled_users: rates,
  exceeded_daily_quota_devices: rates,
  exceeded_daily_quota_users: rates,
});
type Answer = z.infer<typeof answerSchema>;

const COMPLAINTS = [
  ['events_with_invalid_fields', 'is not as it must be'],
  ['events_with_missing_fields', 'is missing'],
  ['events_with_invalid_id_lengths', 'is too short'],
] as const;

/**
 * @param batch the events that were sent
 * @param sent the same events as Amplitude received them
 */
export function understand(
  answer: PostAnswer,
  batch: readonly SinkEvent[],
  sent: readonly AmplitudeEvent[],
): Understood {
  const said = read(answer.text);
  switch (answer.status) {
    case 400:
      return settled(refused(answer, said, batch));
    case 403:
      return { kind: 'forbidden', reason: `HTTP 403: ${said.error}` };
    case 429:
      return throttled(answer, said, sent);
    default:
      return settled(answer.outcome);
  }
}

/** Whether a 400 is about the key rather than the events. */
export function isAboutKey(answer: PostAnswer): boolean {
  const { error, missing_field: missing } = read(answer.text);
  return answer.status === 400 && (missing === 'api_key' || /api[ _]?key/i.test(error));
}

function refused(answer: PostAnswer, said: Answer, batch: readonly SinkEvent[]): SendOutcome {
  if (isAboutKey(answer))
    return {
      kind: 'misconfigured',
      reason: `Amplitude does not know the API key (${said.error}): check AMPLITUDE_API_KEY and AMPLITUDE_REGION`,
    };
  const rejected = new Map<string, string>();
  const reject = (index: number, reason: string): void => {
    const event = batch[index];
    if (event !== undefined) rejected.set(event.id, `Amplitude: ${reason}`);
  };
  for (const [list, complaint] of COMPLAINTS)
    for (const [field, those] of Object.entries(said[list]))
      for (const index of those) reject(index, `${field} ${complaint}`);
  for (const index of said.silenced_events) reject(index, 'its device is silenced');
  if (rejected.size === 0) return { kind: 'rejected', reason: `HTTP 400: ${said.error || answer.text.slice(0, 200)}` };
  // Only the first event with each kind of error is named, so the rest is sent again at once.
  return {
    kind: 'partial',
    rejected,
    again: batch.filter(({ id }) => !rejected.has(id)).map(({ id }) => id),
    afterMs: 0,
  };
}

function throttled(answer: PostAnswer, said: Answer, sent: readonly AmplitudeEvent[]): Understood {
  const named = (devices: object, users: object) => (event: AmplitudeEvent) =>
    Object.hasOwn(devices, event.device_id) || (event.user_id !== undefined && Object.hasOwn(users, event.user_id));
  const beyondQuota = named(said.exceeded_daily_quota_devices, said.exceeded_daily_quota_users);
  const tooFast = named(said.throttled_devices, said.throttled_users);
  const listed = new Set(said.throttled_events);
  const held = new Set<number>();
  let afterMs = QUOTA_MS;
  for (const [index, event] of sent.entries()) {
    const quota = beyondQuota(event);
    if (!quota && !listed.has(index) && !tooFast(event)) continue;
    held.add(index);
    if (!quota) afterMs = THROTTLED_MS;
  }
  const told = answer.outcome.kind === 'retry' ? answer.outcome.afterMs : undefined;
  if (held.size > 0) return { kind: 'throttled', held, afterMs: told ?? afterMs };
  return settled({ kind: 'retry', reason: `HTTP 429: ${said.error}`, afterMs: told ?? THROTTLED_MS });
}

function read(body: string): Answer {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // The answer came from something between us and Amplitude: only the status counts.
  }
  return answerSchema.parse(typeof value === 'object' && value !== null ? value : {});
}

const settled = (outcome: SendOutcome): Understood => ({ kind: 'settled', outcome });
