import { expect, test } from 'vitest';
import { NackedTopics } from './nacked-topics.ts';

function setUp() {
  const clock = { ms: 0 };
  const topics = new NackedTopics(() => clock.ms);
  /** How long until the channel is given up, if each of these is nacked every 100 ms. */
  const givesUpAfter = (...keys: readonly string[]): number => {
    const from = clock.ms;
    for (;;) {
      for (const key of keys) topics.nacked(key);
      if (topics.giveUp()) return clock.ms - from;
      clock.ms += 100;
    }
  };
  return { clock, topics, givesUpAfter };
}

test('a channel is given up once a type has had only nacks for five seconds', () => {
  const { givesUpAfter } = setUp();
  expect(givesUpAfter('view.page')).toBe(5000);
});

test('a type that sometimes succeeds is no reason to give up the channel, whatever happens to others', () => {
  const { clock, topics } = setUp();
  for (; clock.ms < 60_000; clock.ms += 1000) {
    topics.nacked('view.page');
    topics.taken('file.uploaded');
    if (clock.ms % 3000 === 0) topics.taken('view.page');
    expect(topics.giveUp()).toBe(false);
  }
});

test('if new channels do not help, they are opened ever more rarely, down to once a minute', () => {
  const { topics, givesUpAfter } = setUp();
  const pauses = Array.from({ length: 6 }, () => {
    const pause = givesUpAfter('view.page');
    topics.begun();
    return pause;
  });
  expect(pauses).toEqual([5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
});

test('a new channel that helped may soon be given up again', () => {
  const { topics, givesUpAfter } = setUp();
  expect([givesUpAfter('view.page'), givesUpAfter('view.page')]).toEqual([5000, 5000]);
  topics.begun();
  topics.taken('file.uploaded');
  expect(givesUpAfter('view.page')).toBe(20_000);
  topics.begun();
  topics.taken('view.page');
  expect(givesUpAfter('view.page')).toBe(5000);
});

test('nacks on an earlier channel do not count', () => {
  const { clock, topics } = setUp();
  topics.nacked('view.page');
  topics.begun();
  clock.ms = 3_600_000;
  expect(topics.giveUp()).toBe(false);
});
