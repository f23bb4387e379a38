/**
 * Clowder v1's routes, in its order: the first that matches counts. A line: method, template (`:name` one segment,
 * `*name` the rest), and the rule that makes events of it, where one does (taxonomy/http/rules.ts).
 */
export const V1_ROUTES = `
OPTIONS /*path
GET /api/proxy/:endpoint_key
GET /api/proxy/:endpoint_key/
GET /api/proxy/:endpoint_key/*pathSuffix
GET /*path/
GET / page
GET /about page
GET /tos page
GET /email page
GET /healthz health
GET /contexts/metadata.jsonld
GET /assets/img/glyphicons-halflings-white.png
GET /assets/img/glyphicons-halflings.png
GET /assets/*file
GET /users page
GET /users/acceptTermsOfServices
GET /login/isLoggedIn
POST /users/sendEmail
GET /ldap
POST /ldap/authenticate
GET /profile/viewProfile
GET /profile/viewProfile/:uuid page
GET /profile/editProfile page
POST /profile/submitChanges
GET /profile/:uuid page
GET /error/authenticationRequired
GET /error/authenticationRequiredMessage/:msg/:url
GET /error/noPermissions page
GET /error/notActivated page
GET /error/notAuthorized page
GET /extractions/requests page
GET /extractions/servers_ips page
GET /extractions/extractors_names page
GET /extractions/supported_input_types page
GET /bookmarklet page
GET /bookmarklet.js
GET /extensions/dts/chrome page
GET /extraction/form page
POST /extraction/upload upload-hidden
GET /files
GET /files/new page
GET /files/metadataSearch page
GET /files/generalMetadataSearch page
GET /files/following page
GET /files/:id view-file
GET /files/:id/blob download-file
GET /files/:id/download/:format download-format
POST /upload upload-web
POST /uploadSelectQuery
POST /uploaddnd/:id upload-form
POST /uploadDragDrop
GET /fileThumbnail/:id/blob
GET /file_by_section/:id
GET /files/:file_id/extractions page
GET /files/:fileId/share page
GET /files/links/:linkId download-link
POST /files/:fileId/links
GET /datasets page
GET /datasets/sorted page
GET /datasets/new page
GET /datasets/createStep2 page
GET /datasets/metadataSearch page
GET /datasets/generalMetadataSearch page
GET /datasets/following page
GET /toolManager page
GET /datasets/refreshToolList
GET /datasets/launchableTools
GET /datasets/uploadToTool
GET /datasets/getInstances
GET /datasets/removeInstance
GET /datasets/launchTool
GET /datasets/:id view-dataset
POST /datasets/:datasetId/updatedFilesAndFolders
GET /datasets/:id/users page
GET /datasets_by_section/:id
POST /dataset/submit upload-web
GET /datasets/:id/addFiles page
GET /datasets/:id/:folderId/addFiles page
POST /datasets/:parentDatasetId/newFolder
GET /datasets/:id/extractions page
GET /collections page
GET /collections/sorted page
GET /collections/listChildCollections page
GET /collections/new page
GET /collections/:id/newchildCollection page
GET /collections/following page
POST /collection/submit collection-form
GET /collection/:id view-collection
GET /collection/:id/users page
GET /collections/:collection_id/previews page
GET /collection/:id/datasets
GET /collection/:id/childCollections
GET /spaces page
GET /spaces/new page
GET /spaces/following page
GET /spaces/:id view-space
GET /spaces/:id/updateSpace page
GET /spaces/:id/addRequest page
GET /spaces/:id/users page
GET /spaces/:id/extractors page
POST /spaces/:id/extractors
POST /spaces/:id/invite
GET /spaces/:id/metadata page
POST /spaces/submit space-form
GET /extractors/labels page
GET /extractors/:extractorName page
GET /extractors/:extractorName/metrics page
GET /extractors/:extractorName/logs page
GET /extractors/:extractorName/history page
GET /geostreams page
GET /geostreams/sensors page
GET /geostreams/sensors/new page
GET /geostreams/sensors/:id page
GET /metadata/search page
GET /metadata/:id page
GET /files/:file_id/metadata page
GET /datasets/:dataset_id/metadata page
GET /tags/list/ordered page
GET /tags/list/weighted page
GET /search page
GET /multimediasearch page
GET /advanced page
GET /SearchByText
POST /uploadquery
GET /searchbyURL page
GET /searchbyfeature/:section_id page
GET /files/:id/similar page
GET /queries/:id/similar page
POST /queries/similarWeightedIndexes
GET /previewers/list page
GET /login page
GET /logout
GET /signup page
POST /signup
GET /signup/:token page
POST /signup/:token signup-form
GET /signupInvite/:token
GET /reset page
POST /reset
GET /reset/:token page
POST /reset/:token
GET /password page
POST /password
GET /authenticate/:provider login-cookie
POST /authenticate/:provider login-cookie
GET /not-authorized page
GET /admin/customize page
GET /admin/tos page
GET /admin/users page
GET /admin/indexAdmin page
GET /admin/reindexFiles
GET /admin/adapters
GET /admin/extractors
GET /admin/measures
GET /admin/indexers
GET /admin/indexes
GET /admin/sections
GET /admin/metadata/definitions page
POST /admin/createIndex
POST /admin/index/:id/build
DELETE /admin/index/:id
DELETE /admin/index
GET /admin/roles page
GET /admin/roles/new page
POST /admin/roles/submitNew
DELETE /admin/roles/delete/:id
GET /admin/roles/:id/edit page
POST /admin/roles/update
GET /admin/extractions page
GET /admin/dataDumps page
GET /admin/sensors page
POST /api/sensors/config
GET /javascriptRoutes
GET /swagger
GET /swaggerUI
POST /api/admin/mail
POST /api/admin/users
POST /api/changeAppearance
POST /api/reindex
POST /api/deleteindex
POST /api/admin/configuration
POST /api/contexts
GET /api/contexts/:id
GET /api/contexts/:name/context.json
DELETE /api/contexts/:id
POST /api/datasets/:id/metadata.jsonld
GET /api/datasets/:id/metadata.jsonld
DELETE /api/datasets/:id/metadata.jsonld
POST /api/files/:id/metadata.jsonld
GET /api/files/:id/metadata.jsonld
DELETE /api/files/:id/metadata.jsonld
POST /api/files/metadata.jsonld
GET /api/files/metadata.jsonld
POST /api/metadata.jsonld
DELETE /api/metadata.jsonld/:id
GET /api/metadata/definition/:id
GET /api/metadata/definitions
GET /api/metadata/distinctdefinitions
GET /api/metadata/autocompletenames
GET /api/metadata/definitions/:id
GET /api/metadata/url/*in_url
PUT /api/metadata/definitions/:id
POST /api/metadata/definitions
DELETE /admin/metadata/definitions/:id
GET /api/metadata/people
GET /api/metadata/people/:pid
GET /api/metadata/repository/:id
GET /api/logos
POST /api/logos
GET /api/logos/:id
PUT /api/logos/:id
GET /api/logos/:id/blob
DELETE /api/logos/:id
GET /api/logos/:path/:name
PUT /api/logos/:path/:name
GET /api/logos/:path/:name/blob
DELETE /api/logos/:path/:name
POST /api/files/:three_d_file_id/geometries/:geometry_id
POST /api/files/:three_d_file_id/3dTextures/:texture_id
POST /api/files/:file_id/thumbnails/:thumbnail_id
POST /api/queries/:file_id/thumbnails/:thumbnail_id
GET /api/files
POST /api/files upload
POST /api/files/withFlags/:flags upload
POST /api/files/searchusermetadata
POST /api/files/searchmetadata
POST /api/uploadToDataset/withFlags/:id/:flags upload
POST /api/uploadToDataset/:id upload
PUT /api/files/:id/updateDescription
POST /api/files/uploadIntermediate/:idAndFlags upload
POST /api/files/sendJob/:fileId/:fileType
GET /api/files/getRDFURLsForFile/:id
GET /api/files/rdfUserMetadata/:id
GET /api/files/:id/blob download-file
POST /api/files/:id/remove delete-file
POST /api/files/bulkRemove delete-bulk
GET /api/files/:id/metadata
GET /api/files/:id/sections
POST /api/files/:id/metadata
GET /api/files/:id/metadataDefinitions
POST /api/files/:id/updateMetadata
POST /api/files/:id/versus_metadata
GET /api/files/:id/versus_metadata
GET /api/files/:id/usermetadatajson
POST /api/files/:id/usermetadata
GET /api/files/:id/technicalmetadatajson
GET /api/files/:id/xmlmetadatajson
POST /api/files/:id/follow
POST /api/files/:id/unfollow
POST /api/files/:id/comment
DELETE /api/files/:id delete-file
GET /api/files/:id/tags
POST /api/files/:id/tags
POST /api/files/:id/tags/remove
POST /api/files/:id/tags/remove_all
DELETE /api/files/:id/tags
POST /api/files/:id/license
GET /api/files/:id/extracted_metadata
PUT /api/files/:id/filename
POST /api/files/:id/reindex
GET /api/files/:id/users
GET /api/files/:id/paths
POST /api/files/:id/archive archive-file
POST /api/files/:id/sendArchiveRequest queue-file
POST /api/files/:id/unarchive unarchive-file
POST /api/files/:id/sendUnarchiveRequest queue-file
GET /api/extractors
GET /api/extractors/:name
POST /api/extractors
POST /api/extractors/labels
PUT /api/extractors/labels/:id
DELETE /api/extractors/labels/:id
POST /api/files/:file_id/extractions queue-file
POST /api/datasets/:ds_id/extractions queue-dataset
GET /api/extractions/requests
GET /api/extractions/servers_ips
GET /api/extractions/extractors_names
GET /api/extractions/supported_input_types
GET /api/extractions/extractors_details
POST /api/extractions/upload_url upload
POST /api/extractions/multiple_uploadby_url upload-keys
POST /api/extractions/upload_file upload
GET /api/extractions/:id/status
GET /api/extractions/:id/metadata
GET /api/extractions/:id/statuses
DELETE /api/extractions/:extractorName/delete
DELETE /api/files/:file_id/extractions/:msg_id
DELETE /api/datasets/:ds_id/extractions/:msg_id
POST /api/files/:id/previews/:p_id
GET /api/files/:id/listpreviews
GET /api/files/:id/getPreviews
GET /api/files/:id/isBeingProcessed
GET /api/files/:three_d_file_id/:filename
GET /api/queries/:id
GET /api/files/:id download-file
POST /api/dumpFilesMd
POST /api/dumpDatasetsMd
POST /api/dumpDatasetGroupings
GET /api/spaces
GET /api/spaces/canEdit
GET /api/spaces/:id
POST /api/spaces create-space
DELETE /api/spaces/:id delete-space
POST /api/spaces/:spaceId/removeCollection/:collectionId
POST /api/spaces/:spaceId/removeDataset/:datasetId
POST /api/spaces/:id/update
POST /api/spaces/:id/updateUsers
POST /api/spaces/:id/acceptRequest
POST /api/spaces/:id/rejectRequest
POST /api/spaces/:id/removeUser
POST /api/spaces/:spaceId/addDatasetToSpace/:datasetId
POST /api/spaces/:spaceId/addCollectionToSpace/:collectionId
POST /api/spaces/:id/follow
POST /api/spaces/:id/unfollow
POST /api/spaces/:id/metadata
PUT /api/spaces/:id/verify
GET /api/spaces/:id/datasets
GET /api/spaces/:id/collections
GET /api/collections
GET /api/collections/canEdit
GET /api/collections/datasetPossibleParents/:ds_id
GET /api/collections/possibleParents
POST /api/collections create-collection
GET /api/collections/rootCollections
GET /api/collections/topLevelCollections
GET /api/collections/allCollections
GET /api/collections/:id/download download-collection
GET /api/collections/listTrash
DELETE /api/collections/emptyTrash
DELETE /api/collections/clearOldCollectionsTrash
PUT /api/collections/restore/:collectionId
GET /api/collections/list
POST /api/collections/:id/follow
POST /api/collections/:id/unfollow
GET /api/collections/:coll_id/datasets
POST /api/collections/:coll_id/datasets/:ds_id
POST /api/collections/:coll_id/datasetsRemove/:ds_id/:ignoreNotFound
DELETE /api/collections/:coll_id/datasets/:ds_id
POST /api/collections/:coll_id/remove delete-collection
POST /api/collections/:coll_id/reindex
GET /api/collections/:coll_id/getDatasets
DELETE /api/collections/:coll_id delete-collection
POST /api/collections/:c_id/previews/:p_id
GET /api/collections/:coll_id
PUT /api/collections/:coll_id/title
PUT /api/collections/:coll_id/description
POST /api/collections/:coll_id/removeSubCollection/:sub_coll_id
POST /api/collections/:coll_id/rootFlag/:spaceId
POST /api/collections/:coll_id/unsetRootFlag/:spaceId
POST /api/collections/newCollectionWithParent create-collection
GET /api/collections/:coll_id/getChildCollectionIds
GET /api/collections/:coll_id/getChildCollections
GET /api/collections/:coll_id/getParentCollectionIds
GET /api/collections/:coll_id/getParentCollections
POST /api/collections/:coll_id/addSubCollection/:sub_coll_id
GET /api/collections/:coll_id/removeFromSpaceAllowed/:space_id
GET /api/datasets
GET /api/datasets/canEdit
GET /api/datasets/moveFileToDataset
POST /api/datasets create-dataset
POST /api/datasets/createempty create-dataset
POST /api/datasets/createfrombag create-text
POST /api/datasets/attachmultiple
POST /api/datasets/searchusermetadata
POST /api/datasets/searchmetadata
GET /api/datasets/listOutsideCollection/:coll_id
GET /api/datasets/listTrash
DELETE /api/datasets/emptyTrash
DELETE /api/datasets/clearOldDatasetsTrash
PUT /api/datasets/restore/:id
POST /api/datasets/:ds_id/filesRemove/:file_id/:ignoreNotFound
POST /api/datasets/:datasetId/moveFile/:toFolder/:fileId
POST /api/datasets/:datasetId/moveBetweenDatasets/:toDataset/:fileId
POST /api/datasets/:datasetId/moveToDataset/:fromFolder/:fileId
DELETE /api/datasets/:parentDatasetId/deleteFolder/:folderId
PUT /api/datasets/:parentDatasetId/updateName/:folderId
POST /api/datasets/:datasetId/copyDatasetToSpace/:spaceId create-copy
GET /api/datasets/:datasetId/folders
DELETE /api/datasets/:ds_id/:file_id
GET /api/datasets/getRDFURLsForDataset/:id
GET /api/datasets/rdfUserMetadata/:id
GET /api/datasets/:id/metadata
POST /api/datasets/:id/metadata
POST /api/datasets/:id/usermetadata
GET /api/datasets/:id/technicalmetadatajson
GET /api/datasets/:id/xmlmetadatajson
GET /api/datasets/:id/usermetadatajson
POST /api/datasets/:id/filesetUploadEvent
GET /api/datasets/:id/listFiles
GET /api/datasets/:id/listAllFiles
GET /api/datasets/:id/files
POST /api/datasets/:id/files upload
POST /api/datasets/:id/urls upload
GET /api/datasets/:id/download download-dataset
GET /api/datasets/:id/downloadPartial download-partial
GET /api/datasets/:id/downloadFolder download-folder
POST /api/datasets/:id/comment
POST /api/datasets/:id/reindex
POST /api/datasets/:id/follow
POST /api/datasets/:id/unfollow
POST /api/datasets/:id/removeTag
GET /api/datasets/:id/tags
POST /api/datasets/:id/tags
POST /api/datasets/:id/tags/remove
POST /api/datasets/:id/tags/remove_all
DELETE /api/datasets/:id/tags
PUT /api/datasets/:id/title
PUT /api/datasets/:id/description
POST /api/datasets/:id/creator
DELETE /api/datasets/:id/creator/remove
PUT /api/datasets/:id/creator/reorder
POST /api/datasets/:id/editing
POST /api/datasets/:id/license
GET /api/datasets/:id/isBeingProcessed
GET /api/datasets/:id/getPreviews
POST /api/datasets/:ds_id/files/:file_id
GET /api/datasets/:id
DELETE /api/datasets/:id delete-dataset
POST /api/datasets/:id/detachdelete delete-dataset
POST /api/datasets/:parentDatasetId/newFolder
PUT /api/datasets/:id/access
POST /api/datasets/:id/addFileEvent
GET /api/datasets/:id/users
POST /api/datasets/:id/queueArchival archive-dataset
POST /api/datasets/:id/queueUnarchival unarchive-dataset
GET /api/previews/:preview_id/textures/dataset/:datasetid/json
GET /api/previews/:preview_id/textures/dataset/:dataset_id//:filename
GET /api/previews/:dzi_id_dir/:level/:filename
POST /api/previews/:dzi_id/tiles/:tile_id/:level
POST /api/previews/:id/metadata
GET /api/previews/:id/metadata
POST /api/previews/:id/annotationAdd
POST /api/previews/:id/annotationEdit
GET /api/previews/:id/annotationsList
POST /api/previews/:id/title
GET /api/previews
GET /api/previews/:id
DELETE /api/previews/:id
POST /api/previews
POST /api/indexes
POST /api/indexes/features
POST /api/sections
POST /api/sections/:id/comments
POST /api/sections/:id/description
POST /api/sections/:id/thumbnails/:thumbnail_id
GET /api/sections/:id/tags
POST /api/sections/:id/tags
POST /api/sections/:id/tags/remove
POST /api/sections/:id/tags/remove_all
DELETE /api/sections/:id/tags
GET /api/sections/:id
DELETE /api/sections/:id
GET /api/search/json
GET /api/search/multimediasearch
GET /api/search
POST /api/geostreams/datapoints
POST /api/geostreams/datapoints/bulk
DELETE /api/geostreams/datapoints/:id
GET /api/geostreams/datapoints
GET /api/geostreams/datapoints/averages
GET /api/geostreams/datapoints/trends
GET /api/geostreams/datapoints/bin/:time/:depth
GET /api/geostreams/datapoints/:id
GET /api/geostreams/cache
GET /api/geostreams/cache/invalidate
GET /api/geostreams/cache/:id
POST /api/geostreams/sensors
GET /api/geostreams/sensors/update
GET /api/geostreams/sensors/:id
PUT /api/geostreams/sensors/:id
GET /api/geostreams/sensors/:id/stats
GET /api/geostreams/sensors/:id/streams
GET /api/geostreams/sensors/:id/update
GET /api/geostreams/sensors
DELETE /api/geostreams/sensors/:id
POST /api/geostreams/streams
GET /api/geostreams/streams/update
GET /api/geostreams/streams/:id
PUT /api/geostreams/streams/:id
GET /api/geostreams/streams/:id/update
GET /api/geostreams/streams
DELETE /api/geostreams/streams/:id
DELETE /api/geostreams/dropall
GET /api/geostreams/counts
GET /api/geostreams/config
POST /api/fileThumbnail
GET /api/thumbnails
GET /api/thumbnails/:id/blob
DELETE /api/thumbnails/:id
GET /api/sensors
POST /api/sensors
GET /api/sensors/:id
GET /api/sensors/search
DELETE /api/sensors/:id
POST /api/comment/mention
POST /api/comment/:id
DELETE /api/comment/:id/removeComment
POST /api/comment/:id/editComment
GET /selected page
GET /datasets/submit/:ds_id page
GET /api/selected
POST /api/selected
POST /api/selected/remove
DELETE /api/selected/files
GET /api/selected/files download-selected
POST /api/selected/clear
POST /api/selected/tag
POST /api/selected/submit/:ds_id/:file_ids queue-selected
GET /api/relations
GET /api/relations/search
GET /api/relations/:id
POST /api/relations
DELETE /api/relations/:id
GET /api/reports/metrics
GET /api/reports/metrics/files
GET /api/reports/metrics/datasets
GET /api/reports/metrics/collections
GET /api/reports/metrics/spaces
GET /api/reports/metrics/users
GET /api/reports/storage/spaces
GET /api/reports/metrics/extractors
POST /api/tiles
POST /api/geometries
POST /api/3dTextures
POST /api/sparqlquery
POST /api/projects/addproject
POST /api/institutions/addinstitution
GET /api/users
GET /api/users/email/:email
GET /api/me
POST /api/users/:id/updateName
GET /api/users/keys
GET /api/users/keys/:name
POST /api/users/keys
DELETE /api/users/keys/:key
POST /api/users/addUserDatasetView
POST /api/users/createNewListInUser
POST /api/users/follow
POST /api/users/unfollow
GET /api/curations/:curationId/ore
GET /api/users/:id
GET /users/followers page
GET /users/following page
GET /api/version
GET /api/status health
GET /rss
GET /rss/:etype
GET /dataset/:id/curations/new page
GET /space/curations page
POST /dataset/:id/curations/spaces/:spaceId/submit
GET /spaces/:id/stagingArea page
GET /spaces/curations/:id page
DELETE /spaces/curations/retract/:id
GET /spaces/curations/:id/edit page
POST /spaces/curations/:id/spaces/:spaceId/update
DELETE /spaces/curations/:id
GET /spaces/curations/:id/compareToRepository page
POST /spaces/curations/:id/submitRepositorySelection
GET /spaces/curations/:id/sendToRepository page
GET /spaces/curations/:id/matchmaker page
POST /spaces/curations/:id/matchmaker
GET /spaces/curations/:id/curationFile
POST /spaces/curations/:id/status
GET /spaces/curations/:id/getStatusFromRepository
DELETE /spaces/curations/:id/files/:curationFileId
DELETE /spaces/curations/:id/folders/:curationFolderId
GET /spaces/curations/:id/updatedFilesAndFolders
GET /spaces/curations/:id/getMetadataDefinitionsByFile
GET /spaces/curations/:id/metadataDefinitions
GET /publishedData page
GET /publishedData/:space page
POST /sendEmail
GET /getEvents
GET /api/vocabularies/list
POST /api/vocabularies/createVocabularyFromJson
POST /api/vocabularies/createVocabulary
GET /api/vocabularies/getByAuthor
GET /api/vocabularies/getPublic
GET /api/vocabularies/:vocab_id
PUT /api/editVocabulary/:vocab_id
GET /api/vocabularies/:name
GET /api/vocabularies/:name/getByNameAuthor
POST /api/vocabularies/:vocab_id/addToSpace/:space_id
POST /api/vocabuliaries/:vocab_id/removeFromSpace/:space_id
GET /api/vocabterms/list
GET /api/vocabterms/:id
GET /api/standardvocab
POST /api/standardvocab
GET /api/standardvocab/:id
GET /api/standardvocab/:id/terms
PUT /api/standardvocab/:id
DELETE /api/standardvocab/:id
POST /api/proxy/:endpoint_key
POST /api/proxy/:endpoint_key/
POST /api/proxy/:endpoint_key/*pathSuffix
PUT /api/proxy/:endpoint_key
PUT /api/proxy/:endpoint_key/
PUT /api/proxy/:endpoint_key/*pathSuffix
DELETE /api/proxy/:endpoint_key
DELETE /api/proxy/:endpoint_key/
DELETE /api/proxy/:endpoint_key/*pathSuffix
GET /extractors page
POST /extractors
GET /api/tree/getChildrenOfNode
`;
