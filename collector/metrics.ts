import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** The collector's own metrics, in Prometheus' naming. */
export class CollectorMetrics {
  readonly registry = new Registry();
  readonly received = this.#counter('otlp_records_total', 'Spans, log records and data points received', ['signal']);
  readonly mapped = this.#counter('events_total', 'Events accepted into the journal', ['type']);
  readonly ignored = this.#counter('ignored_records_total', 'Telemetry that is no event', ['signal']);
  readonly rejected = this.#counter('rejected_events_total', 'Explicit events that can never be accepted', ['origin']);
  readonly duplicates = this.#counter('duplicate_events_total', 'Observations of events that were there already');
  readonly waited = this.#counter('waiting_events_total', "Marked observations that wait for the proxy's own");
  readonly recovered = this.#counter('recovered_events_total', 'Events published from a weaker observation');
  readonly published = this.#counter('published_events_total', 'Outcomes of publishing', ['outcome']);
  readonly requests = this.#counter('http_requests_total', 'HTTP requests answered', ['route', 'status']);
  readonly publishLatency = new Histogram({
    name: 'clowder_otel_publish_seconds',
    help: 'From publishing a message to its confirm',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** A gauge whose value is asked for at each scrape. */
  gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({
      name: `clowder_otel_${name}`,
      help,
      registers: [],
      collect: (): void => gauge.set(read()),
    });
    this.registry.registerMetric(gauge);
  }

  /** A counter kept elsewhere, asked for at each scrape. */
  counted(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name: `clowder_otel_${name}`,
      help,
      registers: [],
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
    this.registry.registerMetric(counter);
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name: `clowder_otel_${name}`, help, labelNames, registers: [this.registry] });
  }
}
