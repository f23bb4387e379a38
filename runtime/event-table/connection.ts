import { DatabaseError, Pool, type ClientBase, type PoolClient } from 'pg';

/** How long connecting may take, in milliseconds. */
const CONNECT_MS = 10_000;
/** If we vanish, the server releases our locks after this, in milliseconds. */
const IDLE_IN_TRANSACTION_MS = 60_000;
const LOCK_MS = 10_000;

export interface ConnectionOptions {
  readonly url: string;
  readonly statementTimeoutMs: number;
  readonly maxConnections: number;
}

/** Connections to one server, opened on demand. */
export function createPool({ url, statementTimeoutMs, maxConnections }: ConnectionOptions): Pool {
  const pool = new Pool({
    connectionString: withLibpqSslModes(url),
    max: maxConnections,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: statementTimeoutMs,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    keepAlive: true,
    fallback_application_name: 'clowder-otel',
  });
  // A broken connection fails the current work, or is replaced; the error event adds nothing.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** `sslmode` in the URL then means the same as for psql; otherwise `require` would be `verify-full`. */
function withLibpqSslModes(url: string): string {
  if (!/[?&]sslmode=/.test(url) || /[?&]uselibpqcompat=/.test(url)) return url;
  return `${url}&uselibpqcompat=true`;
}

/**
 * Runs work with a connection of its own, and breaks the connection when the signal aborts: the work then fails,
 * whether or not the server finishes it.
 */
export async function withClient<T>(
  pool: Pool,
  signal: AbortSignal,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await connected(pool, signal);
  const breakOff = (): void => void client.connection.stream.destroy();
  signal.addEventListener('abort', breakOff);
  let usable = false;
  try {
    const result = await work(client);
    usable = true;
    return result;
  } catch (error) {
    usable = isUsableAfter(error);
    throw error;
  } finally {
    signal.removeEventListener('abort', breakOff);
    client.release(!usable || signal.aborted);
  }
}

async function connected(pool: Pool, signal: AbortSignal): Promise<PoolClient> {
  signal.throwIfAborted();
  const pending = pool.connect();
  try {
    return await abortable(pending, signal);
  } catch (error) {
    // Came too late: the connection goes back to the pool.
    pending.then((client) => client.release()).catch(() => {});
    throw error;
  }
}

/** The same promise, but rejected with the signal's reason as soon as that aborts. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Runs the work in one transaction, which is rolled back if the work fails. */
export async function inTransaction<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // If the connection is gone, so is the transaction.
    if (isUsableAfter(error)) await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** Whether the server refused a statement and stays usable. */
function isUsableAfter(error: unknown): boolean {
  return error instanceof DatabaseError && error.severity === 'ERROR';
}
