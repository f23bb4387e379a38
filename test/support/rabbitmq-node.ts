import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect } from 'amqplib';
import { freePort, startProcess, tempDir, type RunningProcess } from './processes.ts';
import { waitFor } from './wait-for.ts';

/** A RabbitMQ node for the test; its data survives kill and start. */
export interface RabbitNode extends AsyncDisposable {
  /** The node's name in its cluster. */
  readonly name: string;
  /** Directory of its cookie: the HOME for its command-line tools. */
  readonly home: string;
  readonly url: string;
  /** The same over TLS, if requested. */
  readonly tlsUrl: string;
  /** URL of the management API, if requested. */
  readonly managementUrl: string;
  /** Stops the broker but not its runtime: connections are closed at once. */
  stopApp(): Promise<void>;
  startApp(): Promise<void>;
  /** Ends the node with SIGKILL. */
  kill(): Promise<void>;
  start(): Promise<void>;
  rabbitmqctl(...args: string[]): Promise<string>;
  /** Ends the node and removes its directory. */
  stop(): Promise<void>;
}

const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
export const RABBITMQCTL = '/usr/lib/rabbitmq/bin/rabbitmqctl';
const UP_MS = 90_000;

export interface RabbitOptions {
  /** Also listens with TLS, and requires client certificates from the same authority. PEM files. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** Serves the management API at `managementUrl`. */
  readonly management?: boolean;
  /** Shared by the nodes of a cluster. @default the node's own */
  readonly cookie?: string;
  /** Further lines of rabbitmq.conf. */
  readonly conf?: readonly string[];
}

/** Starts three nodes as a cluster, in which a minority pauses. The first serves the management API. */
export async function startRabbitCluster(): Promise<AsyncDisposable & { readonly nodes: readonly RabbitNode[] }> {
  await using stack = new AsyncDisposableStack();
  const options = { cookie: `clowder-otel-test-${await freePort()}`, conf: ['cluster_partition_handling = pause_minority'] }; // prettier-ignore
  // The stack gets each node as soon as it runs, so that none is left behind if another does not start.
  const starts = [1, 2, 3].map(async (number) =>
    stack.use(await startRabbitNode({ ...options, management: number === 1 })),
  );
  await Promise.allSettled(starts);
  const nodes = await Promise.all(starts);
  const [first, ...others] = nodes;
  for (const other of others) {
    await other.stopApp();
    await other.rabbitmqctl('join_cluster', first?.name ?? '');
    await other.startApp();
  }
  const owned = stack.move();
  return { nodes, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Starts a node and waits until it accepts connections. */
export async function startRabbitNode(options: RabbitOptions = {}): Promise<RabbitNode> {
  const { tls, management = false, conf = [] } = options;
  const temp = await tempDir('rabbitmq');
  const [port, distPort, tlsPort, managementPort] = [await freePort(), await freePort(), await freePort(), await freePort()]; // prettier-ignore
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
  await writeFile(join(temp.path, 'plugins'), management ? '[rabbitmq_management].\n' : '[].\n');
  const managementUrl = `http://127.0.0.1:${managementPort}`;
  await writeFile(
    join(temp.path, 'rabbitmq.conf'),
    configuration(tls, tlsPort, management ? managementPort : undefined) + conf.map((line) => `${line}\n`).join(''),
  );
  await writeFile(join(temp.path, '.erlang.cookie'), options.cookie ?? `clowder-otel-test-${port}`);
  await chmod(join(temp.path, '.erlang.cookie'), 0o400);

  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const answers = async (): Promise<boolean> => {
    const connection = await connect(url, { timeout: 2000 });
    // A starting node may end the connection again.
    connection.on('error', () => undefined);
    await connection.close();
    return true;
  };
  const run = (): Promise<RunningProcess> =>
    startProcess(SERVER, [], { env, readyTimeoutMs: UP_MS, ready: () => answers().catch(() => false) });
  const rabbitmqctl = async (...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(RABBITMQCTL, ['-n', name, ...args], {
      env: { ...process.env, ...env },
    });
    return stdout;
  };

  /** The node is the process in the pid file, not the shell script that was started. */
  const killNode = async (endScript: () => Promise<unknown>): Promise<void> => {
    const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
    if (Number.isInteger(pid) && pid > 1) signal(pid, 'SIGKILL');
    await endScript();
    if (pid > 1) await waitFor(() => !signal(pid, 0), { what: 'the node to be gone' });
  };
  let running = await run().catch(async (error: unknown) => {
    await killNode(() => Promise.resolve());
    await temp.remove();
    throw error;
  });
  const kill = (): Promise<void> => killNode(() => running.kill('SIGKILL'));
  const stop = async (): Promise<void> => {
    await kill();
    await temp.remove();
  };
  return {
    name,
    home: temp.path,
    url,
    tlsUrl: `amqps://guest:guest@127.0.0.1:${tlsPort}`,
    managementUrl,
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

function configuration(tls: RabbitOptions['tls'], tlsPort: number, managementPort: number | undefined): string {
  const lines = ['loopback_users.guest = true'];
  if (managementPort !== undefined)
    lines.push(
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${managementPort}`,
      'collect_statistics_interval = 1000',
    );
  if (tls !== undefined) {
    lines.push(
      `listeners.ssl.default = 127.0.0.1:${tlsPort}`,
      `ssl_options.cacertfile = ${tls.ca}`,
      `ssl_options.certfile = ${tls.cert}`,
      `ssl_options.keyfile = ${tls.key}`,
      'ssl_options.verify = verify_peer',
      'ssl_options.fail_if_no_peer_cert = true',
    );
  }
  return `${lines.join('\n')}\n`;
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
