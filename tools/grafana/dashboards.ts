import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A panel; `json.ts` makes Grafana's of it. */
export interface PanelSpec {
  readonly title: string;
  readonly kind: 'timeseries' | 'stat' | 'bars' | 'table';
  /** PromQL or SQL, by the name of its series. */
  readonly queries: Readonly<Record<string, string>>;
  /** By Grafana's name for it. */
  readonly unit?: string;
  /** Of 24 columns. @default 8 */
  readonly width?: number;
  readonly description?: string;
  readonly stacked?: true;
  /** From this value on it is coloured as a warning; `no` where 0 is. */
  readonly warn?: number | 'no';
}

export interface DashboardSpec {
  readonly title: string;
  readonly source: 'prometheus' | 'postgresql';
  /** The metric that tells which instances there are; of PostgreSQL none. */
  readonly instancesOf?: string;
  readonly panels: readonly PanelSpec[];
}

const I = 'instance=~"$instance"';
/** Of the instances chosen: how many a second. */
const rate = (metric: string, by = ''): string =>
  `sum by (${by === '' ? 'instance' : by}) (rate(${metric}{${I}}[$__rate_interval]))`;
const p95 = (metric: string, by: string): string =>
  `histogram_quantile(0.95, sum by (le, ${by}) (rate(${metric}_bucket{${I}}[$__rate_interval])))`;
/** Its value now. */
const of = (metric: string, more = ''): string => `${metric}{${I}${more}}`;

const PROCESS: readonly PanelSpec[] = [
  { title: 'Processor', kind: 'timeseries', width: 12, unit: 'percentunit', queries: { '{{instance}}': rate('process_cpu_seconds_total') } },
  { title: 'Memory', kind: 'timeseries', width: 12, unit: 'bytes', queries: { '{{instance}}': of('process_resident_memory_bytes') } },
]; // prettier-ignore

const C = 'clowder_otel_';
const COLLECTOR: DashboardSpec = {
  title: 'Clowder: collector',
  source: 'prometheus',
  instancesOf: `${C}build_info`,
  panels: [
    { title: 'RabbitMQ takes events', kind: 'stat', width: 4, warn: 'no', description: 'Connected, and not blocked by it', queries: { '{{instance}}': `${of(`${C}broker_connected`)} - ${of(`${C}broker_blocked`)}` } },
    { title: 'Not published yet', kind: 'stat', width: 4, unit: 'bytes', queries: { '{{instance}}': of(`${C}journal_backlog_bytes`) } },
    { title: 'Journal full', kind: 'stat', width: 4, unit: 'percentunit', warn: 0.5, description: 'Of events that are not published. At 100 % producers get 503', queries: { '{{instance}}': `${of(`${C}journal_backlog_bytes`)} / ${of(`${C}journal_max_bytes`)}` } },
    { title: 'Held', kind: 'stat', width: 4, warn: 1, description: 'Events that no queue takes', queries: { '{{reason}}': `sum by (reason) (${of(`${C}held_events`)})` } },
    { title: 'Rejected', kind: 'stat', width: 4, warn: 1, queries: { records: `sum(${of(`${C}rejected_records`)})`, 'refused by RabbitMQ': `sum(${of(`${C}unpublishable_events`)})` } },
    { title: 'Counting is behind', kind: 'stat', width: 4, unit: 's', warn: 600, queries: { '{{instance}}': of(`${C}usage_behind_seconds`) } },
    { title: 'Events accepted', kind: 'timeseries', width: 12, unit: 'cps', stacked: true, queries: { '{{type}}': rate(`${C}events_total`, 'type') } },
    { title: 'Events published', kind: 'timeseries', width: 12, unit: 'cps', stacked: true, queries: { '{{outcome}}': rate(`${C}published_events_total`, 'outcome') } },
    { title: 'Time to a confirm, 95th percentile', kind: 'timeseries', unit: 's', queries: { '{{instance}}': p95(`${C}publish_seconds`, 'instance') } },
    { title: 'Age of what is held longest', kind: 'timeseries', unit: 's', queries: { '{{instance}} {{reason}}': of(`${C}held_oldest_seconds`) } },
    { title: 'Waiting', kind: 'timeseries', queries: { 'for another observation': `sum(${of(`${C}waiting_observations`)})`, 'for a confirm': `sum(${of(`${C}unconfirmed_messages`)})` } },
    { title: 'Telemetry received', kind: 'timeseries', unit: 'cps', queries: { '{{signal}}': rate(`${C}otlp_records_total`, 'signal'), '{{signal}}, no event': rate(`${C}ignored_records_total`, 'signal') } },
    { title: 'HTTP answers', kind: 'timeseries', unit: 'reqps', stacked: true, queries: { '{{status}}': rate(`${C}http_requests_total`, 'status') } },
    { title: 'gRPC answers', kind: 'timeseries', unit: 'reqps', stacked: true, queries: { 'code {{code}}': rate(`${C}grpc_calls_total`, 'code') } },
    { title: 'Refused', kind: 'timeseries', unit: 'cps', queries: { 'key: {{reason}}': rate(`${C}refused_keys_total`, 'reason'), 'of pages: {{reason}}': rate(`${C}browser_refused_total`, 'reason'), 'stated wrongly: {{origin}}': rate(`${C}rejected_events_total`, 'origin') } },
    { title: 'Known already, recovered', kind: 'timeseries', unit: 'cps', queries: { 'known already': `sum(${rate(`${C}duplicate_events_total`)})`, recovered: `sum(${rate(`${C}recovered_events_total`)})` } },
    { title: 'Connection to RabbitMQ', kind: 'timeseries', unit: 'cps', queries: { 'made again': `sum(${rate(`${C}reconnects_total`)})`, 'published again': `sum(${rate(`${C}republished_messages_total`)})`, nacked: `sum(${rate(`${C}nacked_messages_total`)})` } },
    { title: 'Lines of access logs', kind: 'timeseries', unit: 'cps', queries: { '{{outcome}}': rate(`${C}access_log_lines_total`, 'outcome') } },
    { title: 'What is not counted as it was', kind: 'timeseries', queries: { '{{kind}}': `sum by (kind) (${of(`${C}usage_alerts`)})`, 'batches missed': `sum(${of(`${C}usage_missed_batches`)})` } },
    { title: 'Journal', kind: 'timeseries', unit: 'bytes', queries: { '{{instance}}': of(`${C}journal_bytes`) } },
    ...PROCESS,
  ],
}; // prettier-ignore

