import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startCollector, type CollectorProcess } from './collector-process.ts';
import { bindEventSink, consumeEventSink, type EventSink } from './consumer.ts';
import { startJaeger, type Jaeger } from './jaeger.ts';
import { startNginx, type Nginx } from './nginx.ts';
import { freePort } from './processes.ts';
import { startProxyProcess, type ProxyProcess } from './proxy-process.ts';
import { startRabbitNode, type RabbitNode } from './rabbitmq-node.ts';
import { startShippedOtelCollector, type ShippedOtelCollector } from './otel-collector.ts';
import { startStandIn } from './stand-in.ts';
import { waitFor } from './wait-for.ts';

export interface DeploymentOptions {
  /** Without it, NGINX leads to Clowder, and its log is all that there is. */
  readonly proxy: boolean;
  /** How long our collector waits for the proxy's word, seconds. */
  readonly waitForCaptureS: number;
  /** Whether Clowder is instrumented, and a weak observer too. @default true */
  readonly clowderTraces?: boolean;
}

/** NGINX in front of the proxy in front of the stand-in Clowder, and all that carries its events: the real programs. */
export interface Deployment extends AsyncDisposable {
  readonly nginx: Nginx;
  readonly otel: ShippedOtelCollector;
  readonly collector: CollectorProcess;
  readonly jaeger: Jaeger;
  readonly broker: RabbitNode;
  /** The consumer of the moment. */
  sink(): EventSink;
  /** Consumes again after the broker was away. */
  consumeAgain(): Promise<void>;
  /** SIGKILL, with what the proxy has in memory. */
  killProxy(): Promise<void>;
  startProxy(): Promise<void>;
  /** Resolves when all lines of the log are read, delivered and decided upon. Nothing may be asked of NGINX meanwhile. */
  settled(): Promise<void>;
}

/** Starts everything, on ports and in directories of its own. */
export async function startDeployment({
  proxy: withProxy,
  waitForCaptureS,
  clowderTraces = true,
}: DeploymentOptions): Promise<Deployment> {
  const stack = new AsyncDisposableStack();
  try {
    const [broker, jaeger] = await Promise.all([startRabbitNode(), startJaeger()]);
    stack.use(broker);
    stack.use(jaeger);
    await bindEventSink(broker.url);
    let sink = await consumeEventSink(broker.url);
    stack.defer(() => sink[Symbol.asyncDispose]());
    const collector = stack.use(
      await startCollector({
        amqpUrl: broker.url,
        env: { CLOWDER_VERSION: 'v1', WAIT_FOR_CAPTURE_S: String(waitForCaptureS) },
      }),
    );
    const proxyPort = await freePort();
    // NGINX is told the port before anybody listens there, as in any deployment.
    const standInPort = await freePort();
    const nginx = stack.use(await startNginx({ upstream: `127.0.0.1:${withProxy ? proxyPort : standInPort}` }));
    const otel = stack.use(
      await startShippedOtelCollector({
        env: () => ({ NGINX_LOG_DIR: nginx.logDir, CLOWDER_OTEL_URL: collector.url, JAEGER_OTLP_URL: jaeger.otlpUrl }),
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
      broker,
      sink: () => sink,
      consumeAgain: async () => {
        const before = sink;
        await before[Symbol.asyncDispose]();
        sink = await consumeEventSink(broker.url);
        sink.received.push(...before.received);
      },
      killProxy: async () => void (await proxy?.kill('SIGKILL')),
      startProxy,
      settled: async () => {
        ends += 1;
        await appendFile(join(nginx.logDir, 'clowder.json'), `end of the test ${ends}\n`);
        await waitFor(async () => (await rejected(collector)).includes(`end of the test ${ends}`), {
          timeoutMs: 60_000,
          everyMs: 100,
          what: 'the last line of the log to arrive',
        });
        await waitFor(async () => (await queued(otel)) === 0, { timeoutMs: 30_000, what: 'the queue to be empty' });
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Lines that nobody could read, as an operator sees them. */
async function rejected(collector: CollectorProcess): Promise<string> {
  return await (await fetch(`${collector.url}/api/v1/rejected?limit=1000`)).text();
}

async function queued(otel: ShippedOtelCollector): Promise<number> {
  const metrics = await (await fetch(otel.metricsUrl)).text();
  const sizes = metrics.matchAll(/^otelcol_exporter_queue_size\{.*otlp_http\/clowder.*\} (\S+)$/gm);
  return [...sizes].reduce((sum, [, size]) => sum + Number(size), 0);
}
