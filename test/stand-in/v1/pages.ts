import { html, redirect, type AnswerMaker } from '../answer.ts';
import type { Asked } from '../asked.ts';
import { failed } from './files.ts';

const asPath = (list: string): readonly string[] => list.trim().split(/\s+/);

/** Pages about no single resource, or about one that is no file, dataset, collection or space. */
export const PAGES = asPath(`
/ /about /tos /email /users /profile/viewProfile/:uuid /profile/editProfile /profile/:uuid
/error/noPermissions /error/notActivated /error/notAuthorized
/extractions/requests /extractions/servers_ips /extractions/extractors_names /extractions/supported_input_types
/bookmarklet /extensions/dts/chrome /extraction/form
/files/new /files/metadataSearch /files/generalMetadataSearch /files/following
/files/:file_id/extractions /files/:fileId/share
/datasets /datasets/sorted /datasets/new /datasets/createStep2 /datasets/metadataSearch
/datasets/generalMetadataSearch /datasets/following /toolManager
/datasets/submit/:ds_id
/datasets/:id/users /datasets/:id/addFiles /datasets/:id/:folderId/addFiles /datasets/:id/extractions
/collections /collections/sorted /collections/listChildCollections /collections/new
/collections/:id/newchildCollection /collections/following /collection/:id/users
/collections/:collection_id/previews
/spaces /spaces/new /spaces/following /spaces/curations/:id /spaces/curations/:id/edit
/spaces/curations/:id/compareToRepository /spaces/curations/:id/sendToRepository /spaces/curations/:id/matchmaker
/spaces/:id/updateSpace /spaces/:id/addRequest /spaces/:id/users /spaces/:id/extractors /spaces/:id/metadata
/spaces/:id/stagingArea
/extractors /extractors/labels /extractors/:extractorName /extractors/:extractorName/metrics
/extractors/:extractorName/logs /extractors/:extractorName/history
/geostreams /geostreams/sensors /geostreams/sensors/new /geostreams/sensors/:id
/metadata/search /metadata/:id /files/:file_id/metadata /datasets/:dataset_id/metadata
/tags/list/ordered /tags/list/weighted /search /multimediasearch /advanced /searchbyURL /searchbyfeature/:section_id
/files/:id/similar /queries/:id/similar /previewers/list
/login /signup /signup/:token /reset /reset/:token /password /not-authorized
/admin/customize /admin/tos /admin/users /admin/indexAdmin /admin/metadata/definitions /admin/roles /admin/roles/new
/admin/roles/:id/edit /admin/extractions /admin/dataDumps /admin/sensors
/selected /users/followers /users/following
/dataset/:id/curations/new /space/curations /publishedData /publishedData/:space
`);

/** Answers for the pages' own scripts: HTML fragments, texts, and binaries that are no download. */
export const QUIET_GETS = asPath(`
/users/acceptTermsOfServices /ldap /profile/viewProfile
/error/authenticationRequired /error/authenticationRequiredMessage/:msg/:url
/files /fileThumbnail/:id/blob /file_by_section/:id
/datasets/refreshToolList /datasets/launchableTools /datasets/uploadToTool /datasets/getInstances
/datasets/removeInstance /datasets/launchTool /datasets_by_section/:id
/collection/:id/datasets /collection/:id/childCollections
/SearchByText /admin/reindexFiles /admin/adapters /admin/extractors /admin/measures /admin/indexers /admin/indexes
/admin/sections /spaces/curations/:id/curationFile /spaces/curations/:id/getStatusFromRepository
/spaces/curations/:id/updatedFilesAndFolders /spaces/curations/:id/getMetadataDefinitionsByFile
/spaces/curations/:id/metadataDefinitions /getEvents /contexts/metadata.jsonld
`);
export const QUIET_POSTS = asPath(`
/users/sendEmail /profile/submitChanges /uploadSelectQuery /uploadDragDrop /files/:fileId/links
/datasets/:datasetId/updatedFilesAndFolders /datasets/:parentDatasetId/newFolder
/spaces/:id/extractors /spaces/:id/invite /uploadquery /queries/similarWeightedIndexes
/reset /reset/:token /password /admin/createIndex /admin/index/:id/build /admin/roles/submitNew /admin/roles/update
/dataset/:id/curations/spaces/:spaceId/submit /spaces/curations/:id/spaces/:spaceId/update
/spaces/curations/:id/submitRepositorySelection /spaces/curations/:id/matchmaker /spaces/curations/:id/status
/sendEmail /extractors
`);
export const QUIET_DELETES = asPath(`
/admin/index/:id /admin/index /admin/roles/delete/:id /admin/metadata/definitions/:id
/spaces/curations/retract/:id /spaces/curations/:id /spaces/curations/:id/files/:curationFileId
/spaces/curations/:id/folders/:curationFolderId
`);

const document = ({ site }: Asked, title: string, body: string): ReturnType<AnswerMaker> =>
  html(`<!doctype html>
<html data-site="${site}"><head><title>${title}</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="${site}/assets/stylesheets/main.css">
<script src="${site}/assets/javascripts/main.js" defer></script></head>
<body><h1>${title}</h1>${body}</body></html>`);

export const page: AnswerMaker = (asked) => document(asked, 'Clowder', '');
export const fragment: AnswerMaker = () => html('<ul><li>fragment</ul>');

/** A file's page, whose previewer loads the file's bytes. */
export const filePage: AnswerMaker = (asked, store) => {
  const file = store.file(asked.params['id'] ?? '');
  if (file === undefined) return failed(asked, 400);
  if (file.trait === 'private') return redirect(`${asked.site}/login`);
  const { id, name } = file;
  return document(
    asked,
    name,
    `<img src="${asked.site}/files/${id}/blob" alt="">
<a id="download" href="${asked.site}/api/files/${id}/blob" download="${name}">Download</a>`,
  );
};

/** A dataset's page, with its upload form. */
export const datasetPage: AnswerMaker = (asked, store) => {
  const dataset = store.thing('dataset', asked.params['id'] ?? '');
  if (dataset === undefined) return failed(asked, 400);
  const { id, name } = dataset;
  return document(
    asked,
    name,
    `<form method="post" enctype="multipart/form-data" action="${asked.site}/dataset/submit">
<input type="hidden" name="datasetid" value="${id}"><input type="file" name="files[]" multiple>
<button>Upload</button></form><pre id="uploaded"></pre>`,
  );
};

/** A collection's or space's page; a private space answers 403 with a page. */
export const thingPage =
  (kind: 'collection' | 'space'): AnswerMaker =>
  (asked, store) => {
    const thing = store.thing(kind, asked.params['id'] ?? '');
    if (thing === undefined) return failed(asked, 400);
    return thing.trait === 'private' ? failed(asked, 403) : document(asked, thing.name, '');
  };
