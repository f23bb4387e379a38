import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, startProcess, tempDir, type Exit } from './processes.ts';
import { toolPath } from './tools.ts';
import { answersOk } from './wait-for.ts';

const shipped = (name: string): string => fileURLToPath(new URL(`../../otel-config/${name}`, import.meta.url));
const GATES = '--feature-gates=stanza.synchronousLogEmitter';

export interface ShippedOptions {
  /** Values of its documented variables; ports and the data directory are given. */
  readonly env: Readonly<Record<string, string>>;
  /** With the file for NGINX's stock log format. */
  readonly combined?: boolean;
}

/** The real OpenTelemetry Collector with the configuration that we ship. */
export interface ShippedOtelCollector extends AsyncDisposable {
  /** Where its OTLP/HTTP receiver listens. */
  readonly url: string;
  readonly metricsUrl: string;
  /** Offsets and queues. */
  readonly dataDir: string;
  output(): string;
  /** Its data directory stays. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  /** Starts it again after `kill`, on the same ports and data. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

const configs = (combined: boolean): string[] =>
  ['collector.yaml', ...(combined ? ['collector-combined.yaml'] : [])].flatMap((name) => ['--config', shipped(name)]);

/**
 * Starts it and waits until its health check answers.
 *
 * @throws Error with the Collector's output where it does not come up
 */
export async function startShippedOtelCollector({
  env,
  combined = false,
}: ShippedOptions): Promise<ShippedOtelCollector> {
  const temp = await tempDir('otelcol');
  const [grpc, http, health, metrics] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const all = {
    OTELCOL_DATA_DIR: temp.path,
    OTELCOL_GRPC_PORT: String(grpc),
    OTELCOL_HTTP_PORT: String(http),
    OTELCOL_HEALTH_PORT: String(health),
    OTELCOL_METRICS_PORT: String(metrics),
    ...env,
  };
  const run = () =>
    startProcess(toolPath('otelcol'), [...configs(combined), GATES], {
      env: all,
      ready: () => answersOk(`http://127.0.0.1:${health}`),
    });
  let running = await run().catch(async (error: unknown) => {
    await temp.remove();
    throw error;
  });
  const stop = async (): Promise<void> => {
    await running.kill();
    await temp.remove();
  };
  return {
    url: `http://127.0.0.1:${http}`,
    dataDir: temp.path,
    metricsUrl: `http://127.0.0.1:${metrics}/metrics`,
    output: () => running.output(),
    kill: (signal) => running.kill(signal),
    start: async () => {
      running = await run();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/**
 * Has the Collector check the configuration that we ship.
 *
 * @returns what it said: nothing, where it has no objection
 * @throws Error with its objections
 */
export async function validateShipped(combined: boolean): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(toolPath('otelcol'), ['validate', ...configs(combined), GATES]);
  return stdout + stderr;
}
