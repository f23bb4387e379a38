import { expect, test } from 'vitest';
import { createAsk, type Answer, type AskOptions } from './ask.ts';
import { LOOKUPS } from './lookups.ts';
import { EnrichmentStats } from './stats.ts';

const LOOKUP = LOOKUPS.v1.space ?? LOOKUPS.v1.user;

function setUp(get: AskOptions['get'], options: Partial<AskOptions> = {}) {
  const stats = new EnrichmentStats();
  const ask = createAsk({ get, stats, timeoutMs: 60_000, ...options });
  return { stats, ask: () => ask(LOOKUP, '/api/spaces/1', { 'x-api-key': 'k' }) };
}

const answering = (answer: Answer) => () => Promise.resolve(answer);

test.each<[string, Answer, object, string]>([
  ['its facts', { status: 200, body: { name: 'S' } }, { facts: { name: 'S' } }, 'found'],
  ['nothing if the resource does not exist', { status: 404 }, { facts: null }, 'none'],
  ['nothing if it is forbidden', { status: 403 }, { facts: null }, 'none'],
  ['nothing without a login', { status: 401 }, { facts: null }, 'none'],
  ['nothing if v2 says null', { status: 200, body: null }, { facts: null }, 'none'],
  ['nothing if it redirects', { status: 303 }, { facts: null }, 'none'],
  ['a failure if Clowder fails', { status: 503 }, { failed: 'failed' }, 'failed'],
  ['a failure if Clowder has too much to do', { status: 429 }, { failed: 'failed' }, 'failed'],
  ['a failure if Clowder waited too long', { status: 408 }, { failed: 'failed' }, 'failed'],
])('an answer gives %s', async (_what, answer, expected, outcome) => {
  const { ask, stats } = setUp(answering(answer));
  expect(await ask()).toEqual(expected);
  expect([...stats.lookups]).toEqual([[outcome, 1]]);
});

test('a missing answer is a failure', async () => {
  const { ask } = setUp(() => Promise.reject(new Error('ECONNREFUSED')));
  expect(await ask()).toEqual({ failed: 'failed' });
});

test('an answer that takes too long is given up, and its request is aborted', async () => {
  let aborted = false;
  const never: AskOptions['get'] = (_path, _headers, signal) => {
    signal.addEventListener('abort', () => (aborted = true));
    return new Promise(() => undefined);
  };
  const { ask } = setUp(never, { timeoutMs: 20 });
  expect(await ask()).toEqual({ failed: 'timeout' });
  expect(aborted).toBe(true);
});

test('only a few look-ups run at once, only a few wait, and further ones are not made', async () => {
  const open: (() => void)[] = [];
  let most = 0;
  const get: AskOptions['get'] = () =>
    new Promise((resolve) => {
      open.push(() => resolve({ status: 404 }));
      most = Math.max(most, open.length);
    });
  const { ask, stats } = setUp(get, { concurrent: 2, queued: 3 });
  const all = Array.from({ length: 7 }, ask);
  expect(await Promise.all(all.slice(5))).toEqual([{ failed: 'busy' }, { failed: 'busy' }]);
  expect(open).toHaveLength(2);
  for (let answered = 0; answered < 5; answered += 1) {
    await expect.poll(() => open.length).toBeGreaterThan(0);
    open.shift()?.();
  }
  expect(await Promise.all(all.slice(0, 5))).toEqual(Array.from({ length: 5 }, () => ({ facts: null })));
  expect([most, stats.lookups.get('none'), stats.lookups.get('busy')]).toEqual([2, 5, 2]);
});

test('a Clowder that fails repeatedly is not asked for a while, then asked again', async () => {
  let asked = 0;
  let answer: Answer = { status: 500 };
  const { ask, stats } = setUp(
    () => {
      asked += 1;
      return Promise.resolve(answer);
    },
    { pauseMs: 50 },
  );
  for (let count = 0; count < 8; count += 1) await ask();
  expect([asked, stats.lookups.get('failed'), stats.lookups.get('paused')]).toEqual([5, 5, 3]);
  answer = { status: 200, body: { name: 'S' } };
  await expect.poll(ask).toEqual({ facts: { name: 'S' } });
  expect(await ask()).toEqual({ facts: { name: 'S' } });
});
