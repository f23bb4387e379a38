/** What counting stores about addresses, and which space and collection a dataset is in. */
export const PLACES = `
CREATE TABLE usage_addresses (client_address text PRIMARY KEY, country text, excluded boolean NOT NULL);
CREATE TABLE usage_space_placements (
  dataset_id text NOT NULL, space_id text NOT NULL, from_ms bigint NOT NULL, PRIMARY KEY (dataset_id, space_id)
);
CREATE TABLE usage_catalog_datasets (dataset_id text PRIMARY KEY, space_id text, collection_id text, is_open boolean);
-- Spaces are placed from all events: what was looked at before knew nothing of them.
DELETE FROM usage_meta WHERE name = 'looked until';
COMMENT ON TABLE usage_addresses IS 'Countries of addresses, and whether their network is counted';
COMMENT ON TABLE usage_space_placements IS 'The spaces that a dataset was seen in, each from its first time on';
`;
