import { fileURLToPath } from 'node:url';
import { startProcess, type RunningProcess } from './processes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface RegisteredServerOptions {
  /** How the preload comes in: by its published name; 'none' runs the program as it is. @default '--import' */
  readonly by?: '--import' | '--require' | 'none';
  /** Where the telemetry goes: an OTLP/HTTP receiver of JSON. */
  readonly sink?: string;
  /** What a proxy among the servers forwards to. */
  readonly target?: string;
  /** Modules that are preloaded before. */
  readonly before?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface RegisteredServer extends RunningProcess {
  readonly url: string;
  readonly port: number;
}

/** Starts a program of test/fixtures/servers as its user would, with `clowder-otel/register` preloaded. */
export async function startRegistered(file: string, options: RegisteredServerOptions = {}): Promise<RegisteredServer> {
  const { by = '--import', before = [], env = {}, sink = 'http://127.0.0.1:9', target } = options;
  const args = [
    ...before.flatMap((module) => ['--import', `./test/fixtures/servers/${module}`]),
    ...(by === 'none' ? [] : [by, 'clowder-otel/register']),
    `test/fixtures/servers/${file}`,
  ];
  const running = await startProcess(process.execPath, args, {
    cwd: ROOT,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: sink,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      CLOWDER_VERSION: 'v1',
      ...(target !== undefined && { TARGET: target }),
      ...env,
    },
    ready: (output) => output.includes('listening on '),
  });
  const port = Number(/listening on (\d+)/.exec(running.output())?.[1]);
  return { ...running, port, url: `http://127.0.0.1:${port}` };
}
