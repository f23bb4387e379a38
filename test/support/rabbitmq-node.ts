import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from 'amqplib';
import { freePort, startProcess, tempDir, type RunningProcess } from './processes.ts';
import { waitFor } from './wait-for.ts';

/** A RabbitMQ node of the test's own; its data stays over kill and start. */
export interface RabbitNode extends AsyncDisposable {
  readonly url: string;
  /** Takes the broker down and leaves its runtime: connections are closed at once. */
  stopApp(): Promise<void>;
  startApp(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  start(): Promise<void>;
  rabbitmqctl(...args: string[]): Promise<string>;
  /** Ends the node and removes its directory. */
  stop(): Promise<void>;
}

const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const CONTROL = '/usr/lib/rabbitmq/bin/rabbitmqctl';
const UP_MS = 90_000;

/** Starts a node and waits until it takes connections. */
export async function startRabbitNode(): Promise<RabbitNode> {
  const temp = await tempDir('rabbitmq');
  const [port, distPort] = [await freePort(), await freePort()];
  const name = `clowder${port}@localhost`;
  const pidFile = join(temp.path, 'node.pid');
  const env = {
    HOME: temp.path,
    RABBITMQ_NODENAME: name,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_MNESIA_BASE: join(temp.path, 'data'),
    RABBITMQ_LOG_BASE: join(temp.path, 'log'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(temp.path, 'plugins'),
    RABBITMQ_CONFIG_FILE: join(temp.path, 'rabbitmq.conf'),
    RABBITMQ_PID_FILE: pidFile,
  };
  await mkdir(join(temp.path, 'data'));
  await writeFile(join(temp.path, 'plugins'), '[].\n');
  await writeFile(join(temp.path, 'rabbitmq.conf'), 'loopback_users.guest = true\n');
  await writeFile(join(temp.path, '.erlang.cookie'), `clowder-otel-test-${port}`);
  await chmod(join(temp.path, '.erlang.cookie'), 0o400);

  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const answers = async (): Promise<boolean> => {
    const connection = await connect(url, { timeout: 2000 });
    await connection.close();
    return true;
  };
  const run = (): Promise<RunningProcess> =>
    startProcess(SERVER, [], { env, readyTimeoutMs: UP_MS, ready: () => answers().catch(() => false) });
  const rabbitmqctl = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(CONTROL, ['-n', name, ...args], { env: { ...process.env, ...env } });
    return stdout;
  };

  let running = await run();
  /** The shell script that was started is not the node: that is the process of the pid file. */
  const kill = async (): Promise<void> => {
    const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
    if (Number.isInteger(pid) && pid > 1) signal(pid, 'SIGKILL');
    await running.kill('SIGKILL');
    if (pid > 1) await waitFor(() => !signal(pid, 0), { what: 'the node to be gone' });
  };
  const stop = async (): Promise<void> => {
    await kill();
    await temp.remove();
  };
  return {
    url,
    rabbitmqctl,
    stopApp: async () => void (await rabbitmqctl('stop_app')),
    startApp: async () => {
      await rabbitmqctl('start_app');
      await waitFor(() => answers(), { timeoutMs: UP_MS, what: 'the broker to answer' });
    },
    kill,
    start: async () => {
      running = await run();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
