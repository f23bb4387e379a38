import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { CIRCUIT_STATES } from '../../runtime/sending/gate.ts';
import { DEAD_CLASSES } from '../queue/message.ts';
import type { WatchedSink } from './watched-sink.ts';

const PREFIX = 'clowder_otel_sink_';
const EVENT_OUTCOMES = ['accepted', 'filtered', 'duplicate'] as const;
const BATCH_OUTCOMES = ['accepted', 'partial', 'retry', 'too_large', 'rejected', 'misconfigured'] as const;
const SEND_SECONDS = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30];

/** A metric of one sink that is read at each scrape; undefined if unknown. */
interface Asked {
  readonly name: string;
  readonly help: string;
  readonly read: (runner: WatchedSink, nowMs: number) => number | undefined;
}

const ASKED: readonly Asked[] = [
  {
    name: 'backlog_events',
    help: 'Events in the queue, and here, that the service has not accepted yet; as of the last 10 s',
    read: ({ backlog }) => backlog?.events,
  },
  {
    name: 'dead_letters',
    help: 'Messages in the dead-letter queue; as of the last 10 s',
    read: ({ backlog }) => backlog?.dead,
  },
  {
    name: 'dead_letters_waiting',
    help: 'Messages that RabbitMQ does not take into the dead-letter queue: they are tried again',
    read: ({ consumer }) => consumer.state.unburied?.messages ?? 0,
  },
  {
    name: 'oldest_event_seconds',
    help: 'Age of the oldest event here that is not accepted yet; 0 where there is none',
    read: ({ delivery: { state } }, nowMs) =>
      state.oldestCreatedMs === undefined ? 0 : (nowMs - state.oldestCreatedMs) / 1000,
  },
  { name: 'ready', help: '1 while broker and service take part', read: ({ readiness }) => Number(readiness.ok) },
  {
    name: 'broker_connected',
    help: '1 while connected to RabbitMQ',
    read: ({ consumer }) => Number(consumer.state.connected),
  },
];

/** Prometheus metrics of the sinks in one process. */
export class SinkMetrics {
  readonly registry = new Registry();
  readonly events = this.#counter(
    'events_total',
    'accepted by the service; filtered: not for this sink; duplicate: came again though the service has it',
    'outcome',
  );
  readonly batches = this.#counter(
    'batches_total',
    'Batches sent, by what became of them; retry: sent again',
    'outcome',
  );
  readonly dead = this.#counter(
    'dead_letters_total',
    'Messages put aside: poison is not an event, rejected and too_large the service never takes',
    'class',
  );
  readonly seconds = new Histogram({
    name: `${PREFIX}send_seconds`,
    help: "From sending a batch to the service's answer",
    labelNames: ['sink'],
    buckets: SEND_SECONDS,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Adds the metrics that are read at each scrape, and starts every series at 0, so that a rate sees the first step. */
  watch(runners: readonly WatchedSink[], now: () => number): void {
    for (const { name: sink } of runners) {
      for (const outcome of EVENT_OUTCOMES) this.events.inc({ sink, outcome }, 0);
      for (const outcome of BATCH_OUTCOMES) this.batches.inc({ sink, outcome }, 0);
      for (const one of DEAD_CLASSES) this.dead.inc({ sink, class: one }, 0);
    }
    for (const { name, help, read } of ASKED)
      this.#gauge(name, help, [], (gauge) => {
        for (const runner of runners) {
          const value = read(runner, now());
          if (value !== undefined) gauge.set({ sink: runner.name }, value);
        }
      });
    this.#gauge('circuit', '1 for the state of the circuit breaker: closed, open, half_open', ['state'], (gauge) => {
      for (const { name: sink, delivery } of runners)
        for (const state of CIRCUIT_STATES) gauge.set({ sink, state }, Number(delivery.state.circuit === state));
    });
  }

  #counter<L extends string>(name: string, help: string, label: L): Counter<L | 'sink'> {
    return new Counter({ name: PREFIX + name, help, labelNames: ['sink', label], registers: [this.registry] });
  }

  #gauge(name: string, help: string, labels: readonly string[], collect: (gauge: Gauge) => void): void {
    const gauge: Gauge = new Gauge({
      name: PREFIX + name,
      help,
      labelNames: ['sink', ...labels],
      registers: [this.registry],
      collect: () => collect(gauge),
    });
  }
}
