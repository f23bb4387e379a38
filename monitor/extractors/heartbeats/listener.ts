import type { Logger } from '../../../runtime/logging.ts';
import type { EmitEvent } from '../../telemetry/emit-event.ts';
import type { Subscription } from '../broker/subscription.ts';
import type { ExtractorMetrics } from '../metrics.ts';
import { readHeartbeat } from '../wire/heartbeat.ts';
import { judge, pingOf, pingOfChange, pingOfErrorQueue, type Judgement } from './pings.ts';
import { errorQueueOf, type QueueLengths } from './queue-lengths.ts';
import type { ExtractorChange, ExtractorRegistry } from './registry.ts';

export interface HeartbeatListenerOptions {
  readonly registry: ExtractorRegistry;
  readonly queues: QueueLengths;
  readonly emit: EmitEvent;
  readonly follow: FollowExtractor;
  readonly metrics: Pick<ExtractorMetrics, 'heartbeat'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly pingMs: number;
  readonly nowMs: () => number;
}

/** Called for an extractor at each change, and periodically. */
export type FollowExtractor = (judgement: Judgement, atMs: number) => void;

/** Interprets heartbeats: reports each change at once, and each extractor periodically. */
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

  /** Finds extractors that went silent. While we do not listen, nothing is known and nothing is reported. */
  tick(): void {
    if (!this.#listening) return;
    const { registry, queues, emit, follow, pingMs, nowMs } = this.#options;
    const now = nowMs();
    for (const change of registry.check(now)) this.#tell(change, now);
    if (now < this.#nextPingMs) return;
    for (const reading of registry.readings()) {
      emit(pingOf(reading, queues.of(reading.queue), now));
      const errors = queues.of(errorQueueOf(reading.queue));
      if (errors !== undefined) emit(pingOfErrorQueue(reading, errors, now));
    }
    for (const judgement of judge(registry.readings())) follow(judgement, now);
    this.#nextPingMs = now + pingMs;
  }

  #tell(change: ExtractorChange, nowMs: number): void {
    const { registry, emit, follow, log } = this.#options;
    const { label, alive, version } = change.extractor;
    emit(pingOfChange(change, nowMs));
    for (const judgement of judge(registry.readings().filter((one) => one.label === label))) follow(judgement, nowMs);
    if (alive) log.info({ extractor: label, version, silentMs: change.silentMs }, 'an extractor is alive');
    else log.warn({ extractor: label }, 'an extractor has gone silent');
  }
}
