import type { CapturedEvent, RequestHead } from '../capture/types.ts';
import type { Found, Question } from './answers.ts';
import type { Ask } from './ask.ts';
import { complete, withUser } from './completion.ts';
import { credentialsOf, fingerprint, type Credentials } from './credentials.ts';
import { LOOKUPS, type Lookups, type ResourceKind } from './lookups.ts';

export interface InquiryOptions {
  readonly clowder: 'v1' | 'v2';
  readonly names: boolean;
  readonly users: boolean;
  readonly ask: Ask;
  /** The operator's own key; without one, Clowder tells only what is public. */
  readonly apiKey?: string | undefined;
  /** Keys the fingerprints of credentials; never leaves this process. */
  readonly processKey: Buffer;
}

/** Who makes a request, identified by the request's credentials. */
export interface Caller {
  readonly key: string;
  readonly credentials: Credentials;
}

/** Events with what is known about them, and the questions that would complete them. */
export interface State {
  readonly events: readonly CapturedEvent[];
  readonly questions: readonly Question[];
}

/** Turns what events lack into questions: names with the operator's key, users with their own requests' credentials. */
export class Inquiry {
  readonly #options: InquiryOptions;
  readonly #lookups: Lookups;
  readonly #operator: Credentials;

  constructor(options: InquiryOptions) {
    this.#options = options;
    this.#lookups = LOOKUPS[options.clowder];
    this.#operator = options.apiKey === undefined ? {} : { 'x-api-key': options.apiKey };
  }

  /** undefined if users are not looked up or the request has no credentials. */
  callerOf(head: RequestHead): Caller | undefined {
    if (!this.#options.users) return undefined;
    const credentials = credentialsOf(head, this.#options.clowder);
    if (credentials === undefined) return undefined;
    return { key: `user ${fingerprint(credentials, this.#options.processKey)}`, credentials };
  }

  complete(
    events: readonly CapturedEvent[],
    caller: Caller | undefined,
    known: (key: string) => Found | undefined,
  ): State {
    const questions = new Map<string, Question>();
    const user = caller === undefined ? null : known(caller.key);
    if (caller !== undefined && user === undefined) questions.set(caller.key, this.#aboutUser(caller));
    const completed = events.map((event) => {
      const byUser = user === null || user === undefined ? event : withUser(event, user);
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
    const { ask, apiKey } = this.#options;
    const route = apiKey === undefined ? (lookup.publicPath ?? lookup.path) : lookup.path;
    const path = route.replace(':id', encodeURIComponent(id));
    return { key: `${kind} ${id}`, ask: () => ask(lookup, path, this.#operator) };
  }

  #aboutUser({ key, credentials }: Caller): Question {
    const { user } = this.#lookups;
    return { key, ask: () => this.#options.ask(user, user.path, credentials) };
  }
}
