import { pipeline } from 'node:stream/promises';
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { COPIED, type Row } from './columns.ts';
import { inTransaction } from './connection.ts';
import { copyText } from './copy-text.ts';

const NAMES = COPIED.map(([name]) => name).join(', ');
const INCOMING = `CREATE TEMPORARY TABLE clowder_incoming (${COPIED.map((column) => column.join(' ')).join(', ')}) ON COMMIT DELETE ROWS`;
/** Connections that have the temporary table already. */
const prepared = new WeakSet<ClientBase>();

/**
 * Stores rows whose ids are not stored yet, in one transaction.
 *
 * @param rows with different ids, of months that have a partition
 * @param also statements of the same transaction
 * @returns how many were stored
 */
export async function storeRows(
  client: ClientBase,
  schema: string,
  rows: readonly Row[],
  also: readonly string[] = [],
): Promise<number> {
  if (!prepared.has(client)) await client.query(INCOMING);
  prepared.add(client);
  return inTransaction(client, async () => {
    const copy = client.query(copyFrom(`COPY clowder_incoming (${NAMES}) FROM STDIN`));
    await pipeline([Buffer.from(copyText(rows))], copy);
    // Sorted by id, so that two processes with the same events wait for each other but never deadlock.
    const { rowCount } = await client.query(`
      WITH fresh AS (
        INSERT INTO ${schema}.event_ids (event_id, created_at)
        SELECT event_id, created_at FROM clowder_incoming ORDER BY event_id
        ON CONFLICT DO NOTHING RETURNING event_id
      )
      INSERT INTO ${schema}.events (${NAMES})
      SELECT ${NAMES} FROM clowder_incoming JOIN fresh USING (event_id)
      ON CONFLICT DO NOTHING`);
    for (const statement of also) await client.query(statement);
    return rowCount ?? 0;
  });
}