const P = 'clowder_otel_proxy_';
const PROXY: DashboardSpec = {
  title: 'Clowder: proxy',
  source: 'prometheus',
  instancesOf: `${P}answers_total`,
  panels: [
    { title: 'Collector reached', kind: 'stat', width: 6, warn: 'no', queries: { '{{instance}}': of(`${P}collector_reached`) } },
    { title: 'Events waiting', kind: 'stat', width: 6, warn: 1000, description: 'In memory, 50,000 at most', queries: { '{{instance}}': of(`${P}events_waiting`) } },
    { title: 'Requests in flight', kind: 'stat', width: 6, queries: { '{{instance}}': of(`${P}requests_in_flight`) } },
    { title: 'Connections to Clowder', kind: 'stat', width: 6, queries: { '{{instance}}': of(`${P}upstream_connections`) } },
    { title: 'Answers of Clowder', kind: 'timeseries', width: 12, unit: 'reqps', queries: { '{{instance}}': rate(`${P}answers_total`) } },
    { title: 'No proper answer', kind: 'timeseries', width: 12, unit: 'cps', stacked: true, queries: { '{{type}}': rate(`${P}upstream_errors_total`, 'type'), 'bytes of no answer': `sum(${rate(`${P}excess_total`)})` } },
    { title: 'Not forwarded', kind: 'timeseries', unit: 'cps', queries: { '{{status}}': rate(`${P}refused_requests_total`, 'status'), 'connections closed': `sum(${rate(`${P}connections_refused_total`)})` } },
    { title: 'Events lost, not captured', kind: 'timeseries', unit: 'cps', queries: { 'lost: {{reason}}': rate(`${P}events_lost_total`, 'reason'), 'not captured': `sum(${rate(`${P}capture_failures_total`)})` } },
    { title: 'Sent again, left early, tunnels', kind: 'timeseries', unit: 'cps', queries: { 'sent again': `sum(${rate(`${P}retries_total`)})`, 'clients left': `sum(${rate(`${P}clients_left_total`)})`, tunnels: `sum(${rate(`${P}tunnels_total`)})` } },
    { title: 'Look-ups in Clowder', kind: 'timeseries', width: 12, unit: 'cps', queries: { '{{outcome}}': rate(`${P}enrich_lookups_total`, 'outcome'), saved: `sum(${rate(`${P}enrich_cache_hits_total`)})` } },
    { title: 'Events without what a look-up gives', kind: 'timeseries', width: 12, unit: 'cps', queries: { '{{reason}}': rate(`${P}enrich_events_unenriched_total`, 'reason') } },
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
    { title: 'Down', kind: 'stat', width: 6, warn: 1, queries: { targets: `count(${of(`${M}up`)} == 0) or vector(0)` } },
    { title: 'Since the latest reading', kind: 'stat', width: 6, unit: 's', warn: 900, queries: { '{{instance}}': `time() - max by (instance) (${of(`${M}reading_timestamp_seconds`)})` } },
    { title: 'Certificate that expires first', kind: 'stat', width: 6, unit: 'd', queries: { days: `min(${of(`${M}tls_days_left`)})` } },
    { title: 'Readings that wait', kind: 'stat', width: 6, unit: 'bytes', queries: { '{{instance}}': of(`${M}spool_size_bytes`) } },
    { title: 'Up', kind: 'timeseries', width: 24, description: '1 if the latest reading is good', queries: { [TARGET]: of(`${M}up`) } },
    { title: 'Response time', kind: 'timeseries', width: 12, unit: 's', queries: { [TARGET]: of(`${M}response_time_seconds`) } },
    { title: 'Loss', kind: 'timeseries', width: 12, unit: 'percent', description: 'Share of the latest readings that failed', queries: { [TARGET]: of(`${M}loss`) } },
    { title: 'Queues', kind: 'timeseries', queries: { '{{target}}': of(`${M}queue_messages`) } },
    { title: 'Consumers', kind: 'timeseries', queries: { '{{target}}': of(`${M}queue_consumers`) } },
    { title: 'Messages of RabbitMQ', kind: 'timeseries', unit: 'cps', queries: { 'published {{target}}': of(`${M}rabbitmq_publish_rate`), 'delivered {{target}}': of(`${M}rabbitmq_deliver_rate`) } },
    { title: 'Alarms of RabbitMQ', kind: 'timeseries', queries: { 'memory {{target}}': of(`${M}rabbitmq_memory_alarm`), 'disk {{target}}': of(`${M}rabbitmq_disk_alarm`), 'connections blocked': of(`${M}rabbitmq_blocked_connections`) } },
    { title: 'Disks', kind: 'timeseries', unit: 'percent', queries: { '{{target}}': of(`${M}disk_used`) } },
    { title: 'Certificates, days left', kind: 'timeseries', queries: { '{{target}}': of(`${M}tls_days_left`) } },
    { title: 'Downloads', kind: 'timeseries', width: 12, unit: 'Bps', queries: { [TARGET]: of(`${M}download_rate`) } },
    { title: 'Readings lost', kind: 'timeseries', width: 12, queries: { lost: of(`${M}telemetry_lost`), 'refused by the collector': of(`${M}telemetry_rejected`) } },
  ],
}; // prettier-ignore

