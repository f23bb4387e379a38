import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A panel, which `json.ts` turns into Grafana's form. */
export interface PanelSpec {
  readonly title: string;
  readonly kind: 'timeseries' | 'stat' | 'bars' | 'table';
  /** PromQL or SQL, by name of the series. */
  readonly queries: Readonly<Record<string, string>>;
  /** Grafana's name of the unit. @default short, a plain number */
  readonly unit?: string;
  /** In columns, of which there are 24. @default 8 */
  readonly width?: number;
  /** A sentence for readers who do not know the title's words. */
  readonly description: string;
  readonly stacked?: true;
  /** Coloured as a warning from this value on; `no`: if it is 0. */
  readonly warn?: number | 'no';
}

export interface DashboardSpec {
  readonly title: string;
  readonly source: 'prometheus' | 'postgresql';
  /** The metric that shows which jobs and instances exist. PostgreSQL has none. */
  readonly instancesOf?: string;
  readonly panels: readonly PanelSpec[];
}

/** The job too: otherwise process_… would show every program that Prometheus scrapes. */
const I = 'job=~"$job",instance=~"$instance"';
/** Rate per second of the chosen instances. */
const rate = (metric: string, by = ''): string =>
  `sum by (${by === '' ? 'instance' : by}) (rate(${metric}{${I}}[$__rate_interval]))`;
const p95 = (metric: string, by: string): string =>
  `histogram_quantile(0.95, sum by (le, ${by}) (rate(${metric}_bucket{${I}}[$__rate_interval])))`;
/** The latest value. */
const of = (metric: string, more = ''): string => `${metric}{${I}${more}}`;

const PROCESS: readonly PanelSpec[] = [
  { title: 'Processor', kind: 'timeseries', width: 12, unit: 'percentunit', description: 'Processor cores in use. 100 % is one core', queries: { '{{instance}}': rate('process_cpu_seconds_total') } },
  { title: 'Memory', kind: 'timeseries', width: 12, unit: 'bytes', description: 'Resident memory of the process', queries: { '{{instance}}': of('process_resident_memory_bytes') } },
]; // prettier-ignore

