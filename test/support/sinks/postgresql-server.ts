import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Client } from 'pg';
import { afterAll } from 'vitest';
import { postgresql } from '../../../sinks/services/postgresql/postgresql.ts';
import { migrate } from '../../../runtime/event-table/migrate.ts';
import { startPostgres, type PostgresServer } from '../postgresql.ts';
import type { FaultName, SinkHarness, TestService } from './harness.ts';

/** What the real server is made to do on the next `times` inserts of a batch's ids. */
const STATEMENT_FAULTS: Partial<Record<FaultName, { readonly times: number; readonly plpgsql: string }>> = {
  failing: { times: 2, plpgsql: "RAISE EXCEPTION 'could not extend file: No space left' USING ERRCODE = '53100';" },
  silent: { times: 1, plpgsql: 'PERFORM pg_sleep(3600);' },
};

const faultFunction = (times: number, plpgsql: string): string => `
  CREATE OR REPLACE FUNCTION public.fault() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
  BEGIN IF nextval('public.fault_count') <= ${times} THEN ${plpgsql} END IF; RETURN NULL; END $$`;

/** One server per test file, with a database for each test. */
let shared: Promise<PostgresServer> | undefined;
let databases = 0;
afterAll(async () => {
  await (await shared)?.stop();
  shared = undefined;
});

/** A new database on the file's server, with a user who may create schemas in it. */
export async function freshDatabase(): Promise<{ server: PostgresServer; name: string; url: string }> {
  shared ??= startPostgres();
  const server = await shared;
  databases += 1;
  const name = `sink_${databases}`;
  await server.query(`CREATE DATABASE ${name}`);
  await server.query(`CREATE ROLE ${name} LOGIN`);
  await server.query(`GRANT CREATE ON DATABASE ${name} TO ${name}`);
  return { server, name, url: server.url({ user: name, database: name }) };
}

/** The real server, behind a connection that can break or withhold the answer to a COMMIT. */
export const postgresqlHarness: SinkHarness = {
  definition: postgresql,
  faults: ['failing', 'silent', 'cut', 'drip', 'unauthorised', 'away'],
  refuses: 'unnamed',
  patient: { statement_timeout_ms: 60_000 },
  async start(): Promise<TestService> {
    const { server, name: database, url: direct } = await freshDatabase();
    const query = <Row extends object>(sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> =>
      server.query<Row>(sql, values, database);
    await withSchema(direct);
    await query('CREATE SEQUENCE public.fault_count');
    await query(faultFunction(0, ''));
    await query(
      'CREATE TRIGGER fault BEFORE INSERT ON clowder.event_ids FOR EACH STATEMENT EXECUTE FUNCTION public.fault()',
    );
    const url = new URL(direct);
    const answers = await startAnswerFaults(Number(url.port));
    url.port = String(answers.port);
    return {
      settings: { url: url.href, statement_timeout_ms: 1000 },
      fault: async (name) => {
        const statement = STATEMENT_FAULTS[name];
        if (statement !== undefined) {
          await query('ALTER SEQUENCE public.fault_count RESTART');
          await query(faultFunction(statement.times, statement.plpgsql));
        } else if (name === 'cut' || name === 'drip') answers.next(name);
        else if (name === 'away') await server.kill();
        else {
          await query(`ALTER ROLE ${database} NOLOGIN`);
          await query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [database]);
        }
      },
      heal: async () => {
        if (!(await server.answers())) await server.start();
        await query(`ALTER ROLE ${database} LOGIN`);
      },
      refuse: async (ids) => {
        const list = ids.map((id) => `'${id}'`).join(', ');
        await query(`ALTER TABLE clowder.events ADD CONSTRAINT refused CHECK (event_id NOT IN (${list}))`);
      },
      storedIds: async () => {
        // A batch is stored at once with a single time; within it, only the events' own times give an order.
        const rows = await query<{ event_id: string }>(
          'SELECT event_id FROM clowder.events ORDER BY received_at, created_at',
        );
        return rows.map(({ event_id: id }) => id);
      },
      storedText: async () => JSON.stringify(await query('SELECT * FROM clowder.events')),
      [Symbol.asyncDispose]: async () => {
        await answers[Symbol.asyncDispose]();
        if (!(await server.answers())) await server.start();
      },
    };
  },
};

async function withSchema(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await migrate(client, 'clowder');
  await client.end();
}

interface AnswerFaults extends AsyncDisposable {
  readonly port: number;
  /** Cuts the connection instead of passing on the answer to the next COMMIT, or never passes it on. */
  next(fault: 'cut' | 'drip'): void;
}

const COMMIT = Buffer.from('COMMIT\0');

async function startAnswerFaults(serverPort: number): Promise<AnswerFaults> {
  const sockets = new Set<Socket>();
  let fault: 'cut' | 'drip' | undefined;
  const server = createServer((near) => {
    const far = connect(serverPort, '127.0.0.1');
    let withheld: typeof fault;
    near.on('data', (chunk: Buffer) => {
      if (chunk.includes(COMMIT)) [withheld, fault] = [fault, undefined];
      far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      if (withheld === undefined) near.write(chunk);
      else if (withheld === 'cut') near.destroy();
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  return {
    port: address.port,
    next: (name) => {
      fault = name;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