const S = 'clowder_otel_sink_';
const SINKS: DashboardSpec = {
  title: 'Clowder: sinks',
  source: 'prometheus',
  instancesOf: `${S}ready`,
  panels: [
    { title: 'Ready', kind: 'stat', width: 8, warn: 'no', queries: { '{{sink}}': of(`${S}ready`) } },
    { title: 'RabbitMQ connected', kind: 'stat', width: 8, warn: 'no', queries: { '{{sink}}': of(`${S}broker_connected`) } },
    { title: 'Dead letters', kind: 'stat', width: 8, warn: 1, queries: { '{{sink}}': `max by (sink) (${of(`${S}dead_letters`)})` } },
    { title: 'Events', kind: 'timeseries', width: 12, unit: 'cps', stacked: true, queries: { '{{sink}} {{outcome}}': rate(`${S}events_total`, 'sink, outcome') } },
    { title: 'Batches', kind: 'timeseries', width: 12, unit: 'cps', stacked: true, queries: { '{{sink}} {{outcome}}': rate(`${S}batches_total`, 'sink, outcome') } },
    { title: 'Not accepted yet', kind: 'timeseries', queries: { '{{sink}}': `max by (sink) (${of(`${S}backlog_events`)})` } },
    { title: 'Age of the oldest', kind: 'timeseries', unit: 's', queries: { '{{sink}}': of(`${S}oldest_event_seconds`) } },
    { title: 'Time to an answer, 95th percentile', kind: 'timeseries', unit: 's', queries: { '{{sink}}': p95(`${S}send_seconds`, 'sink') } },
    { title: 'Put aside', kind: 'timeseries', unit: 'cps', queries: { '{{sink}} {{class}}': rate(`${S}dead_letters_total`, 'sink, class') } },
    { title: 'Dead letters that RabbitMQ does not take', kind: 'timeseries', queries: { '{{sink}}': of(`${S}dead_letters_waiting`) } },
    { title: 'Circuit breaker open', kind: 'timeseries', queries: { '{{sink}}': of(`${S}circuit`, ',state="open"') } },
    ...PROCESS,
  ],
}; // prettier-ignore