const C = 'clowder_otel_';
const COLLECTOR: DashboardSpec = {
  title: 'Clowder: collector',
  source: 'prometheus',
  instancesOf: `${C}build_info`,
  panels: [
    { title: 'RabbitMQ takes events', kind: 'stat', width: 4, warn: 'no', description: 'Whether the collector is connected and RabbitMQ does not block it', queries: { '{{instance}}': `${of(`${C}broker_connected`)} - ${of(`${C}broker_blocked`)}` } },
    { title: 'Not published yet', kind: 'stat', width: 4, unit: 'bytes', description: 'Events in the journal that RabbitMQ has not confirmed', queries: { '{{instance}}': of(`${C}journal_backlog_bytes`) } },
    { title: 'Journal full', kind: 'stat', width: 4, unit: 'percentunit', warn: 0.5, description: 'Share of the journal that unpublished events take. At 100 %, producers get 503', queries: { '{{instance}}': `${of(`${C}journal_backlog_bytes`)} / ${of(`${C}journal_max_bytes`)}` } },
    { title: 'Held', kind: 'stat', width: 4, warn: 1, description: 'Events that no queue takes', queries: { '{{reason}}': `sum by (reason) (${of(`${C}held_events`)})` } },
    { title: 'Rejected', kind: 'stat', width: 4, warn: 1, description: 'Records that are kept with the reason and wait for a replay', queries: { records: `sum(${of(`${C}rejected_records`)})`, 'refused by RabbitMQ': `sum(${of(`${C}unpublishable_events`)})` } },
    { title: 'Counting is behind', kind: 'stat', width: 4, unit: 's', warn: 600, description: 'Age of the oldest event that usage statistics do not include yet', queries: { '{{instance}}': of(`${C}usage_behind_seconds`) } },
    { title: 'Events accepted', kind: 'timeseries', width: 12, unit: 'cps', stacked: true, description: 'Events that were acknowledged to their producer and are in the journal', queries: { '{{type}}': rate(`${C}events_total`, 'type') } },
    { title: 'Events published', kind: 'timeseries', width: 12, unit: 'cps', stacked: true, description: 'What RabbitMQ answered to published events', queries: { '{{outcome}}': rate(`${C}published_events_total`, 'outcome') } },
    { title: 'Time to a confirm, 95th percentile', kind: 'timeseries', unit: 's', description: 'From publishing an event to its confirm by RabbitMQ', queries: { '{{instance}}': p95(`${C}publish_seconds`, 'instance') } },
    { title: 'Age of the oldest held event', kind: 'timeseries', unit: 's', description: 'How long the oldest held event has waited for a queue', queries: { '{{instance}} {{reason}}': of(`${C}held_oldest_seconds`) } },
    { title: 'Waiting', kind: 'timeseries', description: 'Observations that wait for one that knows more, and messages that wait for a confirm', queries: { 'for another observation': `sum(${of(`${C}waiting_observations`)})`, 'for a confirm': `sum(${of(`${C}unconfirmed_messages`)})` } },
    { title: 'Telemetry received', kind: 'timeseries', unit: 'cps', description: 'Spans, log records and metric points that came in, and those that are no events', queries: { '{{signal}}': rate(`${C}otlp_records_total`, 'signal'), '{{signal}}, no event': rate(`${C}ignored_records_total`, 'signal') } },
    { title: 'HTTP answers', kind: 'timeseries', unit: 'reqps', stacked: true, description: 'Requests to the collector by status', queries: { '{{status}}': rate(`${C}http_requests_total`, 'status') } },
    { title: 'gRPC answers', kind: 'timeseries', unit: 'reqps', stacked: true, description: 'OTLP/gRPC calls by status code. 0 is success', queries: { 'code {{code}}': rate(`${C}grpc_calls_total`, 'code') } },
    { title: 'Refused requests and events', kind: 'timeseries', unit: 'cps', description: 'Requests with a bad key, and events that were sent with wrong fields', queries: { 'key: {{reason}}': rate(`${C}refused_keys_total`, 'reason'), 'page: {{reason}}': rate(`${C}browser_refused_total`, 'reason'), 'invalid event: {{origin}}': rate(`${C}rejected_events_total`, 'origin') } },
    { title: 'Repeats and recovered events', kind: 'timeseries', unit: 'cps', description: 'Repeats that were dropped, and events that a weaker observation stands in for', queries: { repeats: `sum(${rate(`${C}duplicate_events_total`)})`, recovered: `sum(${rate(`${C}recovered_events_total`)})` } },
    { title: 'RabbitMQ reconnects and retries', kind: 'timeseries', unit: 'cps', description: 'Reconnections, and messages that had to be published again', queries: { reconnected: `sum(${rate(`${C}reconnects_total`)})`, 'published again': `sum(${rate(`${C}republished_messages_total`)})`, nacked: `sum(${rate(`${C}nacked_messages_total`)})` } },
    { title: 'Access log lines', kind: 'timeseries', unit: 'cps', description: 'Access log lines for health.connections: counted, repeated, or too late to count', queries: { '{{outcome}}': rate(`${C}access_log_lines_total`, 'outcome') } },
    { title: 'Counting: warnings and missed batches', kind: 'timeseries', description: 'Warnings that a source or event type stopped or jumped, and batches that could not be counted', queries: { '{{kind}}': `sum by (kind) (${of(`${C}usage_alerts`)})`, 'batches missed': `sum(${of(`${C}usage_missed_batches`)})` } },
    { title: 'Journal', kind: 'timeseries', unit: 'bytes', description: 'Size of the journal on disk', queries: { '{{instance}}': of(`${C}journal_bytes`) } },
    ...PROCESS,
  ],
}; // prettier-ignore

