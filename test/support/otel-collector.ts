import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, startProcess, tempDir } from './processes.ts';
import { toolPath } from './tools.ts';
import { answersOk } from './wait-for.ts';

/** The real OpenTelemetry Collector, running. */
export interface OtelCollector {
  /** Where its OTLP/HTTP receiver listens. */
  readonly url: string;
  readonly pid: number;
  /** A directory of its own, for logs to read and offsets to keep. */
  readonly dir: string;
  output(): string;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Facts that a configuration needs and that are known only when it starts. */
export interface OtelCollectorFacts {
  readonly otlpPort: number;
  readonly dir: string;
}

/**
 * Starts the real Collector and waits until its health check answers.
 *
 * @param config its YAML, made from the port of its OTLP/HTTP receiver and its own directory; the health check and the
 *   `service::telemetry` that keeps it off fixed ports are added
 * @throws Error with the Collector's output where it does not come up
 */
export async function startOtelCollector(
  config: (facts: OtelCollectorFacts) => CollectorConfig,
): Promise<OtelCollector> {
  const temp = await tempDir('otelcol');
  const [otlpPort, healthPort] = [await freePort(), await freePort()];
  const { service, extensions, ...components } = config({ otlpPort, dir: temp.path });
  const file = join(temp.path, 'config.yaml');
  // JSON is YAML.
  await writeFile(
    file,
    JSON.stringify({
      ...components,
      extensions: { ...extensions, health_check: { endpoint: `127.0.0.1:${healthPort}` } },
      service: {
        telemetry: { metrics: { level: 'none' } },
        ...service,
        extensions: [...(service.extensions ?? []), 'health_check'],
      },
    }),
  );
  const running = await startProcess(toolPath('otelcol'), ['--config', file], {
    cwd: temp.path,
    ready: () => answersOk(`http://127.0.0.1:${healthPort}`),
  }).catch(async (error: unknown) => {
    await temp.remove();
    throw error;
  });
  const stop = async (): Promise<void> => {
    await running.kill();
    await temp.remove();
  };
  return {
    url: `http://127.0.0.1:${otlpPort}`,
    pid: running.pid,
    dir: temp.path,
    output: () => running.output(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A Collector configuration, as its YAML would have it. */
export interface CollectorConfig {
  readonly receivers: Readonly<Record<string, unknown>>;
  readonly processors?: Readonly<Record<string, unknown>>;
  readonly exporters: Readonly<Record<string, unknown>>;
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly service: {
    readonly extensions?: readonly string[];
    readonly pipelines: Readonly<Record<string, { receivers: string[]; processors?: string[]; exporters: string[] }>>;
    readonly telemetry?: unknown;
  };
}
