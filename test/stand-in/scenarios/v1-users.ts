import { seedId } from '../seeds.ts';
import { downloaded } from './events.ts';
import { get, one, post, type ExpectedEvent, type Scenario } from './scenario.ts';

const by = { agent: 'browser' } as const;
const passwords = (first: string, second = first): Readonly<Record<string, string>> => ({
  userName: 'ada',
  'password.password1': first,
  'password.password2': second,
});
const LOGIN: ExpectedEvent = { event: 'user.login' };
const SIGN_UP: ExpectedEvent = { event: 'user.signup' };
const ping = (extra: Readonly<Record<string, string | number | boolean>> = {}): ExpectedEvent => ({
  event: 'health.ping',
  component: 'clowder',
  healthy: true,
  status_code: 200,
  ...extra,
});

const FILE = seedId('file', 450);
const BASIC = `Basic ${Buffer.from('ada@example.org:canary-password').toString('base64')}`;
const whole = { resource_id: FILE, file_name: 'file-450.txt', bytes: 1450 } as const;

const known: readonly Scenario[] = [
  one('a name that nobody had to check is not told', get(`/api/files/${FILE}/blob`, { headers: { authorization: BASIC } }), 200,
    [downloaded('file', whole)]),
  one("a session's cookie goes before Basic, and names nobody", get(`/api/files/${FILE}/blob`, { headers: { authorization: BASIC, cookie: 'id=canary-session' } }), 200,
    [downloaded('file', whole)]),
  one('an API key names nobody', get(`/api/files/${FILE}/blob`, { headers: { 'x-api-key': 'canary-header-key' } }), 200,
    [downloaded('file', whole)]),
]; // prettier-ignore

export const V1_USERS: readonly Scenario[] = [
  ...known,
  one('a login by password sets the session', post('/authenticate/userpass', { ...by, fields: { username: 'ada', password: 'canary-password' } }), 303,
    [{ ...LOGIN, user_name: 'ada' }], ['POST /authenticate/:provider']),
  one('a wrong password', post('/authenticate/userpass', { ...by, fields: { username: 'ada', password: 'wrong' } }), 400, []),
  one('the way back from a provider sets the session', get('/authenticate/google?code=canary-code&state=canary-state', by), 303,
    [LOGIN], ['GET /authenticate/:provider']),
  one('the way to a provider sets another cookie', get('/authenticate/google', by), 303, []),
  one('a provider that refuses', get('/authenticate/google?error=access_denied', by), 303, []),
  one('a directory check opens no session', post('/ldap/authenticate?uid=ada&password=canary-password', by), 200, []),
  one('a sign-up', post('/signup/canary-sign-up-token', { ...by, fields: passwords('canary-password') }), 303,
    [SIGN_UP], ['POST /signup/:token']),
  one('a sign-up whose link is too old', post('/signup/expired', { ...by, fields: passwords('canary-password') }), 303, []),
  one('a sign-up with two passwords', post('/signup/canary-sign-up-token', { ...by, fields: passwords('canary-password', 'x') }), 400, []),
  one('asking for a sign-up link makes no account', post('/signup', { ...by, fields: { email: 'ada@example.org' } }), 303, []),
  one('logging out', get('/logout', by), 303, []),
  one('who am I', get('/api/me'), 200, []),
  one('an API key in an answer', get('/api/users/keys'), 200, []),
  one('GET /healthz', get('/healthz'), 200, [ping()], ['GET /healthz']),
  one('a health check that fails tells of it', get('/healthz', { headers: { 'x-stand-in-status': '503' } }), 503,
    [ping({ healthy: false, status_code: 503 })]),
  one('any other request that fails does not', get('/datasets', { ...by, headers: { 'x-stand-in-status': '503' } }), 503, []),
  one('GET /api/status', get('/api/status'), 200, [ping({ version: '1.23.0' })], ['GET /api/status']),
  one('the version alone', get('/api/version'), 200, []),
]; // prettier-ignore