const P = 'clowder_otel_proxy_';
const PROXY: DashboardSpec = {
  title: 'Clowder: proxy',
  source: 'prometheus',
  instancesOf: `${P}answers_total`,
  panels: [
    { title: 'Collector reached', kind: 'stat', width: 6, warn: 'no', description: 'Whether the collector took what the proxy sent last', queries: { '{{instance}}': of(`${P}collector_reached`) } },
    { title: 'Events waiting', kind: 'stat', width: 6, warn: 1000, description: 'Events in memory that the collector has not taken. At most 50,000 wait', queries: { '{{instance}}': of(`${P}events_waiting`) } },
    { title: 'Requests in flight', kind: 'stat', width: 6, description: 'Requests whose answer is not complete', queries: { '{{instance}}': of(`${P}requests_in_flight`) } },
    { title: 'Connections to Clowder', kind: 'stat', width: 6, description: 'Open connections from the proxy to Clowder', queries: { '{{instance}}': of(`${P}upstream_connections`) } },
    { title: 'Answers from Clowder', kind: 'timeseries', width: 12, unit: 'reqps', description: 'Answers that the proxy passed on', queries: { '{{instance}}': rate(`${P}answers_total`) } },
    { title: 'Upstream errors', kind: 'timeseries', width: 12, unit: 'cps', stacked: true, description: 'Requests that Clowder did not answer correctly, by kind of error', queries: { '{{type}}': rate(`${P}upstream_errors_total`, 'type'), 'excess bytes': `sum(${rate(`${P}excess_total`)})` } },
    { title: 'Not forwarded', kind: 'timeseries', unit: 'cps', description: 'Requests that the proxy answered itself, and connections that it refused', queries: { '{{status}}': rate(`${P}refused_requests_total`, 'status'), 'connections refused': `sum(${rate(`${P}connections_refused_total`)})` } },
    { title: 'Events lost or not captured', kind: 'timeseries', unit: 'cps', description: 'Events that never reached the collector, and failures to capture a request', queries: { 'lost: {{reason}}': rate(`${P}events_lost_total`, 'reason'), 'not captured': `sum(${rate(`${P}capture_failures_total`)})` } },
    { title: 'Retries, early leavers, WebSockets', kind: 'timeseries', unit: 'cps', description: 'Requests that were sent to Clowder again, clients that left before the answer, and WebSockets', queries: { 'sent again': `sum(${rate(`${P}retries_total`)})`, 'clients left': `sum(${rate(`${P}clients_left_total`)})`, tunnels: `sum(${rate(`${P}tunnels_total`)})` } },
    { title: 'Look-ups in Clowder', kind: 'timeseries', width: 12, unit: 'cps', description: 'Questions to Clowder for names and users, and those that the cache saved', queries: { '{{outcome}}': rate(`${P}enrich_lookups_total`, 'outcome'), saved: `sum(${rate(`${P}enrich_cache_hits_total`)})` } },
    { title: 'Events without look-up results', kind: 'timeseries', width: 12, unit: 'cps', description: 'Events that were sent without names, by reason', queries: { '{{reason}}': rate(`${P}enrich_events_unenriched_total`, 'reason') } },
    ...PROCESS,
  ],
}; // prettier-ignore

const M = 'clowder_monitor_';
const TARGET = '{{component}} {{target}}';
const MONITOR: DashboardSpec = {
  title: 'Clowder: monitor',
  source: 'prometheus',
  instancesOf: `${M}spool_size_bytes`,
  panels: [
    { title: 'Down', kind: 'stat', width: 6, warn: 1, description: 'Targets whose latest reading is bad', queries: { targets: `count(${of(`${M}up`)} == 0) or vector(0)` } },
    { title: 'Time since the latest reading', kind: 'stat', width: 6, unit: 's', warn: 900, description: 'Time since any probe finished. If it grows, the monitor hangs', queries: { '{{instance}}': `time() - max by (instance) (${of(`${M}reading_timestamp_seconds`)})` } },
    { title: 'First certificate to expire', kind: 'stat', width: 6, unit: 'd', description: 'Days until the first certificate of a watched page expires', queries: { days: `min(${of(`${M}tls_days_left`)})` } },
    { title: 'Readings waiting', kind: 'stat', width: 6, unit: 'bytes', description: 'Readings on disk that the collector has not taken', queries: { '{{instance}}': of(`${M}spool_size_bytes`) } },
    { title: 'Up', kind: 'timeseries', width: 24, description: '1 if the latest reading is good', queries: { [TARGET]: of(`${M}up`) } },
    { title: 'Response time', kind: 'timeseries', width: 12, unit: 's', description: 'Time of the latest reading', queries: { [TARGET]: of(`${M}response_time_seconds`) } },
    { title: 'Loss', kind: 'timeseries', width: 12, unit: 'percent', description: 'Share of the latest readings that failed', queries: { [TARGET]: of(`${M}loss`) } },
    { title: 'Queues', kind: 'timeseries', description: 'Messages in the watched queues', queries: { '{{target}}': of(`${M}queue_messages`) } },
    { title: 'Consumers', kind: 'timeseries', description: 'Consumers of the watched queues', queries: { '{{target}}': of(`${M}queue_consumers`) } },
    { title: 'RabbitMQ messages', kind: 'timeseries', unit: 'cps', description: 'Messages a second, by the management API', queries: { 'published {{target}}': of(`${M}rabbitmq_publish_rate`), 'delivered {{target}}': of(`${M}rabbitmq_deliver_rate`) } },
    { title: 'RabbitMQ alarms', kind: 'timeseries', description: 'Memory and disk alarms, and connections that RabbitMQ blocks', queries: { 'memory {{target}}': of(`${M}rabbitmq_memory_alarm`), 'disk {{target}}': of(`${M}rabbitmq_disk_alarm`), 'connections blocked': of(`${M}rabbitmq_blocked_connections`) } },
    { title: 'Disks', kind: 'timeseries', unit: 'percent', description: 'Share of each watched disk that is in use', queries: { '{{target}}': of(`${M}disk_used`) } },
    { title: 'Certificates, days left', kind: 'timeseries', description: 'Days until each certificate expires', queries: { '{{target}}': of(`${M}tls_days_left`) } },
    { title: 'Downloads', kind: 'timeseries', width: 12, unit: 'Bps', description: 'Speed of test downloads', queries: { [TARGET]: of(`${M}download_rate`) } },
    { title: 'Readings lost', kind: 'timeseries', width: 12, description: 'Readings that never reached the collector', queries: { lost: of(`${M}telemetry_lost`), 'refused by the collector': of(`${M}telemetry_rejected`) } },
  ],
}; // prettier-ignore

