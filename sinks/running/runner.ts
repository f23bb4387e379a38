import type { Logger } from '../../runtime/logging.ts';
import type { BrokerTls } from '../../runtime/amqp/connection.ts';
import type { Clock } from '../../runtime/sending/clock.ts';
import { Delivery, prefetchFor, type DeliveryObserver } from '../delivery/delivery.ts';
import { bindingKeys } from '../event/filter.ts';
import { createPreparer } from '../event/prepare.ts';
import { QueueConsumer } from '../queue/consumer.ts';
import type { ConfiguredSink } from '../settings/load.ts';
import { deliverySettings, limitsOf } from './delivery-settings.ts';
import { lazySink } from './lazy-sink.ts';
import type { SinkMetrics } from './metrics.ts';
import { OutcomeLog } from './outcome-log.ts';
import { sayUnburied } from './unburied.ts';
import { progressLine } from './progress.ts';
import type { Backlog, SinkReadiness, WatchedSink } from './watched-sink.ts';

export interface RunnerOptions {
  readonly configured: ConfiguredSink;
  readonly urls: readonly string[];
  readonly tls: BrokerTls | undefined;
  readonly hashSecret: string | undefined;
  readonly metrics: SinkMetrics;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Time limits of a stop in milliseconds: for the batch in flight, for giving it up, and for closing the sink. */
const STOP_MS = { answer: 6500, giveUp: 1000, close: 1000 } as const;

/** One running sink with its own queue, delivery and service; it shares nothing with others. */
export class SinkRunner implements WatchedSink {
  readonly name: string;
  readonly delivery: Delivery;
  readonly consumer: QueueConsumer;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #sink: ReturnType<typeof lazySink>;
  readonly #outcomes: OutcomeLog;
  #accepted = 0;
  #backlog: Backlog | undefined;
  #running: Promise<void> | undefined;

  constructor({ configured, urls, tls, hashSecret, metrics, log, clock }: RunnerOptions) {
    const { definition, config, common, thirdParty } = configured;
    this.name = definition.name;
    this.#log = log.child({ sink: this.name });
    this.#clock = clock;
    this.#outcomes = new OutcomeLog(this.#log, () => clock.now(), this.name);
    const context = { log: this.#log, now: () => clock.now() };
    this.#sink = lazySink(() => definition.open(config, context));
    const limits = limitsOf(configured);
    const { filter, fields: mapping, privacy: policy } = common;
    this.delivery = new Delivery({
      sink: this.#sink,
      limits,
      prepare: createPreparer({ filter, mapping, policy, thirdParty, hashSecret }),
      settings: deliverySettings(common),
      clock,
      random: Math.random,
      observer: this.#observer(metrics),
    });
    this.consumer = new QueueConsumer({
      sink: this.name,
      urls,
      tls,
      bindingKeys: bindingKeys(filter),
      prefetch: prefetchFor(limits),
      receiver: this.delivery,
      onConnected: (broker) => this.#log.info({ broker }, 'connected to RabbitMQ'),
      onLost: (error) => this.#log.warn({ code: error.code }, error.message),
      onUnburied: (unburied) => this.#outcomes.unburied(unburied),
    });
  }

  get backlog(): Backlog | undefined {
    return this.#backlog;
  }

  get readiness(): SinkReadiness {
    const { connected, lastError, unburied } = this.consumer.state;
    if (!connected) return { ok: false, reason: lastError?.message ?? 'Not connected to RabbitMQ yet' };
    const { problem, circuit } = this.delivery.state;
    if (problem?.kind === 'misconfigured')
      return { ok: false, reason: `The service refuses us, events wait in the queue: ${problem.reason}` };
    if (problem !== undefined && circuit !== 'closed')
      return { ok: false, reason: `The service does not take events, they wait in the queue: ${problem.reason}` };
    if (unburied !== undefined) return { ok: false, reason: sayUnburied(this.name, unburied) };
    return { ok: true };
  }

  start(): void {
    this.consumer.start();
    this.#running = this.delivery.run();
  }

  /** Reads the backlog, and logs it if it is large. */
  async look(): Promise<void> {
    const depth = await this.consumer.depth().catch(() => undefined);
    this.#outcomes.summarise();
    if (depth === undefined) return;
    const before = this.#backlog;
    this.#backlog = {
      events: depth.ready + this.delivery.state.pending,
      dead: depth.dead,
      atMs: this.#clock.now(),
      accepted: this.#accepted,
    };
    const line = progressLine(before, this.#backlog);
    if (line !== undefined) this.#log.info(line.fields, line.message);
  }

  /** Finishes the batch in flight and returns everything else to the queue. */
  async stop(): Promise<void> {
    await this.consumer.cancel();
    this.delivery.stop();
    if (!(await this.#ended(STOP_MS.answer))) {
      this.#log.warn('the service does not answer: the batch in flight goes back to the queue');
      this.delivery.giveUp();
      await this.#ended(STOP_MS.giveUp);
    }
    await this.consumer.close();
    await this.#within(this.#sink.close(), STOP_MS.close);
    this.#outcomes.summarise();
  }

  #ended(ms: number): Promise<boolean> {
    return this.#within(this.#running ?? Promise.resolve(), ms);
  }

  async #within(work: Promise<void>, ms: number): Promise<boolean> {
    const patience = new AbortController();
    const late = this.#clock.wait(ms, patience.signal).then(() => false);
    const done = await Promise.race([work.then(() => true), late]);
    patience.abort();
    return done;
  }

  #observer(metrics: SinkMetrics): DeliveryObserver {
    const sink = this.name;
    return {
      sent: (outcome, _events, seconds) => {
        metrics.batches.inc({ sink, outcome: outcome.kind });
        metrics.seconds.observe({ sink }, seconds);
        this.#outcomes.sent(outcome);
      },
      accepted: (events) => {
        this.#accepted += events;
        metrics.events.inc({ sink, outcome: 'accepted' }, events);
      },
      dead: (why, reason) => {
        metrics.dead.inc({ sink, class: why });
        this.#outcomes.dead(why, reason);
      },
      filtered: () => metrics.events.inc({ sink, outcome: 'filtered' }),
      duplicate: () => metrics.events.inc({ sink, outcome: 'duplicate' }),
    };
  }
}
