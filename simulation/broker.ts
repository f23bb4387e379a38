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
  /** The broker accepts publishes but never answers. */
  silent = false;
  /** One answer may confirm several messages. */
  multiple = false;
  slowMs = 1;
  metricsBound = false;
  readonly forbidden = new Set<string>();
  /** Types that were ever forbidden: the publisher may refuse them itself, so the broker never sees them. */
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

  /** Resolves after the time; never if the process that asked has ended by then. */
  after(ms: number): Promise<void> {
    const process = this.#process;
    return new Promise((resolve) =>
      this.time.later(ms, () => {
        if (process === this.#process) resolve();
      }),
    );
  }

  /** The client process is gone: what it sent may still arrive, but it receives no answers. */
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

  /** Ends every connection: with a reason if the broker closes it, without one if the network is cut. */
  cut(error: Error): void {
    for (const connection of this.connections) connection.end(error);
  }

  /** Whether some messages are refused as they are. */
  get isStrict(): boolean {
    return this.forbidden.size > 0 || this.maxBytes < Number.POSITIVE_INFINITY;
  }

  /** @returns the queues that a message reaches */
  route(): readonly Queue[] {
    return this.metricsBound ? this.queues.filter(({ bound }) => bound) : [];
  }
}
