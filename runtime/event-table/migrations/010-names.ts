const TELLERS = [
  ['resource', 'resource_id', 'resource_name', ''],
  ['dataset', 'resource_id', 'resource_name', " AND resource_type = 'dataset'"],
  ['dataset of a file', 'dataset_id', 'dataset_name', ''],
  ['space', 'resource_id', 'resource_name', " AND resource_type = 'space'"],
  ['collection', 'resource_id', 'resource_name', " AND resource_type = 'collection'"],
  ['user', 'user_id', 'user_name', ''],
] as const;

/** The latest names of things, so that no query searches years of events for them. */
export const NAMED = `
CREATE TABLE usage_names (
  kind text NOT NULL, id text NOT NULL, name text NOT NULL, told_ms bigint NOT NULL, PRIMARY KEY (kind, id));
INSERT INTO usage_names
SELECT DISTINCT ON (kind, id) kind, id, name, told_ms FROM (
${TELLERS.map(
  ([
    kind,
    id,
    name,
    condition,
  ]) => `  SELECT '${kind}' AS kind, ${id} AS id, ${name} AS name, (extract(epoch FROM max(created_at)) * 1000)::bigint AS told_ms
  FROM events WHERE ${id} IS NOT NULL AND ${name} IS NOT NULL${condition} GROUP BY 2, 3`,
).join('\n  UNION ALL\n')}
) told ORDER BY kind, id, told_ms DESC, md5(name);
`;
