import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cli } from '../cli.ts';
import { freePort, startProcess, tempDir, type Exit, type RunningProcess } from '../processes.ts';

/** `clowder-otel sink` as a child process. Configuration and admin port stay the same across kill and start. */
export interface SinkProcess extends AsyncDisposable {
  /** URL of the admin listener. */
  readonly url: string;
  readonly configFile: string;
  output(): string;
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  start(): Promise<void>;
  /** A counter of one sink: by default its `accepted` events. */
  figure(sink: string, name?: string): Promise<number>;
}

/** @param config the file's content; JSON is valid YAML */
export async function startSinkProcess(
  config: Readonly<Record<string, unknown>>,
  names: readonly string[] = [],
): Promise<SinkProcess> {
  const temp = await tempDir('sink');
  const configFile = join(temp.path, 'sinks.yaml');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await writeFile(configFile, JSON.stringify({ SINK_ADMIN: `127.0.0.1:${port}`, ...config }));
  const start = (): Promise<RunningProcess> =>
    startProcess(process.execPath, [...cli(), '--config', configFile, 'sink', ...names], {
      env: { AMQP_URL: undefined },
      // Waits for the log line, not for an answer: a test that runs a dozen services answers late and polls late.
      ready: (output) => output.includes('sinks are running'),
      readyTimeoutMs: 120_000,
    });
  let running = await start();
  return {
    url,
    configFile,
    output: () => running.output(),
    kill: (signal) => running.kill(signal),
    start: async () => {
      running = await start();
    },
    async figure(sink, name = 'events_total{sink="SINK",outcome="accepted"}') {
      const line = `clowder_otel_sink_${name.replace('SINK', sink)} `;
      const text = await (await fetch(`${url}/metrics`)).text();
      return Number(
        text
          .split('\n')
          .find((one) => one.startsWith(line))
          ?.slice(line.length) ?? Number.NaN,
      );
    },
    [Symbol.asyncDispose]: async () => {
      await running.kill();
      await temp.remove();
    },
  };
}
