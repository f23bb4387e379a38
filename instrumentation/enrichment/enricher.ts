import type { CapturedAttributes, CapturedEvent, RequestHead } from '../capture/types.ts';
import type { Ask, Asked } from './ask.ts';
import { complete, isByUser, subjectOf, userAttributes, withUser } from './completion.ts';
import { credentialsOf, fingerprint, type Credentials } from './credentials.ts';
import { Departures } from './departures.ts';
import { LOOKUPS, type Facts, type Lookups, type ResourceKind, type User } from './lookups.ts';
import { addTo, type EnrichmentStats, type UnenrichedReason } from './stats.ts';
import { TtlCache } from './ttl-cache.ts';
import type { Enricher, Leave } from './types.ts';

export interface EnricherOptions {
  readonly clowder: 'v1' | 'v2';
  readonly names: boolean;
  readonly users: boolean;
  readonly ask: Ask;
  readonly stats: EnrichmentStats;
  /** The operator's own key; without one, only what is public is told. */
  readonly apiKey?: string | undefined;
  /** By which credentials are known again; of this process alone. */
  readonly processKey: Buffer;
  /** How long events wait, in milliseconds. */
  readonly waitMs: number;
  /** Requests whose events wait, at most. @default 1000 */
  readonly maxWaiting?: number;
  readonly cacheEntries: number;
  readonly cacheMs: number;
  /** Milliseconds, of a clock that does not jump. @default performance.now */
  readonly now?: () => number;
}

type Found = (Facts & User) | null;

/** A look-up under the name that its answer is kept by. */
interface Question {
  readonly key: string;
  readonly ask: () => Promise<Asked>;
}

/** The events of one request, while they wait. */
interface Waiting {
  /** With what is known so far. */
  events: readonly CapturedEvent[];
  readonly user: Caller | undefined;
  /** What its own look-ups gave: the cache may have forgotten it by then. */
  readonly answers: Map<string, Found>;
  readonly asked: Set<string>;
  /** Look-ups that are not back. */
  open: number;
  reason: UnenrichedReason | undefined;
  over: boolean;
  /** @param reason why they are not complete; undefined where they are */
  finish: (reason: UnenrichedReason | undefined) => void;
}

/** What is known of some events, and what to ask for what they lack. */
interface State {
  readonly events: readonly CapturedEvent[];
  readonly questions: readonly Question[];
}

interface Caller {
  readonly key: string;
  readonly credentials: Credentials;
}

const MAX_WAITING = 1000;
/** What Clowder does not tell may be told soon: when a dataset becomes public, when a key is made. */
const LONGEST_NONE_MS = 60_000;

export function createEnricher(options: EnricherOptions): Enricher {
  return new LookupEnricher(options);
}

class LookupEnricher implements Enricher {
  readonly stats: EnrichmentStats;
  readonly #options: EnricherOptions;
  readonly #lookups: Lookups;
  readonly #operator: Credentials;
  readonly #cache: TtlCache<Found>;
  /** Look-ups under way, shared by all who wait for them. */
  readonly #flights = new Map<string, Promise<Asked>>();
  readonly #departures = new Departures();
  readonly #waiting = new Set<Waiting>();

  constructor(options: EnricherOptions) {
    this.#options = options;
    this.stats = options.stats;
    this.#lookups = LOOKUPS[options.clowder];
    this.#operator = options.apiKey === undefined ? {} : { 'x-api-key': options.apiKey };
    this.#cache = new TtlCache(options.cacheEntries, options.now ?? (() => performance.now()));
  }

  spanAttributes(head: RequestHead, there: CapturedAttributes): CapturedAttributes | undefined {
    const caller = this.#callerOf(head);
    const user = caller === undefined ? undefined : this.#cache.get(caller.key);
    return user === undefined || user === null ? undefined : userAttributes(there, user);
  }

  enrich(head: RequestHead, events: readonly CapturedEvent[], leave: Leave): void {
    const user = events.some(isByUser) ? this.#callerOf(head) : undefined;
    const first = this.#complete(events, user, (key) => {
      const found = this.#cache.get(key);
      if (found !== undefined) this.stats.cacheHits += 1;
      return found;
    });
    const resources = events.flatMap((event) => resourceOf(event) ?? []);
    if (first.questions.length === 0 && !this.#departures.isHeld(resources)) return leave(first.events);
    if (this.#departures.size >= (this.#options.maxWaiting ?? MAX_WAITING)) {
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
    // A program that has nothing else to do ends, and lets what waits leave.
    const timer = setTimeout(waiting.finish, this.#options.waitMs, 'timeout').unref();
    this.#waiting.add(waiting);
    return waiting;
  }

  /** Asks, and asks on where an answer leads to the next question; the events leave when nothing is open. */
  #ask(waiting: Waiting, questions: readonly Question[]): void {
    for (const question of questions) {
      if (waiting.asked.has(question.key)) continue;
      waiting.asked.add(question.key);
      waiting.open += 1;
      this.#fly(question)
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
    const { events, questions } = this.#complete(waiting.events, waiting.user, (one) => {
      const answer = waiting.answers.get(one);
      return answer === undefined ? this.#cache.get(one) : answer;
    });
    waiting.events = events;
    this.#ask(waiting, questions);
  }

  #fly({ key, ask }: Question): Promise<Asked> {
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      flight = ask().then((asked) => {
        this.#flights.delete(key);
        const { cacheMs } = this.#options;
        if ('facts' in asked)
          this.#cache.set(key, asked.facts, asked.facts === null ? Math.min(cacheMs, LONGEST_NONE_MS) : cacheMs);
        return asked;
      });
      this.#flights.set(key, flight);
    }
    return flight;
  }

  #complete(
    events: readonly CapturedEvent[],
    user: Caller | undefined,
    known: (key: string) => Found | undefined,
  ): State {
    const questions = new Map<string, Question>();
    const found = user === undefined ? null : known(user.key);
    if (user !== undefined && found === undefined) questions.set(user.key, this.#aboutUser(user));
    const completed = events.map((event) => {
      const byUser = found === null || found === undefined ? event : withUser(event, found);
      if (!this.#options.names) return byUser;
      const { event: whole, missing } = complete(byUser, this.#lookups, (kind, id) => known(`${kind} ${id}`));
      for (const { kind, id } of missing) {
        const question = this.#about(kind, id);
        if (question !== undefined) questions.set(question.key, question);
      }
      return whole;
    });
    return { events: completed, questions: [...questions.values()] };
  }

  #about(kind: ResourceKind, id: string): Question | undefined {
    const lookup = this.#lookups[kind];
    if (lookup === undefined) return undefined;
    const path = this.#options.apiKey === undefined ? (lookup.publicPath ?? lookup.path) : lookup.path;
    return {
      key: `${kind} ${id}`,
      ask: () => this.#options.ask(lookup, path.replace(':id', encodeURIComponent(id)), this.#operator),
    };
  }

  #aboutUser({ key, credentials }: Caller): Question {
    const { user } = this.#lookups;
    return { key, ask: () => this.#options.ask(user, user.path, credentials) };
  }

  #callerOf(head: RequestHead): Caller | undefined {
    if (!this.#options.users) return undefined;
    const credentials = credentialsOf(head, this.#options.clowder);
    if (credentials === undefined) return undefined;
    return { key: `user ${fingerprint(credentials, this.#options.processKey)}`, credentials };
  }
}

function resourceOf(event: CapturedEvent): string | undefined {
  const subject = subjectOf(event);
  return subject === undefined ? undefined : `${subject.kind} ${subject.id}`;
}
