/** What has to be read of a request's bodies to know what it amounts to; the rest is counted as it passes. */
export interface Look {
  /** The request's form fields, its uploaded parts, or its JSON. */
  readonly request: boolean;
  /** The answer's JSON, or its text. */
  readonly answer: boolean;
}

const NOTHING: Look = { request: false, answer: false };
const REQUEST: Look = { request: true, answer: false };
const ANSWER: Look = { request: false, answer: true };
const BOTH: Look = { request: true, answer: true };

/**
 * The look that each rule of a route needs (taxonomy/http/rules.ts), as its rule reads it. Pages and downloads need
 * none: path, status and headers say all of them.
 */
const LOOK_OF_RULE: Readonly<Record<string, Look>> = {
  root: ANSWER,
  health: ANSWER,
  'browse-file': ANSWER,
  'browse-dataset': ANSWER,
  'download-presigned': ANSWER,
  upload: BOTH,
  'upload-web': BOTH,
  'upload-form': REQUEST,
  'upload-hidden': REQUEST,
  'upload-keys': ANSWER,
  'delete-file': ANSWER,
  'archive-file': ANSWER,
  'unarchive-file': ANSWER,
  'delete-bulk': ANSWER,
  'create-dataset': BOTH,
  'create-text': ANSWER,
  'create-zip': BOTH,
  'create-copy': ANSWER,
  'create-collection': BOTH,
  'create-space': BOTH,
  'collection-form': REQUEST,
  'space-form': REQUEST,
  'delete-dataset': ANSWER,
  'archive-dataset': ANSWER,
  'unarchive-dataset': ANSWER,
  'delete-collection': ANSWER,
  'delete-space': ANSWER,
  'queue-file': BOTH,
  'queue-dataset': BOTH,
  'queue-resubmit': ANSWER,
  'queue-selected': BOTH,
  'login-cookie': REQUEST,
  'login-json': REQUEST,
  'login-token': ANSWER,
  'signup-form': REQUEST,
  'signup-answer': BOTH,
};

export function lookOf(rule: string | undefined): Look {
  return rule === undefined ? NOTHING : (LOOK_OF_RULE[rule] ?? NOTHING);
}
