import { VIEW_WITHIN_S } from '../folding/views.ts';
import { redactExtractorName } from '../redaction.ts';
import { claimedBy, type Claimed } from './credentials.ts';
import { downloads, presigned } from './download-rules.ts';
import {
  asId,
  asText,
  field,
  MOST_NAMED,
  known,
  type AnswerFacts,
  type Data,
  type Facts,
  type HeadFacts,
  type RequestFacts,
} from './facts.ts';
import { byAnswer, byBoth, byHead, byRequest, type Rule } from './rule.ts';
import type { HttpEvent, Json } from './types.ts';
import { uploadAnswer, uploadHidden, uploadKeys, uploadWeb } from './upload-rules.ts';

type Container = 'dataset' | 'collection' | 'space';

const one = (event: HttpEvent['event'], data: Data): HttpEvent[] => [{ event, data: known(data) }];

/** Rules for a change to one file, or to one dataset, collection or space, named in the path. */
const fileChanged = (event: 'file.deleted' | 'file.archived' | 'file.unarchived'): Rule =>
  byAnswer((facts) => {
    const id = facts.pathId('id');
    return facts.ok && id !== undefined && !facts.refusedInBody ? one(event, { file_id: id }) : [];
  });

const containerChanged = (event: HttpEvent['event'], ...params: string[]): Rule =>
  byAnswer((facts) => {
    const id = facts.pathId(...params);
    return facts.ok && id !== undefined && !facts.refusedInBody ? one(event, { resource_id: id }) : [];
  });

/** A create that answers with the id. If the body was seen and has no id, nothing was created. */
function createdAs(type: Container, id: string | undefined, facts: AnswerFacts, asked: Data = {}): HttpEvent[] {
  if (!facts.ok || facts.refusedInBody || (facts.sawAnswer && id === undefined)) return [];
  return one(`${type}.created`, {
    resource_id: id,
    resource_name: asked.resource_name ?? asText(facts.answerField('name')),
    space_id: type === 'space' ? undefined : (facts.pathId('spaceId') ?? asked.space_id),
  });
}

const createdWithForm = (type: Container, facts: Facts): HttpEvent[] =>
  createdAs(type, asId(facts.answerField('id')), facts, {
    resource_name: facts.formText('name'),
    space_id: spaceOf(facts),
  });

const created = (type: Container): Rule => byBoth((facts) => createdWithForm(type, facts));

/** Returns the first space named in a form or JSON, as a list or separated by commas; v1's `default` is not a space. */
function spaceOf(facts: RequestFacts): string | undefined {
  const spaces = facts.form('space');
  const first = Array.isArray(spaces) ? spaces[0] : spaces;
  return typeof first === 'string' ? asId(first.split(',', 1)[0]?.trim()) : undefined;
}

/** A page form that answers with a redirect to what it created. */
function createdByForm(type: 'collection' | 'space', path: RegExp, isCreate: (facts: RequestFacts) => boolean): Rule {
  return byRequest((facts) => {
    if (facts.request.status !== 303 || !isCreate(facts)) return [];
    const target = asId(path.exec(facts.location)?.[1]);
    if (target === undefined) return [];
    // With a parent, the redirect leads to the parent. The target is certainly new only if the form was seen and names no
    // parent.
    const { requestBody } = facts.request;
    const isParent = type === 'collection' && (requestBody === undefined || facts.form('parentcolid') !== undefined);
    return one(`${type}.created`, {
      resource_id: isParent ? undefined : target,
      resource_name: facts.formText('name'),
      space_id: type === 'collection' ? spaceOf(facts) : undefined,
    });
  });
}

/** A page of one resource, whether sent anew or already in the browser's cache. */
const view = (type: 'file' | Container): Rule =>
  byHead((facts) => {
    if (!(facts.ok || facts.request.status === 304) || !facts.isHtml) return [];
    const id = facts.pathId('id');
    if (id === undefined) return pageOf(facts);
    return one('view.resource', {
      resource_type: type,
      resource_id: id,
      dataset_id: asId(facts.query('dataset')),
      folder_id: asId(facts.query('folder')),
      space_id: asId(facts.query('space')),
    });
  });

