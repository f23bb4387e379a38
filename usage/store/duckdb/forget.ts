import { randomUUID } from 'node:crypto';
import { literal } from '../../rules/dialect.ts';
import type { Engine } from '../engine.ts';

/**
 * Gives a user and their sessions names that nobody can go back from, the same in all their events, so that figures stay
 * as they are.
 */
export async function forgetUser(within: Engine, userId: string): Promise<number> {
  const user = literal(userId);
  const author = "json_extract_string(data, '$.author_id')";
  const [row] = await within.query(`SELECT count(*) AS n FROM events WHERE user_id = ${user} OR ${author} = ${user}`);
  const salt = literal(randomUUID());
  await within.run(
    `UPDATE events SET user_id = ${literal(`forgotten-${randomUUID()}`)}, user_name = NULL, client_id = NULL,
       client_address = NULL, session_id = 'forgotten-' || md5(${salt} || session_id) WHERE user_id = ${user}`,
    `UPDATE events SET data = CAST(json_merge_patch(data, '{"author_id":null,"author_name":null}') AS VARCHAR)
     WHERE ${author} = ${user}`,
  );
  return Number(row?.['n'] ?? 0);
}
