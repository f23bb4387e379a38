import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Overview, Reading, Source } from '../../../dashboard/app/api.ts';
import { ANCHORS, healthOf } from '../../../dashboard/app/health.ts';
import { guidePage } from '../../../tools/guide.ts';

const NOW = 1_000_000_000;
const WELL: Overview = {
  now_ms: NOW,
  version: '0',
  readiness: {
    status: 'ready',
    checks: { journal: { ok: true }, broker: { ok: true }, backlog: { ok: true }, usage: { ok: true } },
  },
  backlog: { events: 0, exact: true, oldest_s: null, bytes: 0 },
  held: [],
  rejected: 0,
  complete: true,
  sources: [],
  probes: [],
  programs: [],
  traces_url: null,
};
const READING: Reading = {
  target: 'http://clowder/healthz',
  component: 'clowder',
  probe: 'clowder',
  healthy: true,
  at_ms: NOW,
  since_ms: NOW - 60_000,
  stale: false,
  error: null,
  measures: {},
};
const SOURCE: Source = {
  source: 'proxy',
  last_ms: NOW,
  silent_s: 0,
  usual_s: 3,
  longest_s: 60,
  events: 100,
  unusual: false,
};
const withCheck = (name: string, check: { ok: boolean; reason: string; events?: number }): Overview => ({
  ...WELL,
  readiness: { status: 'degraded', checks: { ...WELL.readiness.checks, [name]: check } },
});

describe('the sentence', () => {
  test('is green if nothing at all is wrong, and says what that is based on', () => {
    const { level, sentence, problems } = healthOf({ ...WELL, probes: [READING], sources: [SOURCE] });
    expect({ level, problems }).toEqual({ level: 'well', problems: [] });
    expect(sentence).toBe('All is well: events are accepted and published, usage is counted and 1 probe is up.');
  });

  test.each<[string, Overview, RegExp]>([
    ['RabbitMQ is away', withCheck('broker', { ok: false, reason: 'Nobody listens' }), /RabbitMQ is away\.$/],
    [
      'RabbitMQ blocks',
      withCheck('broker', { ok: false, reason: 'has blocked publishers' }),
      /RabbitMQ accepts nothing/,
    ],
    [
      'no queue is bound',
      withCheck('unroutable', { ok: false, reason: 'r', events: 20_000 }),
      /20,000 events go to no/,
    ],
    ['a queue is full', withCheck('nacked', { ok: false, reason: 'r', events: 3 }), /full queue refuses 3 events/],
    ['counting has stopped', withCheck('usage', { ok: false, reason: 'r' }), /counting has stopped/],
    ['a check is unknown', withCheck('moon', { ok: false, reason: 'r' }), /moon is not well/],
    [
      'events wait',
      { ...WELL, backlog: { events: 7, exact: true, oldest_s: 90, bytes: 9 } },
      /7 events wait to be pub/,
    ],
    ['a probe is down', { ...WELL, probes: [{ ...READING, healthy: false, error: 'refused' }] }, /clowder is down/],
    ['a probe is no longer read', { ...WELL, probes: [{ ...READING, stale: true }] }, /a probe is no longer read/],
    ['a source is silent', { ...WELL, sources: [{ ...SOURCE, unusual: true }] }, /proxy is silent/],
    [
      'a sink has dead letters',
      { ...WELL, probes: [{ ...READING, target: 'queue clowder.sink.matomo.dead', measures: { queue_length: 3 } }] },
      /matomo refused 3 events/,
    ],
    ['events were invalid', { ...WELL, rejected: 2 }, /2 events were invalid/],
    [
      'a sink is not ready',
      { ...WELL, programs: [{ name: 'matomo', url: 'u', ready: false, reason: 'r', at_ms: NOW }] },
      /matomo is not ready/,
    ],
  ])('is not green if %s', (_, overview, words) => {
    const { level, sentence, problems } = healthOf(overview);
    expect(level).toBe('degraded');
    expect(sentence).toMatch(/^Needs attention: /);
    expect(sentence).toMatch(words);
    expect(problems).toHaveLength(1);
  });

  test('says first that producers are turned away, and calls that a problem', () => {
    const overview = withCheck('journal', { ok: false, reason: 'The journal is full' });
    const { level, sentence } = healthOf({ ...overview, rejected: 1 });
    expect(level).toBe('down');
    expect(sentence).toBe('Problem: producers are turned away and 1 event was invalid.');
  });

  test('stays one sentence, however much is wrong', () => {
    const probes = Array.from({ length: 40 }, (_, index) => ({
      ...READING,
      component: `c${index}`,
      target: `t${index}`,
      healthy: false,
    }));
    const { sentence, problems } = healthOf({ ...WELL, probes });
    expect(sentence).toBe('Needs attention: c0 is down, c1 is down, c2 is down and 37 more things to check.');
    expect(problems).toHaveLength(40);
  });

  test('ignores checks still under way and empty queues, and does not call events invalid that RabbitMQ refuses', () => {
    const refused = { ...withCheck('unpublishable', { ok: false, reason: 'r', events: 2 }), rejected: 2 };
    expect(healthOf(refused).problems).toHaveLength(1);
    const asked = [{ name: 'matomo', url: 'u', ready: null, reason: null, at_ms: null }];
    expect(healthOf({ ...WELL, programs: asked }).level).toBe('well');
    const empty = [{ ...READING, target: 'queue clowder.sink.matomo.dead', measures: { queue_length: 0 } }];
    expect(healthOf({ ...WELL, probes: empty }).level).toBe('well');
  });
});

test('every problem links to an existing heading of the guide', () => {
  const page = guidePage(readFileSync(new URL('../../../docs/operate.md', import.meta.url), 'utf8'));
  const ids = [...page.matchAll(/<h\d id="([^"]+)"/g)].map((match) => match[1]);
  expect(ids).toEqual(expect.arrayContaining(Object.values(ANCHORS)));
});

test('the guide has no script and no link that leads nowhere', () => {
  const page = guidePage('# A *b* `c`?\n\n[in](#a-b-c) [out](https://h/) [beside](other.md) <script>alert(1)</script>');
  expect(page).toContain('<h1 id="a-b-c">');
  expect(page).toContain('<a href="#a-b-c">in</a> <a href="https://h/">out</a> beside');
  expect(page).not.toContain('<script>');
});