/** v2's web application requests its content from the API: a view, if a browser sends the request. */
const browse = (type: 'file' | 'dataset'): Rule =>
  byAnswer((facts) => {
    const id = facts.pathId('id');
    const { status } = facts.request;
    if (!(facts.ok || status === 304) || id === undefined || facts.answer === null) return [];
    if (!facts.isByBrowser || facts.isAskedByAnother(type, id)) return [];
    return [
      {
        event: 'view.resource',
        data: known({
          resource_type: type,
          resource_id: id,
          resource_name: asText(facts.answerField('name')),
          dataset_id: asId(facts.answerField('dataset_id')),
          folder_id: asId(facts.answerField('folder_id')),
        }),
        collapseWithinS: VIEW_WITHIN_S,
      },
    ];
  });

const pageOf = (facts: HeadFacts): HttpEvent[] =>
  (facts.ok || facts.request.status === 304) && facts.isHtml ? one('view.page', {}) : [];

const UNHEALTHY = /^(?:unhealthy|down|fail\w*|error|degraded|unavailable)$/i;

function healthOf(facts: AnswerFacts): HttpEvent[] {
  const { status: code } = facts.request;
  if (!Number.isInteger(code) || code < 100 || code > 999) return [];
  const answer = facts.answer;
  const status = asText(field(answer, 'status'));
  const isHealthz = facts.route.route.template === '/healthz';
  const saysUnhealthy =
    (isHealthz && typeof answer === 'string' && !/\bhealthy\b/i.test(answer)) ||
    (status !== undefined && UNHEALTHY.test(status));
  return one('health.ping', {
    healthy: facts.ok && !facts.refusedInBody && !saysUnhealthy,
    component: 'clowder',
    status_code: code,
    response_time_ms: facts.request.durationMs,
    version: asText(field(facts.answerField('version'), 'number')) ?? asText(facts.answerField('version')),
  });
}

/** In v2, only the backend answers with JSON at `/`, for the probes of Kubernetes. */
const root = byAnswer((facts) =>
  /json/i.test(facts.request.responseHeader('content-type') ?? '') ? healthOf(facts) : pageOf(facts),
);

const deleteBulk = byAnswer((facts) => {
  const deleted = facts.answerField('deleted');
  if (!facts.ok || !Array.isArray(deleted)) return [];
  return deleted.flatMap((id) => (asId(id) === undefined ? [] : one('file.deleted', { file_id: asId(id) })));
});

const extractorOf = (facts: RequestFacts): string | undefined =>
  extractorNamed(facts.query('extractorName') ?? facts.formText('extractor'));

const extractorNamed = (name: string | undefined): string | undefined =>
  name === undefined ? undefined : redactExtractorName(name);

function queuedFor(about: Data, extractor: string | undefined, facts: AnswerFacts): HttpEvent[] {
  if (!facts.ok || facts.refusedInBody) return [];
  const jobId = asId(facts.answer) ?? asText(facts.answerField('job_id'));
  return one('extraction.queued', { ...about, extractor_name: extractor, job_id: jobId });
}

const queued = (field_: 'file_id' | 'dataset_id', ...params: string[]): Rule =>
  byBoth((facts) => {
    const id = facts.pathId(...params);
    return id === undefined ? [] : queuedFor({ [field_]: id }, extractorOf(facts), facts);
  });

/** v2 reports for each listener whether it took the job. Usually none did, so an unseen response proves nothing. */
const queueResubmit = byAnswer((facts) => {
  const { answer } = facts;
  const id = facts.pathId('id');
  const taken = Array.isArray(answer) && answer.some((one_) => field(one_, 'status') === 'success');
  return taken && id !== undefined
    ? queuedFor({ file_id: id }, extractorNamed(facts.query('extractorName')), facts)
    : [];
});

const queueSelected = byBoth((facts) => {
  if (!facts.ok || facts.refusedInBody) return [];
  const datasetId = facts.pathId('ds_id');
  const jobs = facts.answerField('jobs');
  const entries: [string, Json | undefined][] =
    typeof jobs === 'object' && jobs !== null && !Array.isArray(jobs)
      ? Object.entries(jobs)
      : facts.sawAnswer
        ? []
        : (facts.param('file_ids') ?? '')
            .split(',')
            .slice(0, MOST_NAMED)
            .map((id) => [id, undefined]);
  return entries.flatMap(([file, job]) =>
    asId(file) === undefined
      ? []
      : one('extraction.queued', {
          file_id: asId(file),
          dataset_id: datasetId,
          job_id: asText(job),
          extractor_name: extractorOf(facts),
        }),
  );
});

