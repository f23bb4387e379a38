import { html, json, redirect, text, typed, type Answer, type AnswerMaker } from '../answer.ts';
import { given } from '../asked.ts';

/** The account that makes every request to the stand-in. */
export const USER = { id: '5a55e55e0000000000000001', fullName: 'Ada Lovelace', email: 'ada@example.org' } as const;
const SESSION = { 'set-cookie': 'id=5e55104; Path=/; HttpOnly' } as const;
const PLAY_SESSION = { 'set-cookie': 'PLAY_SESSION=0123-originalUrl=%2F; Path=/; HttpOnly' } as const;

/** The login form with user name and password. */
export const login: AnswerMaker = (asked) =>
  given(asked, 'password') === 'wrong'
    ? html('<!doctype html><title>Login</title>Invalid credentials', 400)
    : redirect(`${asked.site}/`, 303, SESSION);

/** OAuth: redirects to the provider, which sends the browser back with a code or an error. */
export const loginByProvider: AnswerMaker = ({ query, site }) => {
  if (query.has('error')) return redirect(`${site}/login`);
  if (query.has('code')) return redirect(`${site}/`, 303, SESSION);
  return redirect('https://provider.example.org/authorize', 303, PLAY_SESSION);
};

export const signUp: AnswerMaker = (asked) => {
  if (asked.params['token'] === 'expired') return redirect(`${asked.site}/signup`);
  if (given(asked, 'password.password1') !== given(asked, 'password.password2'))
    return html('<!doctype html><title>Sign up</title>Passwords differ', 400);
  return redirect(`${asked.site}/login`);
};

export const me: AnswerMaker = () =>
  json(USER, 200, { 'x-user-id': USER.id, 'x-user-email': USER.email, 'x-user-name': USER.fullName });

export const byId: AnswerMaker = ({ params }) =>
  params['id'] === USER.id ? json(USER) : json('no user found with that id.', 400);

export const isLoggedIn: AnswerMaker = () => text('yes');
export const healthz: AnswerMaker = () => text('healthy');
export const logOut: AnswerMaker = ({ site }) =>
  redirect(`${site}/login`, 303, { 'set-cookie': 'id=; Max-Age=0; Path=/' });
export const toLogin: AnswerMaker = ({ site }) => redirect(`${site}/login`);
/** Checks a password but opens no session. */
export const ldap: AnswerMaker = () => json({ user: { uid: 'ada', mail: USER.email } });
export const apiKey: AnswerMaker = () => json({ name: 'mine', key: 'canary-api-key-in-body' });

const VERSION = { number: '1.23.0', branch: 'master', build: '1', gitsha1: 'abcdef0' };
export const version: AnswerMaker = () => json({ version: VERSION });
export const status: AnswerMaker = () =>
  json({
    instance: 'stand-in',
    version: VERSION,
    counts: { spaces: 1, collections: 1, datasets: 1, files: 1, bytes: 1, users: 1 },
    plugins: { mongo: true },
    storage: 'services.mongodb.MongoDBByteStorage',
    extractors: {},
  });

/** A static file with an ETag: 304 if the browser already has it. */
export const asset: AnswerMaker = (asked): Answer => {
  const etag = '"a55e7"';
  if (asked.header('if-none-match') === etag) return { status: 304, headers: { etag }, content: { kind: 'text', text: '' } }; // prettier-ignore
  const path = asked.url.split('?', 1)[0] ?? '';
  if (path.endsWith('.js')) return typed('text/javascript', SCRIPT, { etag });
  return path.endsWith('.html') ? html('<p>previewer', 200, { etag }) : typed('text/css', 'body{}', { etag });
};

/** What every open page does: it checks whether its user is still logged in, and loads fragments. */
const SCRIPT = `
const site = document.documentElement.dataset.site;
const asked = [fetch(site + '/login/isLoggedIn')];
const dataset = document.querySelector('input[name=datasetid]')?.value;
if (dataset) {
  asked.push(fetch(site + '/datasets/' + dataset + '/updatedFilesAndFolders', {
    method: 'POST', headers: { 'X-Requested-With': 'XMLHttpRequest' } }));
  document.querySelector('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const answer = await fetch(form.action, { method: 'POST', body: new FormData(form) });
    document.querySelector('#uploaded').textContent = await answer.text();
  });
}
Promise.all(asked).then(() => { document.body.dataset.loaded = 'yes'; });
`;
