/**
 * What counting stores beside the events: verdicts on user agents, and in which dataset a file was seen, and when
 * first.
 */
export const USAGE = `
CREATE TABLE usage_meta (name text PRIMARY KEY, value text NOT NULL);
CREATE TABLE usage_agents (user_agent text PRIMARY KEY, agent text NOT NULL, reason text NOT NULL);
CREATE TABLE usage_placements (
  file_id text NOT NULL, dataset_id text NOT NULL, from_ms bigint NOT NULL, PRIMARY KEY (file_id, dataset_id)
);
CREATE TABLE usage_catalog_files (file_id text PRIMARY KEY, dataset_id text NOT NULL);
-- What came since the last look is found by it.
CREATE INDEX events_received_at ON events USING brin (received_at);
COMMENT ON TABLE usage_agents IS 'What user agents are, each verdict with its reason';
COMMENT ON TABLE usage_placements IS 'The datasets that a file was seen in, each from its first time on';
`;