const login = ({ userName, userId }: Claimed): HttpEvent[] =>
  one('user.login', { user_name: userName, user_id: userId });

/** A response that starts a session is a login; in v2, its token names the user. */
const loginCookie = byRequest((facts) => {
  const redirected = facts.request.status >= 300 && facts.request.status < 400;
  const session = redirected ? facts.session : undefined;
  if (session === undefined) return [];
  const userName = facts.formText('username');
  return login(userName === undefined ? claimedBy(session) : { userName });
});

const loginJson = byRequest((facts) => {
  const userName = facts.formText('email');
  return facts.ok ? login(userName === undefined ? {} : { userName }) : [];
});

/** Clowder made the token in the response, so it names the user. */
const loginToken = byAnswer((facts) => {
  const token = asText(facts.answerField('access_token'));
  return facts.ok && !facts.refusedInBody ? login(token === undefined ? {} : claimedBy(token)) : [];
});

/** v1's sign-up form has no e-mail address: only the link that leads to it has. */
const signupForm = byRequest((facts) => {
  const accepted = facts.request.status === 303 && facts.location !== '' && !/\/signup(?:[/?#]|$)/.test(facts.location);
  const fullName = ['firstName', 'lastName'].flatMap((name) => facts.formText(name) ?? []).join(' ');
  return accepted ? one('user.signup', { user_name: facts.formText('email') ?? fullName }) : [];
});

const signupAnswer = byBoth((facts) =>
  facts.ok && !facts.refusedInBody
    ? one('user.signup', {
        user_id: asId(facts.answerField('id')),
        user_name: asText(facts.answerField('email')) ?? facts.formText('email'),
      })
    : [],
);

/** Rules by their names in the route tables: how each finds its events, and which bodies it must read. */
export const RULES = {
  page: byHead(pageOf),
  root,
  health: byAnswer(healthOf),
  'view-file': view('file'),
  'view-dataset': view('dataset'),
  'view-collection': view('collection'),
  'view-space': view('space'),
  'browse-file': browse('file'),
  'browse-dataset': browse('dataset'),
  ...downloads,
  'download-presigned': presigned,
  upload: uploadAnswer,
  'upload-web': uploadWeb,
  'upload-form': uploadHidden(303),
  'upload-hidden': uploadHidden(200),
  'upload-keys': uploadKeys,
  'delete-file': fileChanged('file.deleted'),
  'archive-file': fileChanged('file.archived'),
  'unarchive-file': fileChanged('file.unarchived'),
  'delete-bulk': deleteBulk,
  'create-dataset': created('dataset'),
  'create-text': byAnswer((facts) =>
    createdAs(
      'dataset',
      asId(typeof facts.answer === 'string' ? /([0-9a-f]{24})\s*"?$/i.exec(facts.answer)?.[1] : undefined),
      facts,
    ),
  ),
  // v2 may answer 200 and store nothing: only an id proves a dataset.
  'create-zip': byBoth((facts) => (facts.sawAnswer ? createdWithForm('dataset', facts) : [])),
  'create-copy': byAnswer((facts) => createdAs('dataset', asId(facts.answerField('newDatasetId')), facts)),
  'create-collection': created('collection'),
  'create-space': created('space'),
  'collection-form': createdByForm('collection', /\/collection\/([^/?#]+)/, () => true),
  'space-form': createdByForm(
    'space',
    /\/spaces\/([^/?#]+)/,
    (facts) => facts.formText('submitValue')?.toLowerCase() === 'create',
  ),
  'delete-dataset': containerChanged('dataset.deleted', 'id'),
  'archive-dataset': containerChanged('dataset.archived', 'id'),
  'unarchive-dataset': containerChanged('dataset.unarchived', 'id'),
  'delete-collection': containerChanged('collection.deleted', 'coll_id'),
  'delete-space': containerChanged('space.deleted', 'id'),
  'queue-file': queued('file_id', 'id', 'file_id'),
  'queue-dataset': queued('dataset_id', 'id', 'ds_id'),
  'queue-resubmit': queueResubmit,
  'queue-selected': queueSelected,
  'login-cookie': loginCookie,
  'login-json': loginJson,
  'login-token': loginToken,
  'signup-form': signupForm,
  'signup-answer': signupAnswer,
} as const satisfies Readonly<Record<string, Rule>>;

/** A route that names any other rule does not compile. */
export type RuleName = keyof typeof RULES;
