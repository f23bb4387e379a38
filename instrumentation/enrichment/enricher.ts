import type { CapturedAttributes, CapturedEvent, RequestHead } from '../capture/types.ts';
import { Answers, type AnswersOptions, type Found, type Question } from './answers.ts';
import type { Asked } from './ask.ts';
import { isByUser, subjectOf, userAttributes } from './completion.ts';
import { Departures } from './departures.ts';
import { Inquiry, type Caller, type InquiryOptions } from './inquiry.ts';
import { addTo, type EnrichmentStats, type UnenrichedReason } from './stats.ts';
import type { Enricher, Leave } from './types.ts';

export interface EnricherOptions extends InquiryOptions, AnswersOptions {
  readonly stats: EnrichmentStats;
  /** How long events may wait, in milliseconds. */
  readonly waitMs: number;
  /** Most requests whose events may wait. @default 1000 */
  readonly maxWaiting?: number;
}

/** The events of one request while they wait. */
interface Waiting {
  /** With what is known so far. */
  events: readonly CapturedEvent[];
  readonly user: Caller | undefined;
  /** The answers to its own look-ups, as the cache may have dropped them by then. */
  readonly answers: Map<string, Found>;
  readonly asked: Set<string>;
  /** Look-ups still under way. */
  open: number;
  reason: UnenrichedReason | undefined;
  over: boolean;
  /** @param reason why the events are incomplete; undefined if they are complete */
  finish: (reason: UnenrichedReason | undefined) => void;
}

const MAX_WAITING = 1000;

export function createEnricher(options: EnricherOptions): Enricher {
  return new LookupEnricher(options);
}

class LookupEnricher implements Enricher {
  readonly stats: EnrichmentStats;
  readonly #inquiry: Inquiry;
  readonly #answers: Answers;
  readonly #waitMs: number;
  readonly #maxWaiting: number;
  readonly #departures = new Departures();
  readonly #waiting = new Set<Waiting>();

  constructor(options: EnricherOptions) {
    this.stats = options.stats;
    this.#inquiry = new Inquiry(options);
    this.#answers = new Answers(options);
    this.#waitMs = options.waitMs;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
  }

  spanAttributes(head: RequestHead, there: CapturedAttributes): CapturedAttributes | undefined {
    const caller = this.#inquiry.callerOf(head);
    const user = caller === undefined ? undefined : this.#answers.known(caller.key);
    return user === undefined || user === null ? undefined : userAttributes(there, user);
  }

  enrich(head: RequestHead, events: readonly CapturedEvent[], leave: Leave): void {
    const user = events.some(isByUser) ? this.#inquiry.callerOf(head) : undefined;
    const first = this.#inquiry.complete(events, user, (key) => {
      const found = this.#answers.known(key);
      if (found !== undefined) this.stats.cacheHits += 1;
      return found;
    });
    const resources = events.flatMap((event) => resourceOf(event) ?? []);
    if (first.questions.length === 0 && !this.#departures.isHeld(resources)) return leave(first.events);
    if (this.#departures.size >= this.#maxWaiting) {
      addTo(this.stats.unenriched, 'busy', events.length);
      return leave(first.events);
    }
    const waiting = this.#wait(first.events, user, resources, leave);
    this.#ask(waiting, first.questions);
  }

  release(): void {
    for (const waiting of this.#waiting) waiting.finish('shutdown');
  }

  #wait(
    events: readonly CapturedEvent[],
    user: Caller | undefined,
    resources: readonly string[],
    leave: Leave,
  ): Waiting {
    const waiting: Waiting = {
      events,
      user,
      answers: new Map(),
      asked: new Set(),
      open: 0,
      reason: undefined,
      over: false,
      finish: (reason) => {
        if (waiting.over) return;
        waiting.over = true;
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        if (reason !== undefined) addTo(this.stats.unenriched, reason, events.length);
        departure.ready();
      },
    };
    const departure = this.#departures.wait(resources, () => leave(waiting.events));
    // Unref'd, so a program with nothing else to do can end; what waits then leaves.
    const timer = setTimeout(waiting.finish, this.#waitMs, 'timeout').unref();
    this.#waiting.add(waiting);
    return waiting;
  }

  /** Asks, follows each answer to the next questions, and lets the events leave when no question is open. */
  #ask(waiting: Waiting, questions: readonly Question[]): void {
    for (const question of questions) {
      if (waiting.asked.has(question.key)) continue;
      waiting.asked.add(question.key);
      waiting.open += 1;
      this.#answers
        .ask(question)
        .then((asked) => this.#answered(waiting, question, asked))
        .catch(() => waiting.finish('failed'));
    }
    if (waiting.open === 0) waiting.finish(waiting.reason);
  }

  #answered(waiting: Waiting, { key }: Question, asked: Asked): void {
    waiting.open -= 1;
    if (waiting.over) return;
    if ('failed' in asked) waiting.reason ??= asked.failed;
    waiting.answers.set(key, 'failed' in asked ? null : asked.facts);
    const { events, questions } = this.#inquiry.complete(waiting.events, waiting.user, (one) => {
      const answer = waiting.answers.get(one);
      return answer === undefined ? this.#answers.known(one) : answer;
    });
    waiting.events = events;
    this.#ask(waiting, questions);
  }
}

function resourceOf(event: CapturedEvent): string | undefined {
  const subject = subjectOf(event);
  return subject === undefined ? undefined : `${subject.kind} ${subject.id}`;
}
