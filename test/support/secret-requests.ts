import { randomBytes } from 'node:crypto';
import type { Canaries } from './canaries.ts';

const FILE = '5f1e00000000000000000001';
const OTHER = '5f1e00000000000000000002';
const USER = '5f1e00000000000000000003';

/** A request to Clowder that contains secrets, and an answer with further secrets. */
export interface SecretRequest {
  /** Where the secrets are. */
  readonly what: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  /** Whether an event results: always, or only if the proxy sees the bodies. */
  readonly makes?: 'event' | 'event of the proxy';
  /** Its User-Agent, which is no secret: it shows that the request was noticed at all. */
  readonly agent: string;
}

/** Each submission creates its own job. */
const newJob = (): string => randomBytes(12).toString('hex');

interface Given {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly status?: number;
  readonly answer?: unknown;
  readonly answerHeaders?: Readonly<Record<string, string>>;
  readonly makes?: SecretRequest['makes'];
}

const BROWSER = { 'sec-fetch-mode': 'navigate', accept: 'text/html' };
const HTML = { 'content-type': 'text/html' };
const BYTES = { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment; filename="a.bin"' };

/**
 * All secrets in reference/clowder.md, "Keys and what must never leak", and in the redaction notes of the route tables.
 *
 * @param from name of the observer, used in the canaries' names and in each User-Agent
 */
export function secretRequests(canaries: Canaries, from: string): readonly SecretRequest[] {
  const requests: SecretRequest[] = [];
  const token = (what: string): string => canaries.token(`${what} (${from})`);
  const uuid = (what: string): string => canaries.uuid(`${what} (${from})`);
  const basic = (user: string, password: string): string =>
    canaries.alias(`Basic credentials (${from})`, Buffer.from(`${user}:${password}`).toString('base64'));
  const presigned = (what: string): string =>
    `http://minio:9000/clowder/${FILE}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${token(`${what}: X-Amz-Credential`)}` +
    `%2Fus-east-1&X-Amz-Security-Token=${token(`${what}: X-Amz-Security-Token`)}&x-amz-signature=${token(`${what}: X-Amz-Signature`)}`;

  function add(what: string, request: string, given: Given = {}): void {
    const [method = '', target = ''] = request.split(' ');
    const { body, answer } = given;
    const agent = `Mozilla/5.0 control-${from.replaceAll(/\W+/g, '-')}-${requests.length}-end`;
    requests.push({
      what,
      method,
      target,
      agent,
      headers: {
        'user-agent': agent,
        ...(typeof body === 'object' && { 'content-type': 'application/json' }),
        ...(typeof body === 'string' && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...given.headers,
      },
      body: body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
      answer: {
        status: given.status ?? 200,
        headers: { ...(typeof answer === 'object' && { 'content-type': 'application/json' }), ...given.answerHeaders },
        body: answer === undefined ? '' : typeof answer === 'string' ? answer : JSON.stringify(answer),
      },
      ...(given.makes !== undefined && { makes: given.makes }),
    });
  }
  const page = (what: string, target: string, given: Given = {}): void =>
    add(what, `GET ${target}`, { answer: '<p>', answerHeaders: HTML, headers: BROWSER, makes: 'event', ...given });
  const download = (what: string, target: string, headers: Readonly<Record<string, string>> = {}): void =>
    add(what, `GET ${target}`, { answer: 'bytes', answerHeaders: BYTES, headers, makes: 'event' });

  // v1: the key in the query, in any notation.
  download('key', `/api/files/${FILE}/blob?key=${uuid('key in the query')}&page=1`);
  download('key twice', `/api/files/${FILE}/blob?key=${uuid('first key')}&x=1&key=${uuid('second key')}`);
  download('key encoded', `/api/files/${FILE}/blob?%6b%65y=${uuid('key by an encoded name')}`);
  download('KEY', `/api/files/${FILE}/blob?KEY=${uuid('key in capitals')}`);
  download(
    'key after what cannot be decoded',
    `/api/files/${FILE}/blob?a=%zz&key=%zz${uuid('key that cannot be decoded')}`,
  );
  page(
    'key in a URL within',
    `/files/${FILE}?next=https%3A%2F%2Fx%2Ffiles%3Fa%3D1%26key%3D${uuid('key in a nested URL')}`,
  );
  page('key in a URL within, not encoded', `/files/${FILE}?next=/files?key=${uuid('key in a nested bare URL')}`);
  download(
    'token and password',
    `/api/files/${FILE}/blob?token=${token('token')}&access_token=${token('access_token')}&password=${token('password')}`,
  );
  page('absolute target', `http://clowder.example/files/${FILE}?key=${uuid('key of an absolute target')}`);
  add('user info', `GET http://me:${token('user info')}@clowder.example/files/${FILE}`, { status: 400 });

  // Headers.
  download('X-API-Key', `/api/files/${FILE}/blob`, { 'X-API-Key': uuid('X-API-Key') });
  download('Basic', `/api/files/${FILE}/blob`, {
    authorization: `Basic ${basic('me@example.org', token('Basic password'))}`,
  });
  download('Bearer', `/api/v2/files/${FILE}`, { authorization: `Bearer ${token('Bearer token')}` });
  page('cookies', `/files/${FILE}`, {
    headers: { ...BROWSER, cookie: `id=${token('session cookie')}; Authorization="Bearer ${token('cookie of v2')}"` },
    answerHeaders: { ...HTML, 'set-cookie': `id=${token('renewed session cookie')}; Path=/` },
  });
  page('Referer', `/files/${FILE}`, {
    headers: {
      ...BROWSER,
      referer: `https://me:${token('user info in Referer')}@clowder.example/files/${FILE}?key=${uuid('key in Referer')}#access_token=${token('token in Referer fragment')}`,
    },
  });
  page('Referer with a secret path', '/datasets/5f1e00000000000000000009', {
    headers: { ...BROWSER, referer: `https://clowder.example/reset/${uuid('reset token in Referer')}` },
  });
  page('Referer of a presigned page', '/datasets/5f1e00000000000000000009', {
    headers: { ...BROWSER, referer: presigned('Referer') },
  });

  // Logins.
  add('LDAP', `POST /ldap/authenticate?uid=${token('LDAP uid')}&password=${token('LDAP password')}`, {
    answer: { user: { id: USER } },
  });
  add('form login', 'POST /authenticate/userpass', {
    body: `username=me%40example.org&password=${token('password of a form')}`,
    status: 303,
    answerHeaders: { location: '/', 'set-cookie': `id=${token('session of a form login')}; Path=/; HTTPOnly` },
    makes: 'event of the proxy',
  });
  add('OAuth', `GET /authenticate/github?code=${token('OAuth code')}&state=${token('OAuth state')}`, {
    status: 303,
    answerHeaders: {
      location: `/?session_state=${token('session_state')}`,
      'set-cookie': `id=${token('session of OAuth')}`,
    },
    makes: 'event of the proxy',
  });
  add(
    'OAuth of v2',
    `GET /api/v2/auth?code=${token('code of v2')}&state=${token('state of v2')}&session_state=${token('session_state of v2')}`,
    {
      status: 307,
      answerHeaders: {
        location: `https://clowder.example/auth?token=${token('token in Location')}`,
        'set-cookie': `Authorization="Bearer ${token('cookie of OAuth')}"; Path=/`,
      },
      makes: 'event of the proxy',
    },
  );
  add(
    'tokens of v2',
    `GET /api/v2/auth/token?code=${token('code for a token')}&redirect_uri=https%3A%2F%2Fx%2F%3Fcode%3D${token('code in redirect_uri')}`,
    {
      answer: { access_token: token('access token'), refresh_token: token('refresh token') },
      makes: 'event',
    },
  );
  add('refresh', `GET /api/v2/auth/refresh_token?refresh_token=${token('refresh token in the query')}`, {
    answer: { access_token: token('refreshed token') },
  });
  add('login of v2', 'POST /api/v2/login', {
    body: { email: 'me@example.org', password: token('password of a login') },
    answer: { token: token('token of a login') },
    makes: 'event',
  });
  add('login refused', 'POST /api/v2/login', {
    body: { email: 'me@example.org', password: token('refused password') },
    status: 401,
    answer: { detail: `wrong password ${token('echoed password')}` },
  });

  // Accounts.
  page('sign-up page', `/signup/${uuid('sign-up token')}`);
  add('sign-up', `POST /signup/${uuid('sign-up token of a form')}`, {
    body: `userName=me&password.password1=${token('new password')}&email=me%40example.org`,
    status: 303,
    answerHeaders: { location: '/login' },
    makes: 'event of the proxy',
  });
  add('bad sign-up', `POST /signup/${uuid('bad sign-up token')}`, {
    status: 303,
    answerHeaders: { location: `/signup/${uuid('sign-up token in Location')}` },
  });
  add('invitation', `GET /signupInvite/${uuid('invitation token')}`, { answer: '<p>', answerHeaders: HTML });
  page('reset page', `/reset/${uuid('reset token')}`);
  add('reset page, path encoded', `GET /%72eset/${uuid('reset token below an encoded path')}`, {
    answer: '<p>',
    answerHeaders: HTML,
  });
  add('reset', `POST /reset/${uuid('reset token of a form')}`, {
    body: `password.password1=${token('reset password')}`,
    status: 303,
  });
  add('account of v2', 'POST /api/v2/users', {
    body: { email: 'me@example.org', password: token('password of an account') },
    answer: { id: USER, email: 'me@example.org' },
    makes: 'event',
  });
  add('keys of v1', 'GET /api/users/keys', { answer: [{ name: 'mine', key: uuid('listed key') }] });
  add('key of v1', 'GET /api/users/keys/mine', { answer: { mine: uuid('shown key') } });
  add('new key of v2', 'POST /api/v2/users/keys?name=mine', { answer: JSON.stringify(token('new key')) });
  add('deleted key', `DELETE /api/v2/users/keys/${uuid('key id')}`, { answer: { key: token('deleted key') } });

  // Links and object stores.
  download('share link', `/files/links/${canaries.id(`share link (${from})`)}`);
  add('presigned URL', `GET /api/v2/files/${FILE}/url/`, {
    answer: { presigned_url: presigned('answer') },
    makes: 'event',
  });
  page('presigned query', `/files/${FILE}?${presigned('query').split('?')[1] ?? ''}`);
  add('upload from a presigned URL', `POST /api/datasets/${OTHER}/urls?key=${uuid('key of an upload')}`, {
    body: { fileurl: presigned('uploaded URL') },
    answer: { id: FILE },
  });

  // Extractors.
  page(
    'private extractor',
    `/extractors/private.${token('key of an extractor in a path')}.ncsa.image/history?extractor_key=${token('extractor_key')}`,
  );
  add(
    'extractor info',
    `GET /api/extractors/private.${token('key of an extractor')}.ncsa.image?extractor_key=${token('extractor_key of an info')}`,
    {
      answer: { name: `private.${token('key of an extractor in an answer')}.ncsa.image` },
    },
  );
  add(
    'job of v2',
    `POST /api/v2/files/${FILE}/extract?extractorName=private.${token('key in extractorName')}.ncsa.image`,
    {
      body: { parameters: { secretKey: token('secretKey of a job') } },
      answer: JSON.stringify(newJob()),
      answerHeaders: { 'content-type': 'application/json' },
      makes: 'event',
    },
  );
  add('job of v1', `POST /api/files/${FILE}/extractions?key=${uuid('key of a job')}`, {
    body: { extractor: `private.${token('key of an extractor in a body')}.ncsa.image` },
    answer: { status: 'OK', job_id: newJob() },
    makes: 'event',
  });
  page('private extractor, encoded', `/extractors/private%2E${token('key of an extractor, encoded')}%2Encsa.image`);

  // Answers that echo the request, and failures.
  const echoed = uuid('echoed key');
  add('400 of v1', `GET /api/files/bad?key=${echoed}`, {
    status: 400,
    answer: `For request 'GET /api/files/bad?key=${echoed}' [invalid id]`,
    answerHeaders: HTML,
  });
  const failed = uuid('key of a failed health check');
  add('unhealthy', `GET /api/status?key=${failed}`, {
    status: 503,
    answer: `For request 'GET /api/status?key=${failed}' [mongo is away]`,
    makes: 'event',
  });
  add('500 of v1', `GET /api/datasets/${OTHER}?key=${uuid('key of a failed request')}`, {
    status: 500,
    answer: { error: `Bearer ${token('echoed token')}` },
  });
  add('not Clowder`s', `GET /nothing/here?key=${uuid('key of a request to nowhere')}`, { status: 404 });
  return requests;
}
