import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { PublisherCounters, PublisherState } from '../../exporter/publisher.ts';
import { HELD_REASONS, type JournalStats } from '../journal/journal.ts';
import type { HeldState } from '../publishing/held-groups.ts';
import { REFUSALS } from '../keys/auth.ts';
import { VERSION } from '../../runtime/version.ts';
import { ALERT_KINDS, type UsageState } from '../../usage/ask/messages.ts';

/** A metric without its values, for the table in the documentation. */
export interface MetricDescription {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
}

/** Sources of values that are kept elsewhere and read at each scrape. */
export interface MetricSources {
  readonly journal: { stats(): JournalStats };
  readonly publisher: { readonly state: PublisherState; readonly counters: PublisherCounters };
  readonly waitingCount: () => number;
  /** Events that no queue took. */
  readonly held: () => HeldState;
  /** The latest state of the process that counts usage; absent if there is no such process. */
  readonly usage?: () => UsageState | undefined;
  readonly now: () => number;
}

/** Prefix of every name. */
export const PREFIX = 'clowder_otel_';

/** The collector's own metrics, in Prometheus' naming. /metrics and the metrics sent by OTLP both come from here. */
export class CollectorMetrics {
  readonly registry = new Registry();
  readonly #descriptions: MetricDescription[] = [];
  readonly received = this.#counter(
    'otlp_records_total',
    'Spans, log records and data points received: traces, logs, metrics',
    ['signal'],
  );
  readonly ignored = this.#counter('ignored_records_total', 'Those of them that are not events', ['signal']);
  readonly mapped = this.#counter('events_total', 'Events accepted into the journal', ['type']);
  readonly rejected = this.#counter(
    'rejected_events_total',
    'Stated events that can never be accepted: otlp-traces, otlp-logs, otlp-metrics, api, browser',
    ['origin'],
  );
  readonly duplicates = this.#counter(
    'duplicate_events_total',
    'Events that were known already: observed again, or sent again',
  );
  readonly waited = this.#counter('waiting_events_total', "Marked observations that wait for the proxy's own");
  readonly recovered = this.#counter(
    'recovered_events_total',
    "Observations published because the proxy's own never came",
  );
  readonly accessLines = this.#counter(
    'access_log_lines_total',
    'Lines of access logs for health.connections: counted, repeated (sent or read again), late (their window is closed; not counted)',
    ['outcome'],
  );
  readonly published = this.#counter(
    'published_events_total',
    'Messages settled: confirmed, returned (no queue takes it; held), dropped (the same, with ON_UNROUTABLE=drop), nacked (a full queue refuses it; held), refused (it can never be published; in the rejected store)',
    ['outcome'],
  );
  readonly publishLatency = this.#histogram(
    'publish_seconds',
    'From publishing a message to its confirm or return',
    [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
  );
  readonly #requests: Counter<'route' | 'status'> = new Counter({
    ...this.#describe('http_requests_total', 'counter', 'HTTP requests answered', ['route', 'status']),
    labelNames: ['route', 'status'],
    registers: [this.registry],
    collect: () => this.#tellRequests(),
  });
  /** Requests answered since the last scrape, by route and status. Labelling each would cost more than counting it. */
  readonly #answered = new Map<string, Map<number, number>>();
  readonly calls = this.#counter('grpc_calls_total', 'OTLP/gRPC calls answered, by gRPC code (0: OK)', [
    'signal',
    'code',
  ]);
  readonly refusedKeys = this.#counter(
    'refused_keys_total',
    'Requests refused because of their API key: missing, unknown, revoked, scope (it lacks the needed one)',
    ['reason'],
  );
  readonly browserRefused = this.#counter(
    'browser_refused_total',
    'Reports from pages that were refused, by error code',
    ['reason'],
  );

  constructor() {
    // Known series begin at 0, so that a rate sees their first step.
    for (const signal of ['traces', 'logs', 'metrics']) {
      this.received.inc({ signal }, 0);
      this.ignored.inc({ signal }, 0);
    }
    for (const origin of ['otlp-traces', 'otlp-logs', 'otlp-metrics', 'api', 'browser'])
      this.rejected.inc({ origin }, 0);
    for (const outcome of ['counted', 'repeated', 'late']) this.accessLines.inc({ outcome }, 0);
    for (const outcome of ['confirmed', 'returned', 'dropped', 'nacked', 'refused']) this.published.inc({ outcome }, 0);
    for (const reason of REFUSALS) this.refusedKeys.inc({ reason }, 0);
    this.#gauge('build_info', 'Always 1; the version is in the label', () => 1, { version: VERSION });
    collectDefaultMetrics({ register: this.registry });
  }

  /** The collector's own metrics; those of the process (`process_…`, `nodejs_…`) are prom-client's. */
  get descriptions(): readonly MetricDescription[] {
    return this.#descriptions;
  }

  /** @param route the route's label; only the caller knows the routes */
  countRequest(route: string, status: number): void {
    let byStatus = this.#answered.get(route);
    if (byStatus === undefined) this.#answered.set(route, (byStatus = new Map()));
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
  }

  #tellRequests(): void {
    for (const [route, byStatus] of this.#answered)
      for (const [status, count] of byStatus) this.#requests.inc({ route, status: String(status) }, count);
    this.#answered.clear();
  }

  /** Adds the metrics whose values are kept elsewhere. */
  watch({ journal, publisher, waitingCount, held, usage = () => undefined, now }: MetricSources): void {
    this.#gauge(
      'journal_bytes',
      'Size of the journal, including published events kept as history',
      () => journal.stats().bytes,
    );
    this.#gauge('journal_max_bytes', 'Largest size of the journal: JOURNAL_MAX_BYTES', () => journal.stats().maxBytes);
    this.#gauge(
      'journal_backlog_bytes',
      'Events that are not published yet, including held ones',
      () => journal.stats().backlogBytes,
    );
    this.#counted(
      'journal_commits_total',
      'Transactions of the journal; each is one fsync',
      () => journal.stats().commits,
    );
    this.#gauge('rejected_records', 'Records in the rejected store', () => journal.stats().rejected);
    this.#gauge(
      'unpublishable_events',
      'Those of them that are events which RabbitMQ refuses',
      () => journal.stats().unpublishable,
    );
    this.#gaugeOf(
      'held_events',
      'Events retried until a queue takes them: unroutable (no queue is bound for their type), nacked (a bound queue refuses them)',
      'reason',
      () => HELD_REASONS.map((reason) => [reason, held()[reason].events]),
    );
    this.#gaugeOf(
      'held_oldest_seconds',
      'How long the oldest of them has been held; 0 if there is none',
      'reason',
      () =>
        HELD_REASONS.map((reason) => {
          const { oldestMs } = held()[reason];
          return [reason, oldestMs === undefined ? 0 : Math.max(0, (now() - oldestMs) / 1000)];
        }),
    );
    this.#gauge(
      'waiting_observations',
      "Observations held back now: marked ones until the proxy's own comes, views and downloads in pieces until they are complete",
      waitingCount,
    );
    this.#gauge(
      'unconfirmed_messages',
      'Messages sent to RabbitMQ and not confirmed yet',
      () => publisher.state.unconfirmed,
    );
    this.#gauge('broker_connected', '1 while connected to RabbitMQ', () => Number(publisher.state.connected));
    this.#gauge('broker_blocked', '1 while RabbitMQ blocks publishers', () => Number(publisher.state.blocked));
    this.#counted(
      'reconnects_total',
      'How often the connection to RabbitMQ was made again',
      () => publisher.counters.reconnects,
    );
    this.#counted(
      'republished_messages_total',
      'Messages published again after a lost connection or channel',
      () => publisher.counters.republished,
    );
    this.#gaugeOf(
      'usage_alerts',
      'Alerts about counting: an event type, a source or everything has stopped, or the share of robots, or of files whose dataset is not known, has jumped',
      'kind',
      () => ALERT_KINDS.map((kind) => [kind, (usage()?.alerts ?? []).filter((alert) => alert.kind === kind).length]),
    );
    this.#gauge('usage_behind_seconds', 'How far counting is behind the accepted events', () => {
      const until = usage()?.countedUntilMs;
      return until === undefined ? 0 : Math.max(0, (now() - until) / 1000);
    });
    this.#gauge(
      'usage_missed_batches',
      'Batches that the journal deleted before they were counted',
      () => usage()?.missedRows ?? 0,
    );
    this.#counted('nacked_messages_total', 'Messages that a full queue refused', () => publisher.counters.nacked);
  }

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({
      ...this.#describe(name, 'counter', help, labelNames),
      labelNames,
      registers: [this.registry],
    });
  }

  #histogram(name: string, help: string, buckets: number[]): Histogram {
    return new Histogram({ ...this.#describe(name, 'histogram', help), buckets, registers: [this.registry] });
  }

  /** A gauge whose value is read at each scrape. */
  #gauge(name: string, help: string, read: () => number, labels: Readonly<Record<string, string>> = {}): void {
    const labelNames = Object.keys(labels);
    const gauge: Gauge = new Gauge({
      ...this.#describe(name, 'gauge', help, labelNames),
      labelNames,
      registers: [this.registry],
      collect: (): void => gauge.set(labels, read()),
    });
  }

  /** The same, with one figure for each value of a label. */
  #gaugeOf(name: string, help: string, label: string, read: () => readonly (readonly [string, number])[]): void {
    const gauge: Gauge = new Gauge({
      ...this.#describe(name, 'gauge', help, [label]),
      labelNames: [label],
      registers: [this.registry],
      collect: (): void => {
        for (const [value, figure] of read()) gauge.set({ [label]: value }, figure);
      },
    });
  }

  /** A counter that is kept elsewhere and read at each scrape. */
  #counted(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      ...this.#describe(name, 'counter', help),
      registers: [this.registry],
      collect: (): void => {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  #describe(
    name: string,
    type: MetricDescription['type'],
    help: string,
    labels: readonly string[] = [],
  ): { name: string; help: string } {
    this.#descriptions.push({ name: PREFIX + name, type, labels, help });
    return { name: PREFIX + name, help };
  }
}
