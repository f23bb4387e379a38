import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { cli } from './cli.ts';
import { freePort, startProcess, tempDir, type Exit, type RunningProcess } from './processes.ts';
import { answersOk } from './wait-for.ts';

/** The monitor's answer at /healthz. */
interface MonitorHealth {
  readonly targets: number;
  readonly down: number;
  readonly spool: { readonly requests: number; readonly refused: number };
}

/** Our monitor as a child process. Its configuration, port and spool stay the same across kill and start. */
export interface MonitorProcess extends AsyncDisposable {
  output(): string;
  health(): Promise<MonitorHealth>;
  metrics(): Promise<string>;
  /** Ends it (default SIGTERM) and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  start(): Promise<void>;
}

/**
 * Starts `clowder-otel monitor` and waits until it answers.
 *
 * @param config monitor.yaml as an object; directory and listener are added
 * @throws Error with its output if it does not come up
 */
export async function startMonitorProcess(
  config: object,
  env: Readonly<Record<string, string>> = {},
): Promise<MonitorProcess> {
  const dir = await tempDir('monitor');
  const port = await freePort();
  const path = join(dir.path, 'monitor.yaml');
  const admin = `http://127.0.0.1:${port}`;
  await writeFile(path, stringify({ spool_dir: './spool', admin: port, ...config }));
  const start = (): Promise<RunningProcess> =>
    startProcess(process.execPath, [...cli(), 'monitor', '--config', path], {
      env: { LOG_LEVEL: 'debug', ...env },
      ready: () => answersOk(`${admin}/healthz`),
    });
  let running = await start().catch(async (error: unknown) => {
    await dir.remove();
    throw error;
  });
  return {
    output: () => running.output(),
    health: async () => (await (await fetch(`${admin}/healthz`)).json()) as MonitorHealth,
    metrics: async () => (await fetch(`${admin}/metrics`)).text(),
    kill: (signal) => running.kill(signal),
    start: async () => {
      running = await start();
    },
    async [Symbol.asyncDispose]() {
      await running.kill();
      await dir.remove();
    },
  };
}
