import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeKey, startCollector, type CollectorProcess } from './collector-process.ts';
import { windowsPublished, type Window } from './connection-windows.ts';
import { bindEventSink, consumeEventSink, type EventSink } from './consumer.ts';
import { startJaeger, type Jaeger } from './jaeger.ts';
import { startNginx, type Nginx } from './nginx.ts';
import { freePort, tempDir } from './processes.ts';
import { everythingIsPublished } from './published.ts';
import { startProxyProcess, type ProxyProcess } from './proxy-process.ts';
import { startShippedOtelCollector, type ShippedOtelCollector } from './otel-collector.ts';
import { startStandIn } from './stand-in.ts';
import { openVhost } from './virtual-host.ts';
import { waitFor } from './wait-for.ts';

export interface DeploymentOptions {
  /** If false, NGINX leads to Clowder directly, and its log is the only observation. */
  readonly proxy: boolean;
  /** How long our collector waits for the proxy's observation, in seconds. */
  readonly waitForCaptureS: number;
  /** How long a window of health.connections waits for late lines, in seconds. */
  readonly latenessS: number;
  /** Whether Clowder is instrumented, as a further, weak observer. @default true */
  readonly clowderTraces?: boolean;
  /** URL of RabbitMQ. @default a new virtual host */
  readonly amqpUrl?: string;
}

/** NGINX in front of the proxy in front of the stand-in Clowder, and everything that carries its events: the real programs. */
export interface Deployment extends AsyncDisposable {
  readonly nginx: Nginx;
  readonly otel: ShippedOtelCollector;
  readonly collector: CollectorProcess;
  readonly jaeger: Jaeger;
  /** API keys by scope; the OTel Collector has its own. */
  readonly keys: { readonly ingest: string; readonly read: string };
  /** The current consumer. */
  sink(): EventSink;
  /** Consumes again after the broker was down. */
  consumeAgain(): Promise<void>;
  /** Ends the proxy with SIGKILL, losing what it has in memory. */
  killProxy(): Promise<void>;
  startProxy(): Promise<void>;
  /** Resolves when all log lines are read, delivered and decided. Send nothing to NGINX until then. */
  settled(): Promise<void>;
  /** Resolves when all results are in RabbitMQ, followed by an event of this name. */
  published(last: string): Promise<void>;
  /** The windows of health.connections, once they hold this many requests in total. */
  windows(requests: number): Promise<readonly Window[]>;
}

/** Length of a health.connections window in a test's deployment. */
export const WINDOW_MS = 2000;

/** Starts everything, on free ports and in new directories. */
export async function startDeployment({
  proxy: withProxy,
  waitForCaptureS,
  latenessS,
  clowderTraces = true,
  amqpUrl,
}: DeploymentOptions): Promise<Deployment> {
  const stack = new AsyncDisposableStack();
  try {
    const brokerUrl = amqpUrl ?? stack.use(await openVhost()).url;
    const jaeger = stack.use(await startJaeger());
    await bindEventSink(brokerUrl);
    let sink = await consumeEventSink(brokerUrl);
    stack.defer(() => sink[Symbol.asyncDispose]());
    const data = await tempDir('collector');
    stack.defer(data.remove);
    const otelKey = await makeKey(data.path, 'ingest');
    const keys = { ingest: await makeKey(data.path, 'ingest'), read: await makeKey(data.path, 'read') };
    const collector = stack.use(
      await startCollector({
        amqpUrl: brokerUrl,
        dataDir: data.path,
        env: {
          CLOWDER_VERSION: 'v1',
          WAIT_FOR_CAPTURE_S: String(waitForCaptureS),
          CONNECTIONS_WINDOW_S: String(WINDOW_MS / 1000),
          CONNECTIONS_LATENESS_S: String(latenessS),
        },
      }),
    );
    const proxyPort = await freePort();
    // As in any deployment, NGINX is configured with a port before the program behind it listens.
    const standInPort = await freePort();
    const nginx = stack.use(await startNginx({ upstream: `127.0.0.1:${withProxy ? proxyPort : standInPort}` }));
    const otel = stack.use(
      await startShippedOtelCollector({
        env: () => ({
          NGINX_LOG_DIR: nginx.logDir,
          CLOWDER_OTEL_URL: collector.url,
          CLOWDER_OTEL_API_KEY: otelKey,
          JAEGER_OTLP_URL: jaeger.otlpUrl,
        }),
      }),
    );
    const standIn = stack.use(
      await startStandIn('v1', { port: standInPort, ...(withProxy && clowderTraces && { otlpUrl: otel.url }) }),
    );
    let proxy: ProxyProcess | undefined;
    stack.defer(async () => void (await proxy?.kill()));
    const startProxy = async (): Promise<void> => {
      const flags = ['--clowder', 'v1', '--x-forwarded', 'append'];
      proxy = await startProxyProcess({ target: standIn.url, otlpUrl: otel.url, port: proxyPort, flags });
    };
    if (withProxy) await startProxy();
    const owned = stack.move();
    let ends = 0;
    return {
      nginx,
      otel,
      collector,
      jaeger,
      keys,
      sink: () => sink,
      consumeAgain: async () => {
        const before = sink;
        await before[Symbol.asyncDispose]();
        sink = await consumeEventSink(brokerUrl);
        sink.received.push(...before.received);
      },
      killProxy: async () => void (await proxy?.kill('SIGKILL')),
      startProxy,
      settled: async () => {
        ends += 1;
        await appendFile(join(nginx.logDir, 'clowder.json'), `end of the test ${ends}\n`);
        await waitFor(async () => (await rejected(collector, keys.read)).includes(`end of the test ${ends}`), {
          everyMs: 100,
          what: 'the last line of the log to arrive',
        });
        await waitFor(async () => (await queued(otel)) === 0, { what: 'the queue to be empty' });
      },
      published: (last) => everythingIsPublished(collector, sink, last, keys.ingest),
      windows: (requests) =>
        waitFor(
          () => {
            const windows = windowsPublished(sink.received);
            const counted = windows.reduce((sum, one) => sum + one.requests + one.bot_requests, 0);
            return counted >= requests && windows;
          },
          { timeoutMs: 60_000 + latenessS * 1000, everyMs: 100, what: `health.connections of ${requests} requests` },
        ),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Log lines that could not be read, as an operator sees them. */
async function rejected(collector: CollectorProcess, key: string): Promise<string> {
  const headers = { authorization: `Bearer ${key}` };
  return await (await fetch(`${collector.url}/api/v1/rejected?limit=1000`, { headers })).text();
}

async function queued(otel: ShippedOtelCollector): Promise<number> {
  const metrics = await (await fetch(otel.metricsUrl)).text();
  const sizes = metrics.matchAll(/^otelcol_exporter_queue_size\{.*otlp_http\/clowder.*\} (\S+)$/gm);
  return [...sizes].reduce((sum, [, size]) => sum + Number(size), 0);
}