const IN_TIME = '$__timeFilter(created_at)';
/** Whole months, that in which the time begins included. */
const MONTHS = "month BETWEEN date_trunc('month', $__timeFrom()::timestamptz) AND $__timeTo()::timestamptz";
const COUNTED = `counted_as = 'counted' AND ${IN_TIME}`;
const DOWNLOADED = `sum(bytes) FILTER (WHERE event = 'view.download')`;
/** The views of the PostgreSQL sink. What counts is the rules' to say: docs/counting-rules.md. */
const USAGE: DashboardSpec = {
  title: 'Clowder: usage',
  source: 'postgresql',
  panels: [
    { title: 'Views and downloads', kind: 'bars', width: 12, queries: { A: `SELECT day::timestamp AS time, count(*) FILTER (WHERE event = 'view.resource') AS views, count(*) FILTER (WHERE event = 'view.download') AS downloads FROM $schema.uses WHERE ${COUNTED} GROUP BY 1 ORDER BY 1` } },
    { title: 'Active users', kind: 'bars', width: 12, queries: { A: 'SELECT day::timestamp AS time, active_users FROM $schema.active_users_per_day WHERE $__timeFilter(day) ORDER BY 1' } },
    { title: 'Bytes downloaded', kind: 'bars', width: 12, unit: 'bytes', queries: { A: `SELECT day::timestamp AS time, ${DOWNLOADED} AS bytes FROM $schema.uses WHERE ${COUNTED} GROUP BY 1 ORDER BY 1` } },
    { title: 'Bytes uploaded', kind: 'bars', width: 12, unit: 'bytes', queries: { A: `SELECT day::timestamp AS time, sum(bytes) AS bytes FROM $schema.uploads WHERE ${IN_TIME} GROUP BY 1 ORDER BY 1` } },
    { title: 'Most used datasets', kind: 'table', width: 24, description: 'Whole months, that in which the time shown begins included. A download is a request and an investigation, a view an investigation', queries: { A: `SELECT dataset_id, max(dataset_name) AS dataset, sum(investigations) AS investigations, sum(unique_investigations) AS unique_investigations, sum(requests) AS requests, sum(unique_requests) AS unique_requests, sum(bytes) AS bytes FROM $schema.dataset_usage_per_month WHERE ${MONTHS} GROUP BY dataset_id ORDER BY investigations DESC LIMIT 50` } },
    { title: 'Most used files', kind: 'table', width: 12, queries: { A: `SELECT resource_id, max(resource_name) AS file, count(*) FILTER (WHERE event = 'view.resource') AS views, count(*) FILTER (WHERE event = 'view.download') AS downloads, ${DOWNLOADED} AS bytes FROM $schema.uses WHERE resource_type = 'file' AND ${COUNTED} GROUP BY resource_id ORDER BY downloads DESC, views DESC LIMIT 50` } },
    { title: 'By whom, whether it counts or not', kind: 'table', width: 6, queries: { A: `SELECT client, count(*) AS uses, coalesce(${DOWNLOADED}, 0) AS bytes FROM $schema.judged_uses WHERE ${IN_TIME} GROUP BY client ORDER BY uses DESC` } },
    { title: 'What was not counted, and why', kind: 'table', width: 6, queries: { A: `SELECT counted_as AS why, count(*) AS uses FROM $schema.uses WHERE counted_as <> 'counted' AND ${IN_TIME} GROUP BY counted_as ORDER BY uses DESC` } },
    { title: 'Month by month', kind: 'table', width: 24, queries: { A: `SELECT month, views, downloads, bytes_downloaded, files_uploaded, bytes_uploaded, datasets_created, signups, active_users, extractions_done, extractions_failed FROM $schema.usage_per_month WHERE ${MONTHS} ORDER BY month DESC` } },
  ],
}; // prettier-ignore

/** By the name of their file. */
export const DASHBOARDS = {
  collector: COLLECTOR,
  proxy: PROXY,
  monitor: MONITOR,
  sinks: SINKS,
  usage: USAGE,
} as const satisfies Record<string, DashboardSpec>;

export const GRAFANA_DIR = fileURLToPath(new URL('../../deploy/grafana', import.meta.url));
export const dashboardFile = (name: string): string => join(GRAFANA_DIR, `${name}.json`);
