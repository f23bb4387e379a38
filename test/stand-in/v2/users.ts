import { json, redirect, type AnswerMaker } from '../answer.ts';
import { given } from '../asked.ts';
import { USER } from './models.ts';

const TOKEN = 'eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOiJqd3QifQ.canary-jwt-signature';

export const login: AnswerMaker = (asked) =>
  given(asked, 'password') === 'wrong' ? json({ detail: 'Bad credentials' }, 401) : json({ token: TOKEN });

/** 409 if Keycloak already has the account. */
export const signUp: AnswerMaker = (asked, store) => {
  const email = given(asked, 'email') ?? '';
  if (email === USER.email) return json({ detail: 'User exists with same email' }, 409);
  return json({ ...USER, id: store.newId(), email, first_name: 'New', last_name: 'User' });
};

/** Where Keycloak sends the browser back to; the session cookie holds the token. */
export const loginByKeycloak: AnswerMaker = ({ query, site }) =>
  query.has('code')
    ? redirect(`${site}/auth`, 307, { 'set-cookie': `Authorization="Bearer ${TOKEN}"; Path=/` })
    : json({ detail: [{ loc: ['query', 'code'], msg: 'field required', type: 'value_error.missing' }] }, 422);

export const tokens: AnswerMaker = ({ query }) =>
  query.get('code') === 'bad'
    ? json({ detail: 'Invalid code' }, 400)
    : json({ access_token: TOKEN, refresh_token: 'canary-refresh-token', expires_in: 300 });

export const refresh: AnswerMaker = () => json({ access_token: TOKEN, expires_in: 300 });
export const toKeycloak: AnswerMaker = () =>
  redirect('http://keycloak.example.org/realms/clowder/protocol/openid-connect/auth?state=canary-state', 307);
export const profile: AnswerMaker = () => json(USER);
export const apiKey: AnswerMaker = () => json('canary-api-key-in-body');
export const status: AnswerMaker = () => json({ version: '2.0.0-beta.4' });
