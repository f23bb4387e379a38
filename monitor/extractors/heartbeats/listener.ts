import type { Logger } from 'pino';
import type { EmitEvent } from '../../telemetry/emit-event.ts';
import type { Subscription } from '../broker/subscription.ts';
import type { ExtractorMetrics } from '../metrics.ts';
import { readHeartbeat } from '../wire/heartbeat.ts';
import { pingOf, pingOfChange, pingOfErrorQueue } from './pings.ts';
import { errorQueueOf, type QueueLengths } from './queue-lengths.ts';
import type { ExtractorChange, ExtractorRegistry } from './registry.ts';

export interface HeartbeatListenerOptions {
  readonly registry: ExtractorRegistry;
  readonly queues: QueueLengths;
  readonly emit: EmitEvent;
  readonly metrics: Pick<ExtractorMetrics, 'heartbeat'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly pingMs: number;
  readonly nowMs: () => number;
}

/** Hears heartbeats, and tells what they mean: each change at once, each extractor from time to time. */
export class HeartbeatListener {
  readonly #options: HeartbeatListenerOptions;
  #listening = false;
  #nextPingMs = 0;

  constructor(options: HeartbeatListenerOptions) {
    this.#options = options;
  }

  readonly listener: Pick<Subscription, 'onBegin' | 'onEnd' | 'onMessage'> = {
    onBegin: () => {
      this.#options.registry.resumed(this.#options.nowMs());
      this.#listening = true;
    },
    onEnd: () => {
      this.#listening = false;
    },
    onMessage: ({ message }) => this.#hear(message.content),
  };

  #hear(content: Buffer): void {
    const { registry, metrics, nowMs } = this.#options;
    const heartbeat = readHeartbeat(content);
    if (heartbeat === undefined) return metrics.heartbeat('not understood');
    const atMs = nowMs();
    const change = registry.heard(heartbeat, atMs);
    metrics.heartbeat(change === 'ignored' ? 'ignored' : 'heard');
    if (typeof change === 'object') this.#tell(change, atMs);
  }

  /** Looks who has gone silent. While nobody listens nothing is known of anybody, and nothing is told. */
  tick(): void {
    if (!this.#listening) return;
    const { registry, queues, emit, pingMs, nowMs } = this.#options;
    const now = nowMs();
    for (const change of registry.check(now)) this.#tell(change, now);
    if (now < this.#nextPingMs) return;
    for (const reading of registry.readings()) {
      emit(pingOf(reading, queues.of(reading.queue), now));
      const errors = queues.of(errorQueueOf(reading.queue));
      if (errors !== undefined) emit(pingOfErrorQueue(reading, errors, now));
    }
    this.#nextPingMs = now + pingMs;
  }

  #tell(change: ExtractorChange, nowMs: number): void {
    const { emit, log } = this.#options;
    const { label, alive, version } = change.extractor;
    emit(pingOfChange(change, nowMs));
    if (alive) log.info({ extractor: label, version, silentMs: change.silentMs }, 'an extractor is alive');
    else log.warn({ extractor: label }, 'an extractor has gone silent');
  }
}
