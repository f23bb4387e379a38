import type { ChannelModel } from 'amqplib';
import { Connection } from './broker-connection.ts';
import type { BrokerSide, BrokerWatcher, Queue } from './broker-side.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './virtual-time.ts';

/** RabbitMQ, as far as a publisher can tell. */
export class Broker implements BrokerSide {
  readonly queues: Queue[] = [
    { name: 'sink', bound: true, full: false, leaderless: false, got: [] },
    { name: 'audit', bound: true, full: false, leaderless: false, got: [] },
  ];
  up = true;
  alarm = false;
  /** It takes publishes and never answers. */
  silent = false;
  /** Several messages may be confirmed by one answer. */
  multiple = false;
  slowMs = 1;
  metricsBound = false;
  readonly forbidden = new Set<string>();
  /** Types that were forbidden once: what is refused of them unasked, the broker never sees. */
  readonly everForbidden = new Set<string>();
  maxBytes = Number.POSITIVE_INFINITY;
  readonly connections = new Set<Connection>();
  #process = 0;
  readonly random: Random;
  readonly time: VirtualTime;
  readonly watcher: BrokerWatcher;

  constructor(random: Random, time: VirtualTime, watcher: BrokerWatcher) {
    this.random = random;
    this.time = time;
    this.watcher = watcher;
  }

  connect = async (): Promise<ChannelModel> => {
    await this.after(this.random.int(1, 20));
    if (!this.up) throw Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5672'), { code: 'ECONNREFUSED' });
    const connection = new Connection(this, (ended) => this.connections.delete(ended));
    this.connections.add(connection);
    this.watcher.connected();
    return connection as unknown as ChannelModel;
  };

  /** For whoever asked: a process that has ended since hears nothing. */
  after(ms: number): Promise<void> {
    const process = this.#process;
    return new Promise((resolve) =>
      this.time.later(ms, () => {
        if (process === this.#process) resolve();
      }),
    );
  }

  /** The process at the other end is gone: what it sent before may still arrive, and nobody hears of it. */
  abandon(): void {
    this.#process += 1;
    for (const connection of this.connections) connection.abandon();
    this.connections.clear();
  }

  forbid(type: string): void {
    this.forbidden.add(type);
    this.everForbidden.add(type);
  }

  setAlarm(alarm: boolean): void {
    if (this.alarm === alarm) return;
    this.alarm = alarm;
    for (const connection of this.connections) {
      if (alarm) connection.tellOfAlarm();
      else connection.resume();
    }
  }

  /** Every connection ends; with a reason by the broker, or without one where the network was cut. */
  cut(error: Error): void {
    for (const connection of this.connections) connection.end(error);
  }

  /** It refuses some messages as they are. */
  get isStrict(): boolean {
    return this.forbidden.size > 0 || this.maxBytes < Number.POSITIVE_INFINITY;
  }

  /** @returns where a message goes, by name */
  route(): readonly Queue[] {
    return this.metricsBound ? this.queues.filter(({ bound }) => bound) : [];
  }
}
