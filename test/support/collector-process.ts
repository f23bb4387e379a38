import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cli } from './cli.ts';
import { freePort, startProcess, tempDir, type Exit, type RunningProcess } from './processes.ts';
import { answersOk } from './wait-for.ts';

export interface CollectorOptions {
  readonly amqpUrl?: string;
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** @default a free one, kept across restarts */
  readonly port?: number;
  /** Port of OTLP/gRPC. @default a free one, kept across restarts */
  readonly grpcPort?: number;
  /** @default a new directory, which `stop` removes */
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Our collector as a child process. Port and data directory stay the same across kill and start. */
export interface CollectorProcess {
  readonly url: string;
  readonly port: number;
  /** Port of OTLP/gRPC. */
  readonly grpcPort: number;
  readonly dataDir: string;
  readonly pid: number;
  output(): string;
  /** Ends it (default SIGTERM) and waits until it is gone; the data directory stays. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  /** Starts it again after `kill`, on the same port and data directory. */
  start(): Promise<void>;
  /** Ends it and removes the data directory if it was its own. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts our collector and waits until GET /healthz answers 200.
 *
 * @throws Error with the collector's output if it does not come up
 */
export async function startCollector(options: CollectorOptions = {}): Promise<CollectorProcess> {
  const own = options.dataDir === undefined ? await tempDir('collector') : undefined;
  const dataDir = options.dataDir ?? own?.path ?? '';
  const port = options.port ?? (await freePort());
  const { host = '127.0.0.1', grpcPort = await freePort() } = options;
  const url = `http://${host}:${port}`;
  const env = {
    HOST: host,
    PORT: String(port),
    GRPC_PORT: String(grpcPort),
    DATA_DIR: dataDir,
    LOG_LEVEL: 'warn',
    // Tests of usage switch it on; the others do not need a second process.
    USAGE: 'off',
    ...(options.amqpUrl === undefined ? {} : { AMQP_URL: options.amqpUrl }),
    ...options.env,
  };
  const start = (): Promise<RunningProcess> =>
    startProcess(process.execPath, [...cli(), 'collector'], { env, ready: () => answersOk(`${url}/healthz`) });
  let running = await start().catch(async (error: unknown) => {
    await own?.remove();
    throw error;
  });
  const stop = async (): Promise<void> => {
    await running.kill();
    await own?.remove();
  };
  return {
    url,
    port,
    grpcPort,
    dataDir,
    get pid() {
      return running.pid;
    },
    output: () => running.output(),
    kill: (signal) => running.kill(signal),
    start: async () => {
      running = await start();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** How a run of our command line ended. */
export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** More than any command prints. */
const OUTPUT_MAX = 256 * 1024 * 1024;
/** No command that ends takes this long, even on a busy machine. */
const CLI_MS = 100_000;

/** Runs our command line once, as a user would, whatever its exit code. Kills it, and says so, if it does not end. */
export function runCliToEnd(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  return new Promise((resolve) => {
    const options = {
      env: { ...process.env, ...env },
      timeout: CLI_MS,
      killSignal: 'SIGKILL',
      maxBuffer: OUTPUT_MAX,
    } as const;
    const child = execFile(process.execPath, [...cli(), ...args], options, (error, stdout, stderr) => {
      const killed = error?.killed === true ? `\nkilled: it had not ended after ${CLI_MS} ms` : '';
      resolve({ code: child.exitCode, stdout, stderr: stderr + killed });
    });
  });
}

/**
 * Runs our command line once, as a user would.
 *
 * @returns its standard output
 * @throws Error with its output if its exit code is not 0
 */
export async function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { code, stdout, stderr } = await runCliToEnd(args, env);
  if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}: ${stderr}${stdout}`);
  return stdout;
}

/**
 * Makes an API key, as an operator does before the collector first starts.
 *
 * @param scope one, or several separated by blanks
 * @param name @default a unique one
 */
export async function makeKey(
  dataDir: string,
  scope: string,
  name = `${scope.replaceAll(' ', '-')}-${randomBytes(4).toString('hex')}`,
): Promise<string> {
  const made = await runCli(['keys', 'add', '--name', name, '--scope', ...scope.split(' '), '--json'], {
    DATA_DIR: dataDir,
  });
  return (JSON.parse(made) as { key: string }).key;
}
