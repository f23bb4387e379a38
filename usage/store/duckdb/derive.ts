import { newAgentsSql, seenPlacementsSql, storeAgentsSql } from '../derived.ts';
import type { Engine } from '../engine.ts';

/** Judges the user agents and places the files of a relation of events, beside what is there already. */
export async function derive(within: Engine, relation: string): Promise<void> {
  const { dialect } = within;
  const agents = await within.query<{ user_agent: string }>(newAgentsSql(dialect, relation));
  await within.run(
    ...storeAgentsSql(
      dialect,
      agents.map((row) => row.user_agent),
    ),
    `CREATE OR REPLACE TEMPORARY TABLE seen AS ${seenPlacementsSql(relation)}`,
    `UPDATE placements SET from_ms = seen.from_ms FROM seen
     WHERE placements.file_id = seen.file_id AND placements.dataset_id = seen.dataset_id AND seen.from_ms < placements.from_ms`,
    `INSERT INTO placements SELECT file_id, dataset_id, from_ms FROM seen
     WHERE NOT EXISTS (SELECT 1 FROM placements p WHERE p.file_id = seen.file_id AND p.dataset_id = seen.dataset_id)`,
  );
}
