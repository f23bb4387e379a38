/**
 * The events, and the ids of all of them. A partitioned table cannot enforce a unique id over all months, so a separate
 * table does: an event that comes again with another `created` is the same event.
 */
export const EVENTS = `
CREATE TABLE event_ids (
  event_id text PRIMARY KEY,
  created_at timestamptz NOT NULL
);
-- Rows come about in order of time: the months that retention takes away are found by it.
CREATE INDEX event_ids_created_at ON event_ids USING brin (created_at);

CREATE TABLE events (
  event_id text NOT NULL,
  created_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL DEFAULT now(),
  event text NOT NULL,
  source text,
  clowder_instance text,
  client_kind text,
  user_id text,
  user_name text,
  author_id text,
  author_name text,
  session_id text,
  client_id text,
  client_address text,
  user_agent text,
  resource_type text,
  resource_id text,
  resource_name text,
  dataset_id text,
  dataset_name text,
  folder_id text,
  space_id text,
  bytes bigint,
  content_type text,
  tracked boolean,
  complete boolean,
  extractor_name text,
  job_id text,
  duration_ms double precision,
  component text,
  target text,
  healthy boolean,
  status_code bigint,
  response_time_ms double precision,
  trace_id text,
  data jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (event_id, created_at)
) PARTITION BY RANGE (created_at);

CREATE INDEX events_created_at ON events USING brin (created_at);
CREATE INDEX events_resource ON events (resource_id, created_at) WHERE resource_id IS NOT NULL;
CREATE INDEX events_user ON events (user_id, created_at) WHERE user_id IS NOT NULL;

COMMENT ON TABLE events IS 'Clowder events, one row each; a partition a month (UTC)';
COMMENT ON COLUMN events.created_at IS 'When it happened';
COMMENT ON COLUMN events.received_at IS 'When it was stored';
COMMENT ON COLUMN events.data IS 'Fields of the event that have no column, and values that their column cannot hold';
`;
