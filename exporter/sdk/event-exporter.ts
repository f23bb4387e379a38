import { context, diag } from '@opentelemetry/api';
import { ExportResultCode, suppressTracing, type ExportResult } from '@opentelemetry/core';
import { setTimeout as delay } from 'node:timers/promises';
import { createMapContext, type MapContext } from '../../taxonomy/map/context.ts';
import type { MapResult } from '../../taxonomy/map/candidate.ts';
import { backOff } from '../../runtime/sending/back-off.ts';
import { toMessage, type EventMessage } from '../message.ts';
import { createPublisher, type Outcome, type Publisher } from '../publisher.ts';

export interface EventExporterOptions {
  /** A shared publisher, which stays open at shutdown. Without it the exporter makes its own. */
  readonly publisher?: Publisher;
  /** Broker URLs for the exporter's own publisher, as in AMQP_URL. @default amqp://guest:guest@127.0.0.1:5672 */
  readonly urls?: string;
  /** @default createMapContext() */
  readonly mapContext?: MapContext;
  /** An export that is not confirmed within this time fails, in milliseconds. @default 30000 */
  readonly timeoutMs?: number;
}

/** Number of ids remembered, to publish an event only once if several spans or records contain it. */
const REMEMBERED = 10_000;
/** Pause before asking again a publisher that is ready but accepts nothing, in milliseconds. */
const AGAIN_MS = 10;
/** Pause before publishing again what a full queue refused, in milliseconds. Other queues get a copy each time. */
const NACKED_PAUSE = { first: 200, longest: 10_000 };

/**
 * The common part of the exporters for the OTel SDK: maps telemetry to events and publishes them, until RabbitMQ confirms them.
 */
export class EventExporter<Item> {
  readonly #map: (item: Item, mapContext: MapContext) => MapResult;
  readonly #mapContext: MapContext;
  readonly #timeoutMs: number;
  readonly #publisher: Publisher;
  readonly #ownsPublisher: boolean;
  /** Exports that have not called back. */
  readonly #exports = new Set<Promise<void>>();
  /** Accepted by the publisher and not settled: a repeated event waits for the same confirm. */
  readonly #inFlight = new Map<string, Promise<Outcome>>();
  readonly #confirmed = new Set<string>();
  #stopped: Promise<void> | undefined;

  protected constructor(options: EventExporterOptions, map: (item: Item, mapContext: MapContext) => MapResult) {
    this.#map = map;
    this.#mapContext = options.mapContext ?? createMapContext();
    this.#timeoutMs = options.timeoutMs ?? 30_000;
    this.#ownsPublisher = options.publisher === undefined;
    this.#publisher = options.publisher ?? untraced(() => createPublisher({ urls: options.urls }));
  }

  /**
   * Calls back with SUCCESS once every event in the items is confirmed, otherwise with FAILED and the error. It never throws.
   */
  export(items: Item[], resultCallback: (result: ExportResult) => void): void {
    const running = untraced(() => this.#export(items)).then(
      () => resultCallback({ code: ExportResultCode.SUCCESS }),
      (error: unknown) =>
        resultCallback({
          code: ExportResultCode.FAILED,
          error: error instanceof Error ? error : new Error(String(error)),
        }),
    );
    const tracked: Promise<void> = running
      .catch((error: unknown) => diag.error('the callback of an export failed', error))
      .finally(() => this.#exports.delete(tracked));
    this.#exports.add(tracked);
  }

  /** Waits until outstanding exports have called back. */
  async forceFlush(): Promise<void> {
    await Promise.all(this.#exports);
  }

  /** Accepts no more items, waits for outstanding exports and closes the exporter's own publisher. */
  shutdown(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    await this.forceFlush();
    if (this.#ownsPublisher) await untraced(() => this.#publisher.close());
  }

  async #export(items: Item[]): Promise<void> {
    if (this.#stopped !== undefined) throw new Error('the exporter is shut down');
    const expired = Promise.withResolvers<never>();
    expired.promise.catch(() => undefined);
    const timer = setTimeout(
      () => expired.reject(new Error(`RabbitMQ did not confirm within ${this.#timeoutMs} ms: ${this.#reason()}`)),
      this.#timeoutMs,
    );
    try {
      const messages = this.#messagesOf(items);
      let outcomes = await this.#publishAll(messages, expired.promise);
      for (let failures = 1; outcomes.includes('nacked'); failures += 1) {
        await Promise.race([delay(backOff(failures, NACKED_PAUSE, Math.random)), expired.promise]);
        outcomes = await this.#publishAll(messages, expired.promise);
      }
      const returned = outcomes.filter((outcome) => outcome === 'returned').length;
      const refused = outcomes.filter((outcome) => outcome === 'refused').length;
      if (refused > 0)
        throw new Error(`RabbitMQ refused ${refused} of ${outcomes.length} events: they can never be published`);
      if (returned > 0)
        throw new Error(
          `RabbitMQ returned ${returned} of ${outcomes.length} events: no queue takes them; bind one to clowder.events or clowder.metrics`,
        );
    } finally {
      clearTimeout(timer);
    }
  }

  /** Publishes every message that RabbitMQ has not confirmed yet. @throws what `expired` rejects with */
  async #publishAll(messages: readonly EventMessage[], expired: Promise<never>): Promise<readonly Outcome[]> {
    const pending: Promise<Outcome>[] = [];
    for (const message of messages) {
      if (this.#confirmed.has(message.messageId)) continue;
      let outcome = this.#publish(message);
      for (let tries = 0; outcome === undefined; tries += 1) {
        await Promise.race([this.#publisher.ready(), expired]);
        // A closed publisher is always ready but accepts nothing.
        if (tries > 0) await delay(AGAIN_MS);
        outcome = this.#publish(message);
      }
      pending.push(outcome);
    }
    return Promise.race([Promise.all(pending), expired]);
  }

  #reason(): string {
    const { connected, blocked, broker, lastError } = this.#publisher.state;
    if (blocked) return `${broker} has blocked publishers`;
    return connected ? `${broker} is connected` : (lastError?.message ?? `${broker} is not connected`);
  }

  #messagesOf(items: Item[]): EventMessage[] {
    const messages: EventMessage[] = [];
    for (const item of items) {
      const { candidates, rejected } = this.#map(item, this.#mapContext);
      for (const { code, message } of rejected) diag.warn(`an event was rejected (${code}): ${message}`);
      for (const { body } of candidates) messages.push(toMessage(body));
    }
    return messages;
  }

  /** Returns the coming outcome, also of an earlier message with this id; undefined if the publisher accepts nothing now. */
  #publish(message: EventMessage): Promise<Outcome> | undefined {
    const id = message.messageId;
    const earlier = this.#inFlight.get(id);
    if (earlier !== undefined) return earlier;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    let settled = false;
    const taken = this.#publisher.publish(message, (outcome) => {
      settled = true;
      this.#inFlight.delete(id);
      if (outcome === 'confirmed') this.#remember(id);
      resolve(outcome);
    });
    if (!taken) return undefined;
    if (!settled) this.#inFlight.set(id, promise);
    return promise;
  }

  #remember(id: string): void {
    const [oldest] = this.#confirmed;
    if (this.#confirmed.size >= REMEMBERED && oldest !== undefined) this.#confirmed.delete(oldest);
    this.#confirmed.add(id);
  }
}

/** Keeps instrumented sockets from creating spans for the export itself. */
function untraced<T>(run: () => T): T {
  return context.with(suppressTracing(context.active()), run);
}
