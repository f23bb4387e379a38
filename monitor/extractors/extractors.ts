import type { Meter } from '@opentelemetry/api';
import type { Logger } from '../../runtime/logging.ts';
import { readFileSync } from 'node:fs';
import { parseAmqpUrls, vhostOf } from '../../runtime/amqp/amqp-url.ts';
import { readTls } from '../../runtime/amqp/connection.ts';
import { EVENTS_EXCHANGE } from '../../runtime/amqp/topology.ts';
import type { HealthState } from '../state/health-state.ts';
import type { EmitEvent } from '../telemetry/emit-event.ts';
import { BrokerConnection } from './broker/connection.ts';
import { clowderEvents, firehose, heartbeats } from './broker/queues.ts';
import type { Subscription, SubscriptionRunner } from './broker/subscription.ts';
import { HeartbeatListener, type FollowExtractor } from './heartbeats/listener.ts';
import { expectedOf } from './heartbeats/pings.ts';
import { QueueLengths, type LookAtTaken } from './heartbeats/queue-lengths.ts';
import { ExtractorRegistry } from './heartbeats/registry.ts';
import { Downloads } from './jobs/downloads.ts';
import { eventListener, wantedEvents } from './jobs/event-listener.ts';
import { firehoseListener } from './jobs/firehose-listener.ts';
import { FirehoseSwitch, type FirehoseState } from './jobs/firehose-switch.ts';
import { JobBook } from './jobs/job-book.ts';
import { openJobStore, type JobStore } from './jobs/job-store.ts';
import { StuckJobs, type HeldJobs } from './jobs/stuck-jobs.ts';
import { TakenJobs } from './jobs/taken-jobs.ts';
import { extractorMetrics } from './metrics.ts';
import { createGetJson } from './polling/clowder-api.ts';
import { pollLoop } from './polling/poll-loop.ts';
import type { Poller } from './polling/poller.ts';
import { createV1Poller, type V1Poller } from './polling/v1.ts';
import { createV2Poller } from './polling/v2.ts';
import { managementClient } from '../probes/rabbitmq-management.ts';
import type { ExtractorsSettings } from './settings.ts';
import { errorText } from '../../runtime/error-text.ts';

export interface ExtractorsOptions {
  readonly settings: ExtractorsSettings;
  /** Where jobs are kept across restarts. */
  readonly dataDir: string;
  /** Our version, for the User-Agent. */
  readonly version: string;
  readonly emit: EmitEvent;
  readonly follow: FollowExtractor;
  /** The earlier state of each target of `follow`. */
  readonly followed: ReadonlyMap<string, HealthState>;
  /** When this returns, everything emitted is on disk. */
  readonly persist: () => void;
  readonly meter: Meter;
  readonly log: Logger;
  /** The time, in Unix milliseconds. @default Date.now */
  readonly nowMs?: () => number;
}

export interface RunningExtractors {
  /**
   * Stops within a few seconds, however often it is called. Only the firehose's queue stays, for the next start;
   * RabbitMQ deletes it if there is none.
   */
  stop(): Promise<void>;
}

const TICK_MS = 1000;
const JOBS_MAX = 20_000;
const FORGET_JOBS_MS = 7 * 24 * 60 * 60_000;

/**
 * Observes extractors: their heartbeats, queue lengths and jobs. Never declares, changes or consumes anything of
 * Clowder's.
 *
 * @throws Error if certificate files cannot be read, or the directory cannot be used
 */
export function startExtractors(options: ExtractorsOptions): RunningExtractors {
  const { settings, emit, follow, persist, meter, log, dataDir, nowMs = Date.now } = options;
  const tls = readTls(settings.tlsFiles, readFileSync);
  const store = openJobStore(dataDir);
  const metrics = extractorMetrics(meter);
  const stopping = new AbortController();
  const registry = new ExtractorRegistry(settings.heartbeats);
  for (const expected of expectedOf(options.followed)) registry.expect(expected);
  const queues = new QueueLengths();
  const taken = new TakenJobs();
  const lookAtTaken = takenLooker(settings, taken, log, nowMs);
  const downloads = settings.downloads.enabled && listensToFirehose(settings) ? new Downloads() : undefined;
  const book = new JobBook({
    store,
    emit,
    persist,
    downloads,
    waitMs: settings.downloads.waitMs,
    maxJobs: JOBS_MAX,
    forgetMs: FORGET_JOBS_MS,
    onStoreFailure: (error) => {
      metrics.storeFailed();
      log.error({ err: error }, 'jobs of extractors could not be written to disk');
    },
  });
  const { pingMs } = settings.heartbeats;
  const heard = new HeartbeatListener({ registry, queues, emit, follow, metrics, log, pingMs, nowMs });
  const traced = new FirehoseSwitch(settings.firehose.queue, (state) => tellFirehose(state, settings, log));
  const poller = createPoller(options, store);
  const ofEvents = { downloads, watch: poller?.watch, nowMs };
  const wanted = wantedEvents(ofEvents);
  const subscriptions: Subscription[] = [heartbeats(settings.heartbeats.exchange, heard.listener)];
  if (listensToFirehose(settings))
    subscriptions.push(
      firehose(
        settings.firehose,
        firehoseListener({ book, registry, firehose: traced, metrics, maxLength: settings.firehose.maxLength, nowMs }),
      ),
    );
  if (wanted.length > 0) subscriptions.push(clowderEvents(EVENTS_EXCHANGE, wanted, eventListener(ofEvents)));

  let lost = '';
  const broker = new BrokerConnection({
    urls: parseAmqpUrls(settings.amqpUrl),
    tls,
    connectionName: 'clowder-otel-monitor extractors',
    subscriptions,
    runner: { onProblem: problemTeller(log) },
    onConnected: (openChannel, signal) => {
      lost = '';
      log.info('connected to RabbitMQ for extractors');
      void queues.keepLooking(openChannel, registry, pingMs, signal, lookAtTaken);
    },
    onLost: ({ code, message }) => {
      // The connection is tried again every few seconds.
      if (message !== lost) log.warn({ code }, message);
      lost = message;
    },
  });
  const polling =
    poller === undefined ? undefined : startPolling(options, poller, { book, store, traced, metrics, stopping });
  metrics.observe({
    registry,
    queues,
    book,
    nowMs,
    connected: () => broker.connected,
    firehose: () => (traced.state === 'unknown' ? undefined : traced.state === 'on' ? 1 : 0),
  });
  const held = (): HeldJobs =>
    new Map(
      registry.readings().flatMap(({ label, queue }) => {
        const jobs = taken.of(queue, performance.now() - LOOKS_MISSED * pingMs);
        return jobs === undefined ? [] : [[label, jobs] as const];
      }),
    );
  const stuck = new StuckJobs({ jobs: () => book.jobs(), held, emit, follow });
  const ticking = setInterval(() => {
    heard.tick();
    book.tick(nowMs());
    stuck.tick(nowMs());
  }, TICK_MS);

  const stop = async (): Promise<void> => {
    clearInterval(ticking);
    stopping.abort();
    await Promise.all([broker.stop(), polling]);
    book.flush();
    store.close();
  };
  let stopped: Promise<void> | undefined;
  return { stop: () => (stopped ??= stop()) };
}

