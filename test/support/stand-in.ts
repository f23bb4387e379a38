import { fileURLToPath } from 'node:url';
import type { StandInVersion } from '../stand-in/server.ts';
import { freePort, startProcess, type Exit } from './processes.ts';

const MAIN = fileURLToPath(new URL('../stand-in/main.ts', import.meta.url));

export interface StandInProcessOptions {
  /** Receiver of its spans (OTLP/HTTP, without `/v1/traces`); without one, it makes none. */
  readonly otlpUrl?: string;
  /** @default '' */
  readonly contextPath?: string;
  /** @default a free one */
  readonly port?: number;
}

/** A stand-in Clowder as a child process. */
export interface StandIn extends AsyncDisposable {
  /** With the context path, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  output(): string;
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  stop(): Promise<void>;
}

/**
 * Starts a stand-in Clowder on its own port and waits until it listens.
 *
 * @throws Error with its output if it does not come up
 */
export async function startStandIn(version: StandInVersion, options: StandInProcessOptions = {}): Promise<StandIn> {
  const { contextPath = '', otlpUrl } = options;
  const port = options.port ?? (await freePort());
  const args = ['--disable-warning=ExperimentalWarning', MAIN, '--version', version, '--port', String(port)];
  if (contextPath !== '') args.push('--context-path', contextPath);
  const running = await startProcess(process.execPath, args, {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: otlpUrl,
      OTEL_SERVICE_NAME: `clowder-${version}`,
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_BSP_SCHEDULE_DELAY: '200',
    },
    ready: (output) => output.includes('listening on'),
  });
  const stop = async (): Promise<void> => {
    await running.kill();
  };
  return {
    url: `http://127.0.0.1:${port}${contextPath}`,
    port,
    output: () => running.output(),
    kill: (signal) => running.kill(signal),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
