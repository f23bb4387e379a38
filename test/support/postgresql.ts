import { execFile } from 'node:child_process';
import { chown } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { freePort, startProcess, tempDir, type RunningProcess } from './processes.ts';
import { toolPath } from './tools.ts';
import { waitFor } from './wait-for.ts';

/** A PostgreSQL server for the test; its data survives kill and start. */
export interface PostgresServer extends AsyncDisposable {
  /** URL of the database for its superuser, or for the given user or database. */
  url(options?: { readonly user?: string; readonly password?: string; readonly database?: string }): string;
  /** Runs one statement as superuser. @returns its rows @default database `events` */
  query<Row extends object>(sql: string, values?: readonly unknown[], database?: string): Promise<readonly Row[]>;
  answers(): Promise<boolean>;
  /** Ends the server with SIGKILL: all connections break. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** The server's main process. */
  pid(): number;
  /** Ends the server and removes its directory. */
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Also accepts encrypted connections. PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Further server settings, `name=value`. */
  readonly settings?: readonly string[];
}

const DATABASE = 'events';
const UP_MS = 60_000;

/** Creates a cluster and starts it. The server refuses to run as root, so for root it runs as the package's user `postgres`. */
export async function startPostgres({ tls, settings = [] }: PostgresOptions = {}): Promise<PostgresServer> {
  const temp = await tempDir('postgresql');
  const data = join(temp.path, 'data');
  const port = await freePort();
  const bin = dirname(toolPath('postgresql'));
  const as = await unprivileged();
  const mine = tls === undefined ? [temp.path] : [temp.path, tls.cert, tls.key];
  if (as !== undefined) for (const path of mine) await chown(path, as.uid, as.gid);
  const command = (name: string, ...args: string[]): [string, string[]] => {
    const program = join(bin, name);
    if (as === undefined) return [program, args];
    return ['setpriv', [`--reuid=${as.uid}`, `--regid=${as.gid}`, '--clear-groups', program, ...args]];
  };
  await promisify(execFile)(
    ...command('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'),
  );
  const all = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    // Safe here: only a power failure would lose data, not a killed process.
    'fsync=off',
    ...(tls === undefined ? [] : ['ssl=on', `ssl_cert_file=${tls.cert}`, `ssl_key_file=${tls.key}`]),
    ...settings,
  ];
  const url: PostgresServer['url'] = ({ user = 'postgres', password = '', database = DATABASE } = {}) =>
    `postgresql://${user}${password === '' ? '' : `:${password}`}@127.0.0.1:${port}/${database}`;
  const query = async <Row extends object>(
    sql: string,
    values: readonly unknown[] = [],
    database = DATABASE,
  ): Promise<readonly Row[]> => {
    const client = new Client({ connectionString: url({ database }), connectionTimeoutMillis: 5000 });
    await client.connect();
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  };
  const answers = (): Promise<boolean> =>
    query('SELECT 1', [], 'postgres').then(
      () => true,
      () => false,
    );
  const run = (): Promise<RunningProcess> =>
    startProcess(...command('postgres', '-D', data, ...all.flatMap((setting) => ['-c', setting])), {
      readyTimeoutMs: UP_MS,
      ready: answers,
    });

  let running = await run();
  await query(`CREATE DATABASE ${DATABASE}`, [], 'postgres');
  const kill = async (): Promise<void> => {
    await running.kill('SIGKILL');
  };
  const stop = async (): Promise<void> => {
    // Immediate shutdown, which also ends the server's other processes.
    await running.kill('SIGQUIT');
    await temp.remove();
  };
  return {
    url,
    query,
    answers,
    kill,
    start: async () => {
      // Processes of the killed server may still be ending and hold its memory.
      running = await waitFor(() => run().catch(() => undefined), {
        timeoutMs: UP_MS,
        what: 'PostgreSQL to start again',
      });
    },
    pid: () => running.pid,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string): Promise<number> =>
    Number((await promisify(execFile)('id', [flag, 'postgres'])).stdout.trim());
  return { uid: await id('-u'), gid: await id('-g') };
}
