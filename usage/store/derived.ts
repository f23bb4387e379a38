import { judgeAgent, type AgentVerdict } from '../rules/agents.ts';
import { literal, type Dialect } from '../rules/dialect.ts';

/** User agents at once in one statement. */
const AGENTS_AT_ONCE = 500;

/** User agents of a relation that are not judged yet. */
export const newAgentsSql = (dialect: Dialect, relation: string): string => `
SELECT DISTINCT i.user_agent FROM ${relation} i LEFT JOIN ${dialect.table('agents')} a ON a.user_agent = i.user_agent
WHERE i.user_agent IS NOT NULL AND a.user_agent IS NULL`;

/** Statements that store the verdicts on user agents. */
export function storeAgentsSql(dialect: Dialect, userAgents: readonly string[]): readonly string[] {
  const statements: string[] = [];
  for (let at = 0; at < userAgents.length; at += AGENTS_AT_ONCE) {
    const rows = userAgents
      .slice(at, at + AGENTS_AT_ONCE)
      .map((userAgent) => agentRow(userAgent, judgeAgent(userAgent)));
    statements.push(`INSERT INTO ${dialect.table('agents')} (user_agent, agent, reason) VALUES ${rows.join(', ')}`);
  }
  return statements;
}

const agentRow = (userAgent: string, { agent, reason }: AgentVerdict): string =>
  `(${literal(userAgent)}, ${literal(agent)}, ${literal(reason)})`;

/** Where a relation's events saw a file, and when first. */
export const seenPlacementsSql = (relation: string): string => `
SELECT file_id, dataset_id, min(created) AS from_ms FROM (
  SELECT coalesce(e.file_id, CASE WHEN e.resource_type = 'file' THEN e.resource_id END) AS file_id, e.dataset_id, e.created
  FROM ${relation} e WHERE e.dataset_id IS NOT NULL
) seen WHERE file_id IS NOT NULL GROUP BY file_id, dataset_id`;
