import { expect, test } from 'vitest';
import { RefusedTopics } from './refused-topics.ts';

const refusal = (topic: string): Error =>
  Object.assign(
    new Error(
      `403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - access to topic '${topic}' in exchange 'e' refused"`,
    ),
    { code: 403 },
  );

test('a refused routing key counts as refused for a second, then for twice as long, up to ten seconds', () => {
  let now = 0;
  const topics = new RefusedTopics(() => now);
  const pauses: number[] = [];
  for (let refusals = 0; refusals < 6; refusals += 1) {
    expect(topics.reasonFor('view.page')).toBeUndefined();
    expect(topics.learn('view.page', refusal('view.page'), `refused ${refusals}`)).toBe(true);
    const from = now;
    while (topics.reasonFor('view.page') === `refused ${refusals}`) now += 10;
    pauses.push(now - from);
  }
  for (const [index, pause] of pauses.entries()) {
    const most = Math.min(10_000, 1000 * 2 ** index);
    expect(pause).toBeGreaterThanOrEqual(most / 2);
    expect(pause).toBeLessThanOrEqual(most + 10);
  }
});

test('only refusals by topic permissions concern the routing key, and another key is tried', () => {
  const topics = new RefusedTopics(() => 0);
  const tooLarge = Object.assign(new Error('406 message size 8 is larger than configured max size 4'), { code: 406 });
  expect(topics.learn('view.page', tooLarge, 'too large')).toBe(false);
  expect(topics.learn('view.page', refusal('file.uploaded'), 'another')).toBe(false);
  expect(topics.reasonFor('view.page')).toBeUndefined();
  topics.learn('view.page', refusal('view.page'), 'refused');
  expect([topics.reasonFor('view.page'), topics.reasonFor('file.uploaded')]).toEqual(['refused', undefined]);
});

test('a key that was refused before is to blame alone, until the broker accepts a message with it', () => {
  const topics = new RefusedTopics(() => 0);
  expect(topics.refusedAgain(refusal('view.page'))).toBeUndefined();
  topics.learn('view.page', refusal('view.page'), 'refused');
  expect(topics.refusedAgain(refusal('view.page'))).toBe('view.page');
  topics.forget('view.page');
  expect(topics.refusedAgain(refusal('view.page'))).toBeUndefined();
  expect(topics.reasonFor('view.page')).toBeUndefined();
});