const S = 'clowder_otel_sink_';
const SINKS: DashboardSpec = {
  title: 'Clowder: sinks',
  source: 'prometheus',
  instancesOf: `${S}ready`,
  panels: [
    { title: 'Ready', kind: 'stat', width: 8, warn: 'no', description: 'Whether the sink delivers. `/readyz` says why not', queries: { '{{sink}}': of(`${S}ready`) } },
    { title: 'RabbitMQ connected', kind: 'stat', width: 8, warn: 'no', description: 'Whether the sink is connected to its queue', queries: { '{{sink}}': of(`${S}broker_connected`) } },
    { title: 'Dead letters', kind: 'stat', width: 8, warn: 1, description: 'Events that the service refused for good and that wait for a replay', queries: { '{{sink}}': `max by (sink) (${of(`${S}dead_letters`)})` } },
    { title: 'Events', kind: 'timeseries', width: 12, unit: 'cps', stacked: true, description: 'Events by outcome', queries: { '{{sink}} {{outcome}}': rate(`${S}events_total`, 'sink, outcome') } },
    { title: 'Batches', kind: 'timeseries', width: 12, unit: 'cps', stacked: true, description: 'Requests to the service by outcome', queries: { '{{sink}} {{outcome}}': rate(`${S}batches_total`, 'sink, outcome') } },
    { title: 'Not accepted yet', kind: 'timeseries', description: 'Events in the queue of the sink', queries: { '{{sink}}': `max by (sink) (${of(`${S}backlog_events`)})` } },
    { title: 'Age of the oldest', kind: 'timeseries', unit: 's', description: 'Age of the oldest event that the service has not taken', queries: { '{{sink}}': of(`${S}oldest_event_seconds`) } },
    { title: 'Time to an answer, 95th percentile', kind: 'timeseries', unit: 's', description: 'How long the service takes to answer a batch', queries: { '{{sink}}': p95(`${S}send_seconds`, 'sink') } },
    { title: 'New dead letters', kind: 'timeseries', unit: 'cps', description: 'Events that became dead letters, by kind of error', queries: { '{{sink}} {{class}}': rate(`${S}dead_letters_total`, 'sink, class') } },
    { title: 'Dead letters that RabbitMQ refuses', kind: 'timeseries', description: 'They stay in the queue of the sink and are tried again', queries: { '{{sink}}': of(`${S}dead_letters_waiting`) } },
    { title: 'Circuit breaker open', kind: 'timeseries', description: '1 while the sink pauses because the service fails', queries: { '{{sink}}': of(`${S}circuit`, ',state="open"') } },
    ...PROCESS,
  ],
}; // prettier-ignore

