import { cli } from './cli.ts';
import { freePort, startProcess, type Exit } from './processes.ts';
import { answersOk } from './wait-for.ts';

export interface ProxyProcessOptions {
  /** Clowder's scheme, host and port. */
  readonly target: string;
  /** Receiver of its telemetry (OTLP/HTTP, without `/v1/…`). */
  readonly otlpUrl: string;
  /** Further flags of `clowder-otel proxy`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** @default a free one */
  readonly port?: number;
}

/** Our proxy as a child process. */
export interface ProxyProcess extends AsyncDisposable {
  readonly url: string;
  /** URL of its health check and metrics. */
  readonly adminUrl: string;
  readonly pid: number;
  output(): string;
  /** Ends it (by default with SIGTERM, on which it first sends what it captured) and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
}

/**
 * Starts `clowder-otel proxy` and waits until its admin listener says it is ready, which sends Clowder no request. Traces from
 * this host are continued, so tests can find what a request caused; `TRUSTED_PROXIES: ''` restores the default.
 *
 * @throws Error with its output if it does not come up
 */
export async function startProxyProcess(options: ProxyProcessOptions): Promise<ProxyProcess> {
  const [port, adminPort] = [options.port ?? (await freePort()), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const listeners = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`];
  const args = [...cli(), 'proxy', ...listeners, '--target', options.target, ...(options.flags ?? [])];
  const running = await startProcess(process.execPath, args, {
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: options.otlpUrl, OTEL_BSP_SCHEDULE_DELAY: '200', LOG_LEVEL: 'warn', TRUSTED_PROXIES: '127.0.0.1', ...options.env }, // prettier-ignore
    ready: () => answersOk(`${adminUrl}/readyz`),
  });
  return {
    url,
    adminUrl,
    pid: running.pid,
    output: () => running.output(),
    kill: (signal) => running.kill(signal),
    [Symbol.asyncDispose]: async () => {
      await running.kill();
    },
  };
}
