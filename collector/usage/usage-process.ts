import type { ChildProcess } from 'node:child_process';
import type { Logger } from '../../runtime/logging.ts';
import { backOff } from '../../runtime/sending/back-off.ts';
import type { StatsAnswer } from '../../usage/ask/answer.ts';
import type { Badge } from '../../usage/ask/badge.ts';
import type { CounterAnswer, CounterRequest } from '../../usage/ask/counter.ts';
import type { FromUsage, Question, UsageState } from '../../usage/ask/messages.ts';
import type { StatsQuery } from '../../usage/ask/question.ts';
import { CollectorError } from '../errors.ts';

export interface UsageProcessOptions {
  /** Starts the process, with a channel for messages. */
  readonly start: () => ChildProcess;
  readonly log: Logger;
  /** Called whenever more of the journal is in the usage store. @param row the last row that is */
  readonly onTaken: (row: number) => void;
}

/** Pauses before a process that ended is started again. */
const RESTART_MS = { first: 1000, longest: 60_000 };
/** A process that ran longer than this had started well. */
const WELL_MS = 60_000;
const ANSWER_MS = 60_000;
const QUESTIONS_AT_ONCE = 16;
const STOP_MS = 5000;

type Answered = Exclude<FromUsage, { readonly state: UsageState } | { readonly code: string }>;

interface Waiting {
  readonly resolve: (answered: Answered) => void;
  readonly reject: (error: CollectorError) => void;
  readonly timer: NodeJS.Timeout;
}

/** The collector's side of the process that counts usage: starts it, asks it, and starts it again if it ends. */
export class UsageProcess {
  readonly #options: UsageProcessOptions;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | undefined;
  #restarting: NodeJS.Timeout | undefined;
  #state: UsageState | undefined;
  #asked = 0;
  #failures = 0;
  #startedMs = 0;
  #ended: string | undefined;
  #stopping = false;

  constructor(options: UsageProcessOptions) {
    this.#options = options;
    this.#start();
  }

  /** Its latest state; undefined before the first report. */
  get state(): UsageState | undefined {
    return this.#state;
  }

  /** Why it does not count at present; undefined if it does. */
  get problem(): string | undefined {
    return this.#ended ?? this.#state?.problem;
  }

  /**
   * @param named whether the answer has names besides ids
   * @throws CollectorError invalid_query or usage_unavailable
   */
  async ask(query: StatsQuery, { named }: { readonly named: boolean }): Promise<StatsAnswer> {
    const answered = await this.#put({ query, named });
    if ('answer' in answered) return answered.answer;
    throw unavailable('it answered something else');
  }

  /** @throws CollectorError usage_unavailable */
  async askCounter(counter: CounterRequest): Promise<CounterAnswer> {
    const answered = await this.#put({ counter });
    if ('counter' in answered) return answered.counter;
    throw unavailable('it answered something else');
  }

  /** @returns undefined if the dataset is not open to all @throws CollectorError usage_unavailable */
  async badge(dataset: string): Promise<Badge | undefined> {
    const answered = await this.#put({ badge: dataset });
    if ('badge' in answered) return answered.badge ?? undefined;
    throw unavailable('it answered something else');
  }

  async #put(question: Question): Promise<Answered> {
    const child = this.#child;
    if (child?.connected !== true) throw unavailable(this.#ended ?? 'it is starting');
    if (this.#waiting.size >= QUESTIONS_AT_ONCE) throw unavailable(`${QUESTIONS_AT_ONCE} questions are being answered`);
    this.#asked += 1;
    const id = this.#asked;
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    const timer = setTimeout(
      () =>
        this.#settle(id)?.reject(
          unavailable(`the answer took more than ${ANSWER_MS / 1000} s: ask for a shorter period`),
        ),
      ANSWER_MS,
    );
    this.#waiting.set(id, { resolve, reject, timer });
    child.send({ ask: id, ...question }, (error) => {
      if (error !== null) this.#settle(id)?.reject(unavailable(error.message));
    });
    return promise;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restarting);
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await promise;
    clearTimeout(timer);
  }

  #start(): void {
    this.#startedMs = Date.now();
    const child = this.#options.start();
    this.#child = child;
    child.on('message', (message) => this.#hear(message as FromUsage));
    child.once('error', (error) => this.#end(child, error.message));
    child.once('exit', (code, signal) => this.#end(child, `it ended with ${signal ?? `code ${code}`}`));
  }

  #hear(message: FromUsage): void {
    if ('state' in message) {
      const before = this.#state?.takenRow;
      this.#state = message.state;
      this.#ended = undefined;
      const { takenRow } = message.state;
      if (takenRow !== undefined && takenRow !== before) this.#options.onTaken(takenRow);
      return;
    }
    const waiting = this.#settle(message.answers);
    if (!('code' in message)) waiting?.resolve(message);
    else
      waiting?.reject(
        new CollectorError(message.code === 'unavailable' ? 'usage_unavailable' : message.code, message.message),
      );
  }

  #end(child: ChildProcess, reason: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    for (const id of this.#waiting.keys()) this.#settle(id)?.reject(unavailable(reason));
    if (this.#stopping) return;
    this.#failures = Date.now() - this.#startedMs > WELL_MS ? 1 : this.#failures + 1;
    const pauseMs = backOff(this.#failures, RESTART_MS, Math.random);
    this.#ended = `${reason}; its log says why. It is started again`;
    this.#options.log.error({ reason, again_in_ms: pauseMs }, 'the process that counts usage ended');
    this.#restarting = setTimeout(() => this.#start(), pauseMs);
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}

const unavailable = (reason: string): CollectorError =>
  new CollectorError('usage_unavailable', `Usage cannot be queried now: ${reason}`);