const IN_TIME = '$__timeFilter(created_at)';
/** Whole months, including the one in which the time range begins. */
const MONTHS = "month BETWEEN date_trunc('month', $__timeFrom()::timestamptz) AND $__timeTo()::timestamptz";
const COUNTED = `counted_as = 'counted' AND ${IN_TIME}`;
const DOWNLOADED = `sum(bytes) FILTER (WHERE event = 'view.download')`;
/** Views of the PostgreSQL sink. The counting rules decide what counts: docs/counting-rules.md. */
const USAGE: DashboardSpec = {
  title: 'Clowder: usage',
  source: 'postgresql',
  panels: [
    { title: 'Views and downloads', kind: 'bars', width: 12, description: 'Uses a day that count by the counting rules', queries: { A: `SELECT day::timestamp AS time, count(*) FILTER (WHERE event = 'view.resource') AS views, count(*) FILTER (WHERE event = 'view.download') AS downloads FROM $schema.uses WHERE ${COUNTED} GROUP BY 1 ORDER BY 1` } },
    { title: 'Active users', kind: 'bars', width: 12, description: 'Different users a day', queries: { A: 'SELECT day::timestamp AS time, active_users FROM $schema.active_users_per_day WHERE $__timeFilter(day) ORDER BY 1' } },
    { title: 'Bytes downloaded', kind: 'bars', width: 12, unit: 'bytes', description: 'Bytes a day of downloads that count', queries: { A: `SELECT day::timestamp AS time, ${DOWNLOADED} AS bytes FROM $schema.uses WHERE ${COUNTED} GROUP BY 1 ORDER BY 1` } },
    { title: 'Bytes uploaded', kind: 'bars', width: 12, unit: 'bytes', description: 'Bytes a day of uploaded files', queries: { A: `SELECT day::timestamp AS time, sum(bytes) AS bytes FROM $schema.uploads WHERE ${IN_TIME} GROUP BY 1 ORDER BY 1` } },
    { title: 'Most used datasets', kind: 'table', width: 24, description: 'Of whole months, including the month in which the shown time begins. A view is an investigation; a download is both an investigation and a request', queries: { A: `SELECT dataset_id, max(dataset_name) AS dataset, sum(investigations) AS investigations, sum(unique_investigations) AS unique_investigations, sum(requests) AS requests, sum(unique_requests) AS unique_requests, sum(bytes) AS bytes FROM $schema.dataset_usage_per_month WHERE ${MONTHS} GROUP BY dataset_id ORDER BY investigations DESC LIMIT 50` } },
    { title: 'Most used files', kind: 'table', width: 12, description: 'Views and downloads that count', queries: { A: `SELECT resource_id, max(resource_name) AS file, count(*) FILTER (WHERE event = 'view.resource') AS views, count(*) FILTER (WHERE event = 'view.download') AS downloads, ${DOWNLOADED} AS bytes FROM $schema.uses WHERE resource_type = 'file' AND ${COUNTED} GROUP BY resource_id ORDER BY downloads DESC, views DESC LIMIT 50` } },
    { title: 'By kind of client, counted or not', kind: 'table', width: 6, description: 'All uses by kind of client', queries: { A: `SELECT client, count(*) AS uses, coalesce(${DOWNLOADED}, 0) AS bytes FROM $schema.judged_uses WHERE ${IN_TIME} GROUP BY client ORDER BY uses DESC` } },
    { title: 'What was not counted, and why', kind: 'table', width: 6, description: 'Uses that the counting rules leave out, by rule', queries: { A: `SELECT counted_as AS why, count(*) AS uses FROM $schema.uses WHERE counted_as <> 'counted' AND ${IN_TIME} GROUP BY counted_as ORDER BY uses DESC` } },
    { title: 'Month by month', kind: 'table', width: 24, description: 'Figures of whole months, including the month in which the shown time begins', queries: { A: `SELECT month, views, downloads, bytes_downloaded, files_uploaded, bytes_uploaded, datasets_created, signups, active_users, extractions_done, extractions_failed FROM $schema.usage_per_month WHERE ${MONTHS} ORDER BY month DESC` } },
  ],
}; // prettier-ignore

/** The dashboards by file name. */
export const DASHBOARDS = {
  collector: COLLECTOR,
  proxy: PROXY,
  monitor: MONITOR,
  sinks: SINKS,
  usage: USAGE,
} as const satisfies Record<string, DashboardSpec>;

export const GRAFANA_DIR = fileURLToPath(new URL('../../deploy/grafana', import.meta.url));
export const dashboardFile = (name: string): string => join(GRAFANA_DIR, `${name}.json`);
