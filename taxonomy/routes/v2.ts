/**
 * Clowder v2's API and its web application's pages, in order, in the same form as v1's.
 */
export const V2_ROUTES = `
GET /api/v2/users
POST /api/v2/users signup-answer
POST /api/v2/login login-json
PATCH /api/v2/users/me
GET /api/v2/users/me/is_admin
GET /api/v2/users/me/admin_mode
POST /api/v2/users/me/admin_mode
POST /api/v2/users/set_admin/:useremail
POST /api/v2/users/revoke_admin/:useremail
POST /api/v2/users/enable_readonly/:useremail
POST /api/v2/users/disable_readonly/:useremail
POST /api/v2/users/enable/:useremail
POST /api/v2/users/disable/:useremail
GET /api/v2/users/keys
POST /api/v2/users/keys
DELETE /api/v2/users/keys/:key_id
GET /api/v2/users/search
GET /api/v2/users/prefixSearch
GET /api/v2/users/profile
GET /api/v2/users/:user_id
GET /api/v2/users/username/:username
POST /api/v2/authorizations/datasets/:id
GET /api/v2/authorizations/datasets/:id/role
GET /api/v2/authorizations/datasets/:id/role/viewer}
GET /api/v2/authorizations/datasets/:id/role/owner}
GET /api/v2/authorizations/files/:id/role
GET /api/v2/authorizations/metadata/:metadata_id/role}
GET /api/v2/authorizations/groups/:group_id/role
POST /api/v2/authorizations/datasets/:id/group_role/:group_id/:role
POST /api/v2/authorizations/datasets/:id/user_role/:username/:role
DELETE /api/v2/authorizations/datasets/:id/group_role/:group_id
DELETE /api/v2/authorizations/datasets/:id/user_role/:username
GET /api/v2/authorizations/datasets/:id/roles
GET /api/v2/metadata/definition
POST /api/v2/metadata/definition
GET /api/v2/metadata/definition/:metadata_definition_id
PUT /api/v2/metadata/definition/:metadata_definition_id
DELETE /api/v2/metadata/definition/:metadata_definition_id
GET /api/v2/metadata/definition/search/:search_term
DELETE /api/v2/metadata/:metadata_id
PATCH /api/v2/metadata/:metadata_id
GET /api/v2/public_metadata/definition
GET /api/v2/public_metadata/definition/:metadata_definition_id
GET /api/v2/public_metadata/definition/search/:search_term
GET /api/v2/files/:id download-file
PUT /api/v2/files/:id upload
DELETE /api/v2/files/:id delete-file
GET /api/v2/files/:id/url/ download-presigned
GET /api/v2/files/:id/summary browse-file
GET /api/v2/files/:id/version_details
GET /api/v2/files/:id/versions
POST /api/v2/files/:id/extract queue-file
POST /api/v2/files/:id/resubmit_extract queue-resubmit
GET /api/v2/files/:id/thumbnail
PATCH /api/v2/files/:id/thumbnail/:thumbnail_id
GET /api/v2/public_files/:id/summary browse-file
GET /api/v2/public_files/:id/version_details
GET /api/v2/public_files/:id/versions
GET /api/v2/public_files/:id download-file
GET /api/v2/public_files/:id/thumbnail
GET /api/v2/public_files/:id/metadata
GET /api/v2/files/:id/metadata
PUT /api/v2/files/:id/metadata
POST /api/v2/files/:id/metadata
DELETE /api/v2/files/:id/metadata
PATCH /api/v2/files/:id/metadata
GET /api/v2/datasets
POST /api/v2/datasets create-dataset
GET /api/v2/datasets/:id browse-dataset
PUT /api/v2/datasets/:id
DELETE /api/v2/datasets/:id delete-dataset
PATCH /api/v2/datasets/:id
GET /api/v2/datasets/:id/files
POST /api/v2/datasets/:id/files upload
GET /api/v2/datasets/:id/freeze
POST /api/v2/datasets/:id/freeze
GET /api/v2/datasets/:id/freeze/latest_version_num
GET /api/v2/datasets/:id/freeze/:frozen_version_num
DELETE /api/v2/datasets/:id/freeze/:frozen_version_num
GET /api/v2/datasets/:id/folders
POST /api/v2/datasets/:id/folders
GET /api/v2/datasets/:id/folders_and_files
GET /api/v2/datasets/:id/folders/:folder_id
DELETE /api/v2/datasets/:id/folders/:folder_id
PATCH /api/v2/datasets/:id/folders/:folder_id
POST /api/v2/datasets/:id/filesMultiple upload
POST /api/v2/datasets/:id/local_files upload
POST /api/v2/datasets/createFromZip create-zip
GET /api/v2/datasets/:id/download download-dataset
POST /api/v2/datasets/:id/extract queue-dataset
GET /api/v2/datasets/:id/thumbnail
PATCH /api/v2/datasets/:id/thumbnail/:thumbnail_id
GET /api/v2/public_datasets
GET /api/v2/public_datasets/:id browse-dataset
GET /api/v2/public_datasets/:id/files
GET /api/v2/public_datasets/:id/folders
GET /api/v2/public_datasets/:id/folders_and_files
GET /api/v2/public_datasets/:id/metadata
GET /api/v2/public_datasets/:id/download download-dataset
GET /api/v2/public_datasets/:id/freeze
GET /api/v2/datasets/:id/metadata
PUT /api/v2/datasets/:id/metadata
POST /api/v2/datasets/:id/metadata
DELETE /api/v2/datasets/:id/metadata
PATCH /api/v2/datasets/:id/metadata
GET /api/v2/folders/:folder_id/path
GET /api/v2/public_folders/:folder_id/path
GET /api/v2/listeners/instance
GET /api/v2/listeners
POST /api/v2/listeners
GET /api/v2/listeners/search
GET /api/v2/listeners/categories
GET /api/v2/listeners/defaultLabels
GET /api/v2/listeners/:listener_id
PUT /api/v2/listeners/:listener_id
DELETE /api/v2/listeners/:listener_id
GET /api/v2/listeners/:listener_id/status
PUT /api/v2/listeners/:listener_id/enable
PUT /api/v2/listeners/:listener_id/disable
POST /api/v2/listeners/:listener_id/users/:target_user
DELETE /api/v2/listeners/:listener_id/users/:target_user
POST /api/v2/listeners/:listener_id/groups/:target_group
DELETE /api/v2/listeners/:listener_id/groups/:target_group
POST /api/v2/listeners/:listener_id/datasets/:target_dataset
DELETE /api/v2/listeners/:listener_id/datasets/:target_dataset
POST /api/v2/extractors
GET /api/v2/jobs
GET /api/v2/jobs/:job_id/summary
GET /api/v2/jobs/:job_id/updates
PUT /api/v2/elasticsearch/search
POST /api/v2/elasticsearch/all/_msearch
PUT /api/v2/public_elasticsearch/search
POST /api/v2/public_elasticsearch/all/_msearch
GET /api/v2/feeds
POST /api/v2/feeds
GET /api/v2/feeds/:feed_id
PUT /api/v2/feeds/:feed_id
DELETE /api/v2/feeds/:feed_id
POST /api/v2/feeds/:feed_id/listeners
DELETE /api/v2/feeds/:feed_id/listeners/:listener_id
GET /api/v2/groups
POST /api/v2/groups
GET /api/v2/groups/search/:search_term
GET /api/v2/groups/:group_id
PUT /api/v2/groups/:group_id
DELETE /api/v2/groups/:group_id
POST /api/v2/groups/:group_id/add/:username
POST /api/v2/groups/:group_id/remove/:username
PUT /api/v2/groups/:group_id/update/:username
POST /api/v2/visualizations
GET /api/v2/visualizations/:visualization_id
DELETE /api/v2/visualizations/:visualization_id
GET /api/v2/visualizations/:visualization_id/bytes
GET /api/v2/visualizations/:visualization_id/url/
POST /api/v2/visualizations/config
GET /api/v2/visualizations/:resource_id/config
GET /api/v2/visualizations/config/:config_id
DELETE /api/v2/visualizations/config/:config_id
GET /api/v2/visualizations/config/:config_id/visdata
GET /api/v2/public_visualizations/:visualization_id
GET /api/v2/public_visualizations/:visualization_id/bytes
GET /api/v2/public_visualizations/:visualization_id/url/
GET /api/v2/public_visualizations/:resource_id/config
GET /api/v2/public_visualizations/config/:config_id
GET /api/v2/public_visualizations/config/:config_id/visdata
POST /api/v2/thumbnails
GET /api/v2/thumbnails/:thumbnail_id
DELETE /api/v2/thumbnails/:thumbnail_id
GET /api/v2/public_thumbnails/:thumbnail_id
POST /api/v2/licenses
GET /api/v2/licenses/:license_id
PUT /api/v2/licenses/:license_id
DELETE /api/v2/licenses/:license_id
GET /api/v2/licenses/standard_licenses/all
GET /api/v2/licenses/standard_licenses/:license_id
GET /api/v2/public_licenses/:license_id
GET /api/v2/public_licenses/standard_licenses/all
GET /api/v2/public_licenses/standard_licenses/:license_id
GET /api/v2/status health
GET /api/v2/auth/register
GET /api/v2/auth/login
POST /api/v2/auth/login login-json
GET /api/v2/auth/logout
GET /api/v2/auth login-cookie
GET /api/v2/auth/token login-token
GET /api/v2/auth/refresh_token
GET /api/v2/auth/broker/:identity_provider/token
GET / root
GET /public page
GET /profile page
GET /manage-users page
GET /apikeys page
GET /metadata-definitions page
GET /metadata-definitions/:metadataDefinitionId page
GET /create-dataset/ page
GET /datasets/:id view-dataset
GET /public_datasets/:id view-dataset
GET /files/:id view-file
GET /public_files/:id view-file
GET /auth/register page
GET /auth/login page
GET /auth/logout page
GET /groups page
GET /groups/:groupId page
GET /auth page
GET /search page
GET /public_search page
GET /extractions page
GET /feeds page
GET /feeds/:feedId page
GET /listeners page
GET /forbidden page
GET /docs page
GET /public/*
`;
