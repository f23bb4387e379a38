import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { asId } from '../../taxonomy/http/facts.ts';
import type { KeyRule } from '../journal/segments.ts';
import { traceKeyOf } from '../../taxonomy/map/keys.ts';

/** Stands in the seen ids for "a strong observation of this type was seen in this trace". */
export const strongKey = (traceKey: string): string => `strong:${traceKey}`;
/** Stands in the seen ids for "an event without resource was recovered for this trace and type". */
export const recoveredKey = (traceKey: string): string => `recovered:${traceKey}`;

/** Of one job there is one of each, whoever reports it; of its progress there are many. */
const ONE_A_JOB: ReadonlySet<string> = new Set(['extraction.queued', 'extraction.done', 'extraction.failed']);

/** Keys of "an event of this type was accepted of this job" (docs/adr/013-one-job-one-event.md). */
export interface JobKeys {
  /** Any of these in the seen ids: this event of the job is there. */
  readonly seenAs: readonly string[];
  /** What the event itself adds to the seen ids. */
  readonly own: readonly string[];
}

/** @returns undefined for an event of which there may be many, or that names no job of Clowder's */
export function jobKeysOf(body: FlatBody): JobKeys | undefined {
  if (!ONE_A_JOB.has(body.event)) return undefined;
  // Only Clowder's own ids name one job to everybody: "1" may be the first of each extractor.
  const job = asId(body['job_id']);
  if (job === undefined) return undefined;
  const instance = body['clowder_instance'];
  const key = (where: unknown): string => `job:${JSON.stringify([body.event, job, where])}`;
  const [anywhere, unnamed] = [key('any'), key('none')];
  // Jobs of two instances are two; whoever names none may mean either.
  return instance === undefined
    ? { seenAs: [anywhere], own: [anywhere, unnamed] }
    : { seenAs: [unnamed, key([instance])], own: [anywhere, key([instance])] };
}

/** What an event in the journal brings back into the seen ids. */
export interface RememberedKeys {
  readonly keys: readonly string[];
  /** The event, where views of it are one with views to come. */
  readonly viewed?: FlatBody;
}

/** The journal keeps the keys of what it has; another version has it make them anew: raise it where `keysOfLine` gives others. */
export const KEY_RULE: KeyRule = { version: 1, keysOf: (line) => keysOfLine(line).keys };

/** Texts of lines that bring back more than their own id. */
const MORE_THAN_AN_ID = ['"source":"proxy"', '"recovered":true', '"event":"view.resource"', '"job_id":"'];

/** @param line of the journal: JSON of an event */
export function keysOfLine(line: string): RememberedKeys {
  const id = /^\{"event_id":"([^"\\]*)"/.exec(line)?.[1];
  if (id !== undefined && !MORE_THAN_AN_ID.some((text) => line.includes(text))) return { keys: [id] };
  const body = JSON.parse(line) as FlatBody;
  const keys = [body.event_id, ...(jobKeysOf(body)?.own ?? [])];
  const trace = body['trace_id'];
  if (typeof trace === 'string') {
    const traceKey = traceKeyOf(trace, body.event);
    if (body['recovered'] !== true) {
      if (body['source'] === 'proxy') keys.push(strongKey(traceKey));
    } else if (body['resource_id'] === undefined) keys.push(recoveredKey(traceKey));
  }
  return body.event === 'view.resource' ? { keys, viewed: body } : { keys };
}
