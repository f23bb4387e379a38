/** What counting stores about datasets and about reported figures. */
export const REPORTED = `
CREATE TABLE usage_catalog (
  dataset_id text PRIMARY KEY, state text NOT NULL, entry text, etag text, fetched_ms bigint NOT NULL
);
CREATE TABLE usage_reported_months (
  code text NOT NULL, zone text NOT NULL, month text NOT NULL, reported_ms bigint NOT NULL, rules text NOT NULL,
  catalog text NOT NULL, events bigint NOT NULL, PRIMARY KEY (code, zone, month)
);
CREATE TABLE usage_reported_figures (
  code text NOT NULL, zone text NOT NULL, month text NOT NULL, dataset_id text NOT NULL, access text NOT NULL,
  metric text NOT NULL, n bigint NOT NULL, PRIMARY KEY (code, zone, month, dataset_id, access, metric)
);
CREATE TABLE usage_restatements (
  code text NOT NULL, zone text NOT NULL, month text NOT NULL, reported_ms bigint NOT NULL, restated_ms bigint NOT NULL,
  dataset_id text NOT NULL, access text NOT NULL, metric text NOT NULL, before_n bigint NOT NULL, after_n bigint NOT NULL,
  why text NOT NULL
);
COMMENT ON TABLE usage_catalog IS 'What Clowder said of datasets, or that it said nothing';
COMMENT ON TABLE usage_reported_figures IS 'Figures of each month as they were last reported';
COMMENT ON TABLE usage_restatements IS 'Figures that changed after they were reported, and why';
`;
