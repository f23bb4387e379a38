import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { FlatBody } from '../taxonomy/flat-body.ts';
import { createMapContext } from '../taxonomy/map/context.ts';
import { createPublisher } from '../exporter/publisher.ts';
import { eventsRoutes } from './api/events-routes.ts';
import { createLiveEvents } from './api/live-events.ts';
import { createBrokerLog } from './publishing/broker-log.ts';
import { browserRoutes } from './api/browser-routes.ts';
import { snippetRoutes } from './api/snippet-routes.ts';
import { readBundle } from './api/bundles.ts';
import { createApp } from './app.ts';
import { trustProxies } from './keys/client-address.ts';
import { ConnectionCounter, type ConnectionCounterOptions } from './connections/connection-counter.ts';
import { amqpTls } from '../runtime/amqp/broker-settings.ts';
import { ConfigError } from '../runtime/config/config-error.ts';
import { isOneOf } from '../runtime/config/networks.ts';
import { errorText } from '../runtime/error-text.ts';
import { entriesOf } from '../runtime/config/values.ts';
import { CollectorError } from './errors.ts';
import type { Settings } from './config.ts';
import { startGrpcServer } from './grpc/server.ts';
import { counterHeader, counterRoutes } from './api/counter-routes.ts';
import { dashboardRoutes } from './api/dashboard/routes.ts';
import { openDayKeys } from './intake/day-keys.ts';
import { openApiDocument } from './api/docs/openapi/document.ts';
import { createLog, type Logger } from '../runtime/logging.ts';
import { VERSION } from '../runtime/version.ts';
import { docsRoutes } from './api/docs/routes.ts';
import { listen } from '../runtime/listener.ts';
import { Intake } from './intake/intake.ts';
import { lockDataDir } from './journal/data-dir.ts';
import { DamagedFileError } from './journal/damage.ts';
import { describeLoss } from './journal/mark.ts';
import { memberOf } from './member.ts';
import { openJournal, type Journal } from './journal/journal.ts';
import { isLoopbackHost, requireKey, type KeyGuard } from './keys/auth.ts';
import { adoptFirstKey, logFirstKey } from './keys/first-key.ts';
import { producerNow } from './keys/sender.ts';
import { openShareStore } from './keys/shares.ts';
import { openKeyStore } from './keys/store.ts';
import { CollectorMetrics } from './self-telemetry/metrics.ts';
import { createReceiver } from './otlp/receiver.ts';
import { otlpRoutes } from './otlp/routes.ts';
import { tryPorts } from './port-problems.ts';
import { PublishLoop } from './publishing/publish-loop.ts';
import { readinessOf } from './readiness.ts';
import { createReadinessLog } from './readiness-log.ts';
import { deadLetterRoutes, type DeadLetters } from './api/dead-letter-routes.ts';
import { heldRoutes } from './api/held-routes.ts';
import { rejectedRoutes } from './api/rejected-routes.ts';
import { SeenIds } from './intake/seen-ids.ts';
import { createStrangerLog, hearStrangers } from './strangers.ts';
import { startSelfTelemetry } from './self-telemetry/self-telemetry.ts';
import { badgeRoutes } from './api/badge-routes.ts';
import { sharedRoutes } from './api/share-link-routes.ts';
import { statsRoutes } from './api/stats-route.ts';
import type { StatsAnswer } from '../usage/ask/answer.ts';
import type { StatsQuery } from '../usage/ask/question.ts';
import { overviewRoutes } from './api/overview-route.ts';
import { sessionRoutes } from './api/session-routes.ts';
import { createSessions } from './keys/sessions.ts';
import { OverviewWatch } from './overview/overview.ts';
import { ProgramWatch } from './overview/programs.ts';
import { watchedPrograms } from './overview/settings.ts';
import { isPostgres } from '../usage/ask/settings.ts';
import { UsageProcess } from './usage/usage-process.ts';
import { acceptBrowser } from './intake/browser-intake.ts';
import { acceptStated } from './intake/stated-intake.ts';
import { createScreen, openBatch } from './intake/telemetry-batch.ts';

export interface RunningCollector {
  readonly url: string;
  /** Stops accepting, finishes requests in flight, and flushes; within 10 s. */
  stop(): Promise<void>;
}

/** Starts the process that counts usage, with a channel for messages. */
type StartUsage = () => ChildProcess;

/** What the collector needs but must not import; its caller provides it. */
export interface Neighbours {
  /** Undefined if usage is not counted. */
  readonly startUsage: StartUsage | undefined;
  /** Dead letters of the sinks on the same broker. */
  readonly deadLetters: DeadLetters;
}

