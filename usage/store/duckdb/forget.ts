import { randomUUID } from 'node:crypto';
import { literal, type Period } from '../../rules/dialect.ts';
import type { Engine } from '../engine.ts';
import { inSlices } from '../slices.ts';
import type { OnProgress } from '../usage-store.ts';

/** Replaces a user's and their sessions' ids, irreversibly and consistently in all events, so that figures do not change. */
export async function forgetUser(within: Engine, userId: string, onProgress?: OnProgress): Promise<number> {
  const user = literal(userId);
  const author = "json_extract_string(data, '$.author_id')";
  const [row] = await within.query(`SELECT count(*) AS n FROM events WHERE user_id = ${user} OR ${author} = ${user}`);
  const salt = literal(randomUUID());
  const other = literal(`forgotten-${randomUUID()}`);
  const forgetIn = ({ fromMs, toMs }: Period): Promise<void> => {
    const inside = `created >= ${fromMs} AND created < ${toMs}`;
    return within.run(
      `UPDATE events SET user_id = ${other}, user_name = NULL, client_id = NULL, client_address = NULL,
         session_id = 'forgotten-' || md5(${salt} || session_id) WHERE user_id = ${user} AND ${inside}`,
      `UPDATE events SET data = CAST(json_merge_patch(data, '{"author_id":null,"author_name":null}') AS VARCHAR)
       WHERE ${author} = ${user} AND ${inside}`,
    );
  };
  await inSlices(within, forgetIn, onProgress);
  return Number(row?.['n'] ?? 0);
}
