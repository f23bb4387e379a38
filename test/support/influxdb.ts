import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, startProcess, tempDir } from './processes.ts';
import { toolPath } from './tools.ts';

/** An InfluxDB 1 for the test, with a user that may do everything. */
export interface InfluxServer extends AsyncDisposable {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** Runs a statement. @returns rows by column of the first series; times in nanoseconds, as precise as a number can be */
  query(statement: string, database?: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

interface QueryAnswer {
  readonly error?: string;
  readonly results?: readonly {
    readonly error?: string;
    readonly series?: readonly { readonly columns: readonly string[]; readonly values: readonly unknown[][] }[];
  }[];
}

/** Starts the server and creates the user. */
export async function startInfluxServer(): Promise<InfluxServer> {
  const temp = await tempDir('influxdb');
  const [port, rpcPort] = [await freePort(), await freePort()];
  const config = join(temp.path, 'influxdb.conf');
  await writeFile(
    config,
    `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
dir = "${join(temp.path, 'meta')}"
[data]
dir = "${join(temp.path, 'data')}"
wal-dir = "${join(temp.path, 'wal')}"
[http]
bind-address = "127.0.0.1:${port}"
auth-enabled = true
log-enabled = false
`,
  );
  const url = `http://127.0.0.1:${port}`;
  const running = await startProcess(toolPath('influxdb'), ['run', '-config', config], {
    ready: async () => (await fetch(`${url}/ping`)).status === 204,
  });
  const [user, password] = ['writer', 'password-of-the-test'];
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const query: InfluxServer['query'] = async (statement, database = '') => {
    const response = await fetch(`${url}/query?epoch=ns&db=${database}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ q: statement }),
    });
    const { error, results } = (await response.json()) as QueryAnswer;
    const problem = error ?? results?.[0]?.error;
    if (problem !== undefined) throw new Error(`${statement}: ${problem}`);
    const series = results?.[0]?.series?.[0];
    return (series?.values ?? []).map((values) =>
      Object.fromEntries(series?.columns.map((column, index) => [column, values[index]]) ?? []),
    );
  };
  await query(`CREATE USER ${user} WITH PASSWORD '${password}' WITH ALL PRIVILEGES`);
  return {
    url,
    user,
    password,
    query,
    [Symbol.asyncDispose]: async () => {
      await running.kill();
      await temp.remove();
    },
  };
}