const STOP_PUBLISHER_MS = 5000;
const RECOVER_EVERY_MS = 1000;

/**
 * Starts the collector: locks DATA_DIR, opens the journal, listens, and publishes in the background.
 *
 * @throws ConfigError if it would be open to others without a key
 * @throws DataDirError if DATA_DIR is not writable or another process holds it
 * @throws ListenError if it cannot listen on PORT or GRPC_PORT of HOST
 */
export async function startCollector(
  settings: Settings,
  { startUsage, deadLetters }: Neighbours,
): Promise<RunningCollector> {
  const log = await createLog('clowder-otel-collector', { level: settings.LOG_LEVEL, format: settings.LOG_FORMAT });
  const lock = lockDataDir(settings.DATA_DIR);
  const keys = openKeyStore(settings.DATA_DIR);
  const shares = openShareStore(settings.DATA_DIR);
  try {
    await tryPorts(settings);
    logFirstKey(log, adoptFirstKey(keys, settings));
    if (!isLoopbackHost(settings.HOST) && keys.isEmpty())
      throw new ConfigError(
        `HOST was ${settings.HOST} and no API key is made: run "clowder-otel keys add --name NAME --scope ingest" first, or listen on 127.0.0.1`,
      );
  } catch (error) {
    keys.close();
    shares.close();
    lock.release();
    throw error;
  }
  const metrics = new CollectorMetrics();
  let failure: string | undefined;
  const journal = await openJournal({
    dir: settings.DATA_DIR,
    maxBytes: settings.JOURNAL_MAX_BYTES,
    retentionMs: settings.JOURNAL_RETENTION_DAYS * 86_400_000,
    followed: startUsage !== undefined && !isPostgres(settings.USAGE_STORE),
    onFatal: (error) => {
      failure = `The journal failed: ${errorText(error)}. Restart the collector; nothing acknowledged is lost`;
      log.fatal({ err: error }, 'the journal failed');
    },
  });
  const lost = journal.lost === undefined ? undefined : describeLoss(journal.lost);
  if (lost !== undefined) log.error(lost);
  const context = createMapContext({
    clowder: settings.CLOWDER_VERSION,
    contextPath: settings.CLOWDER_CONTEXT.replace(/\/+$/, ''),
    addressPolicy: settings.CLIENT_ADDRESS,
    dayKey: openDayKeys(settings.DATA_DIR),
    ...(settings.EXTRACTOR_ADDRESSES !== undefined && {
      isExtractor: isOneOf(entriesOf(settings.EXTRACTOR_ADDRESSES)),
    }),
    ...(settings.CLOWDER_INSTANCE !== undefined && { instance: settings.CLOWDER_INSTANCE }),
  });
  const windowMs = settings.DEDUPE_WINDOW_S * 1000;
  const live = createLiveEvents();
  const programs = new ProgramWatch(watchedPrograms(settings.WATCHED_PROGRAMS), Date.now);
  const overview = new OverviewWatch({
    journal,
    settled: () => loop.settled,
    readiness: () => readiness(),
    programs,
    tracesUrl: settings.TRACES_URL,
    now: Date.now,
  });
  const accepted = (body: FlatBody): void => {
    metrics.mapped.inc({ type: body.event });
    overview.accepted(body);
    live.publish(body);
  };
  const intake = new Intake({
    journal,
    seen: new SeenIds({ windowMs }),
    waitMs: settings.WAIT_FOR_CAPTURE_S * 1000,
    windowMs,
    quietMs: { 'view.download': settings.DOWNLOAD_HOLD_S * 1000 },
    amongOthers: settings.COLLECTORS === 'several',
    now: Date.now,
    observer: {
      accepted,
      duplicate: () => metrics.duplicates.inc(),
      waiting: () => metrics.waited.inc(),
      recovered: (body) => {
        metrics.recovered.inc();
        accepted(body);
      },
      rejected: (origin, count) => metrics.rejected.inc({ origin }, count),
    },
    onUnusable: (error) => {
      failure = errorText(error);
      log.error({ err: error }, 'earlier events cannot be read from the journal');
    },
  });
  const member = memberOf(settings);
  const connections = await countConnections(settings, journal, {
    context,
    ...(member !== undefined && { member }),
    now: Date.now,
    observer: { lines: (outcome, count) => metrics.accessLines.inc({ outcome }, count), closed: accepted },
  });
  const telemetry = await startSelfTelemetry({
    environment: process.env,
    fromFile: settings.OTEL,
    own: { host: settings.HOST, ports: [settings.PORT, settings.GRPC_PORT] },
    registry: metrics.registry,
    broker: () => publisher.state.broker,
    log,
  });
  const publisher = createPublisher({
    urls: settings.AMQP_URL,
    connectionName: 'clowder-otel collector',
    onSettled: (message, outcome, seconds) => {
      metrics.publishLatency.observe(seconds);
      telemetry.settled?.(message, outcome, seconds);
    },
    onStateChange: createBrokerLog(log, Date.now),
    ...amqpTls(settings, readFileSync),
  });
  const loop = new PublishLoop({
    journal,
    publisher,
    onUnroutable: settings.ON_UNROUTABLE,
    now: Date.now,
    pressure: () => journal.pending,
    onPublished: (outcome, reason) => {
      metrics.published.inc({ outcome });
      if (outcome === 'refused') log.debug({ reason }, 'RabbitMQ refuses an event for good');
    },
    onError: (error) => {
      if (error instanceof DamagedFileError) failure = error.message;
      log.error({ err: error }, 'publishing from the journal failed');
    },
  });
  metrics.watch({
    journal,
    publisher,
    waitingCount: () => intake.waitingCount,
    held: () => loop.held.state,
    usage: () => usage?.state,
    now: Date.now,
  });
  const readiness = () =>
    readinessOf({
      journal,
      publisher,
      held: loop.held.state,
      waiting: intake.waitingCount,
      isRestoring: intake.isRestoring,
      failure,
      lost,
      usage,
      nowMs: Date.now(),
    });
  const usage = startUsage === undefined ? undefined : followUsage(startUsage, journal, log);
  const askUsage = (named: boolean) =>
    usage === undefined ? undefined : (query: StatsQuery): Promise<StatsAnswer> => usage.ask(query, { named });
  const logReadiness = createReadinessLog(log, Date.now);
  const sessions = createSessions(Date.now);

  const guard: KeyGuard = { keys, sessions, onRefused: (reason) => metrics.refusedKeys.inc({ reason }) };
  const otlpGuard: KeyGuard = settings.ON_UNKNOWN_KEY === 'hold' ? { ...guard, refuse: onHold } : guard;
  const countRefused = (origin: string, count: number): void => metrics.rejected.inc({ origin }, count);
  const parts = {
    context,
    intake,
    metrics,
    connections,
    onFault: (error: unknown) => log.error({ err: error }, 'a record could not be mapped'),
    onNotBelieved: createNotBelievedLog(log),
  };
  const clientAddress = trustProxies(entriesOf(settings.TRUSTED_PROXIES));
  const receive = createReceiver({
    maxBodyBytes: settings.MAX_BODY_BYTES,
    maxInflightBytes: settings.MAX_INFLIGHT_BYTES,
    screen: createScreen(context, connections !== undefined),
    open: (signal, lease) => openBatch(signal, parts, lease),
  });
  const app = createApp({
    otlp: otlpRoutes(receive),
    events: eventsRoutes({
      submit: (events) =>
        acceptStated(events, { source: 'api', producer: producerNow() }, context, intake, countRefused),
      history: journal,
      live: (listener) => live.listen(listener),
    }),
    rejected: rejectedRoutes({ journal, intake, context }),
    held: heldRoutes(loop.held),
    deadLetters: deadLetterRoutes(deadLetters),
    stats: statsRoutes(askUsage(true)),
    counter: counterRoutes(usage === undefined ? undefined : (request) => usage.askCounter(request)),
    shared: sharedRoutes(shares, askUsage(false)),
    badge: badgeRoutes({
      ask: usage === undefined || !settings.USAGE_BADGE ? undefined : (dataset) => usage.badge(dataset),
      clientAddress,
    }),
    overview: overviewRoutes({ overview: () => overview.state, journal }),
    session: sessionRoutes({ keys, sessions }),
    browser: browserRoutes({
      keys,
      allowedOrigins: entriesOf(settings.ALLOWED_ORIGINS),
      clientAddress,
      submit: (said, poster) => acceptBrowser(said, poster, context, intake),
      onRefused: (reason) => {
        metrics.browserRefused.inc({ reason });
        if (reason === 'invalid_event') countRefused('browser', 1);
      },
    }),
    snippet: snippetRoutes(readBundle),
    docs: docsRoutes(() => openApiDocument(VERSION), readBundle),
    dashboard: dashboardRoutes(readBundle),
    guards: {
      otlp: requireKey('ingest', otlpGuard),
      ingest: requireKey('ingest', guard),
      read: requireKey('read', guard),
      counter: requireKey('counter', guard, counterHeader),
      admin: requireKey('admin', guard),
    },
    metrics,
    traced: telemetry.traced,
    readiness,
    log,
  });
  const recovering = setInterval(() => {
    logReadiness(readiness());
    intake.recoverDue().catch((error: unknown) => log.error({ err: error }, 'publishing waiting observations failed'));
    connections
      ?.closeDue()
      .catch((error: unknown) => log.error({ err: error }, 'publishing health.connections failed'));
  }, RECOVER_EVERY_MS);
  const tellStranger = createStrangerLog(log, Date.now, () => ({ http: portOf(server), grpc: grpc && portOf(grpc) }));
  const http = createAdaptorServer({ fetch: app.fetch }) as Server;
  hearStrangers(http, tellStranger);
  const giveUp = async (error: unknown): Promise<never> => {
    await shutDown();
    throw error;
  };
  const server = await listen(http, { host: settings.HOST, port: settings.PORT }).catch(giveUp);
  const grpc =
    settings.GRPC_PORT === 'off'
      ? undefined
      : await startGrpcServer({
          host: settings.HOST,
          port: settings.GRPC_PORT,
          tls: grpcTls(settings),
          receive,
          guard: otlpGuard,
          onAnswered: (signal, code) => metrics.calls.inc({ signal, code: String(code) }),
          onStranger: tellStranger,
          log,
        }).catch(async (error: unknown) => {
          await server.close();
          return giveUp(error);
        });
  const { url } = server;
  loop.start();
  overview.readBack().catch((error: unknown) => log.error({ err: error }, 'the journal could not be read back'));
  log.info({ url, grpc_url: grpc?.url, data_dir: settings.DATA_DIR }, 'collector is listening');

  async function stop(): Promise<void> {
    log.info('stopping');
    await Promise.all([server.close(), grpc?.close()]);
    await shutDown();
    log.info('stopped');
  }

  async function shutDown(): Promise<void> {
    clearInterval(recovering);
    programs.stop();
    overview.stop();
    loop.pause();
    await usage?.stop();
    await publisher.close({ timeoutMs: STOP_PUBLISHER_MS });
    await loop.stop();
    await journal.close();
    keys.close();
    shares.close();
    lock.release();
    await telemetry.shutdown();
  }
  return { url, stop };
}