function listensToFirehose({ jobs }: ExtractorsSettings): boolean {
  return jobs === 'auto' || jobs === 'firehose';
}

function createPoller({ settings }: ExtractorsOptions, store: JobStore): (Poller & Partial<V1Poller>) | undefined {
  if (settings.poll === undefined || settings.jobs === 'firehose' || settings.jobs === 'off') return undefined;
  const saved = store.loadProgress(settings.clowder);
  return settings.clowder === 'v1' ? createV1Poller(saved) : createV2Poller(saved);
}

interface Polled {
  readonly book: JobBook;
  readonly store: JobStore;
  readonly traced: FirehoseSwitch;
  readonly metrics: ReturnType<typeof extractorMetrics>;
  readonly stopping: AbortController;
}

function startPolling(
  { settings, version, log }: ExtractorsOptions,
  poller: Poller,
  { book, store, traced, metrics, stopping: { signal } }: Polled,
): Promise<void> | undefined {
  const { poll, jobs } = settings;
  if (poll === undefined) return undefined;
  return pollLoop({
    poller,
    get: createGetJson({ ...poll, version, signal }),
    book,
    intervalMs: poll.intervalMs,
    maxRequests: poll.maxRequests,
    wanted: () => jobs === 'poll' || traced.state === 'off',
    keep: (progress) => store.saveProgress(settings.clowder, progress),
    metrics,
    log,
    nowMs: Date.now,
    signal,
  });
}

const LOOK_MS = 10_000;
/** After this many failed looks, the state is unknown. */
const LOOKS_MISSED = 3;

/**
 * Asks the management API, if configured, which jobs were taken. Private queues are left out: their names contain a
 * key.
 */
function takenLooker(
  { management, amqpUrl }: ExtractorsSettings,
  taken: TakenJobs,
  log: Logger,
  nowMs: () => number,
): LookAtTaken | undefined {
  if (management === undefined) return undefined;
  const client = managementClient(management, vhostOf(parseAmqpUrls(amqpUrl)[0] ?? ''));
  let told = '';
  return async (queue, signal) => {
    if (queue.startsWith('private.')) return undefined;
    try {
      const figures = await client.taken(queue, AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)]));
      taken.looked(queue, figures, nowMs(), performance.now());
      told = '';
      return figures.unacknowledged;
    } catch (error) {
      const reason = errorText(error);
      if (reason !== told) log.warn({ reason }, 'the management API does not say which jobs were taken; trying again');
      told = reason;
      return undefined;
    }
  };
}

/** The firehose is off after a restart of the broker: an operator should know. */
function tellFirehose(state: FirehoseState, { jobs, poll }: ExtractorsSettings, log: Logger): void {
  if (state === 'on') log.info('the firehose is on: jobs of extractors are observed');
  if (state !== 'off') return;
  if (jobs === 'auto' && poll !== undefined) log.info('the firehose is off: Clowder is asked for its jobs');
  else
    log.warn(
      'the firehose is off, and jobs of extractors are not seen: turn it on with `rabbitmqctl trace_on -p VHOST`, again after each restart of RabbitMQ, or set extractors.poll',
    );
}

/** Logs why a queue cannot be consumed: once per reason, because it is tried again every few seconds. */
function problemTeller(log: Logger): SubscriptionRunner['onProblem'] {
  const told = new Map<string, string>();
  return (queue, error) => {
    // RabbitMQ's reasons name queues, and those of private extractors contain a key.
    const reason = errorText(error);
    if (told.get(queue) === reason) return;
    told.set(queue, reason);
    log.warn({ queue, reason }, 'cannot consume this queue; trying again');
  };
}