const portOf = ({ url }: { readonly url: string }): number => Number(new URL(url).port);

function grpcTls({ GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE }: Settings): { cert: Buffer; key: Buffer } | undefined {
  if (GRPC_TLS_CERT_FILE === undefined || GRPC_TLS_KEY_FILE === undefined) return undefined;
  return { cert: readFileSync(GRPC_TLS_CERT_FILE), key: readFileSync(GRPC_TLS_KEY_FILE) };
}

/** @returns undefined if CONNECTIONS_WINDOW_S is 0; the lines that the journal kept for counting are then deleted */
async function countConnections(
  { CONNECTIONS_WINDOW_S, CONNECTIONS_LATENESS_S }: Settings,
  journal: Journal,
  options: Pick<ConnectionCounterOptions, 'context' | 'member' | 'now' | 'observer'>,
): Promise<ConnectionCounter | undefined> {
  const [windowMs, latenessMs] = [Math.round(CONNECTIONS_WINDOW_S * 1000), CONNECTIONS_LATENESS_S * 1000];
  if (windowMs > 0) return new ConnectionCounter({ ...options, journal, windowMs, latenessMs });
  const uncount = journal.counted().map(({ id }) => id);
  if (uncount.length > 0) await journal.write({ uncount });
  return undefined;
}

/** Warns once per key. */
function createNotBelievedLog(log: Logger): (key: string | undefined) => void {
  const told = new Set<string | undefined>();
  return (key) => {
    if (told.has(key)) return;
    told.add(key);
    log.warn({ key }, 'a proxy or an instrumented server sends with a key without the scope capture: make it one with "keys add --scope ingest capture"'); // prettier-ignore
  };
}

/** ON_UNKNOWN_KEY=hold: an OTLP sender keeps its data and tries again; after a 401 it would drop them. */
const onHold = (error: CollectorError): CollectorError =>
  error.code === 'too_many_requests' ? error : new CollectorError('key_on_hold', error.message);

/** The process that counts usage. Its progress goes to the journal, which keeps uncounted events for it. */
function followUsage(start: StartUsage, journal: Journal, log: Logger): UsageProcess {
  return new UsageProcess({
    start,
    log,
    onTaken: (row) => {
      // A journal that cannot be written reports that itself.
      journal.write({ followed: row }).catch(() => undefined);
    },
  });
}
