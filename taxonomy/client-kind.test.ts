import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cpuTimeOf } from '../test/support/cpu-time.ts';
import { kindOfAgent, type ClientKind } from './client-kind.ts';
import { CLIENT_KINDS } from './event-fields.ts';

/** Kind and User-Agent, labelled by hand: the kind says what the program is, not how we classify it. */
const LABELLED = readFileSync(new URL('../test/fixtures/user-agents.tsv', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split('\t') as [ClientKind, string]);

/** Least precision and recall for each kind. */
const HELD = {
  browser: { precision: 0.97, recall: 1 },
  extractor: { precision: 1, recall: 1 },
  api: { precision: 0.99, recall: 0.98 },
  bot: { precision: 0.98, recall: 0.97 },
} as const satisfies Record<ClientKind, object>;

describe('the kind of a client', () => {
  test('reaches these precisions and recalls on at least 300 real agents', () => {
    expect(LABELLED.length).toBeGreaterThanOrEqual(300);
    expect(new Set(LABELLED.map(([, agent]) => agent)).size).toBe(LABELLED.length);
    const told = LABELLED.map(([kind, agent]) => ({ kind, agent, got: kindOfAgent(agent) }));
    const wrong = told
      .filter(({ kind, got }) => kind !== got)
      .map(({ kind, got, agent }) => `${kind}, not ${got}: ${agent}`);
    const shares = CLIENT_KINDS.map((kind) => {
      const right = told.filter((one) => one.kind === kind && one.got === kind).length;
      const precision = right / told.filter(({ got }) => got === kind).length;
      const recall = right / told.filter((one) => one.kind === kind).length;
      return { kind, precision, recall };
    });
    const below = shares.filter(
      ({ kind, precision, recall }) => precision < HELD[kind].precision || recall < HELD[kind].recall,
    );
    expect({ below, wrong: below.length === 0 ? [] : wrong }).toEqual({ below: [], wrong: [] });
  });

  test.each([
    ['Ruby', 'api'],
    ['Ruby/3.2', 'api'],
    ['ruby-crawler', 'bot'],
    ['node', 'api'],
    ['NodePing', 'bot'],
    ['httr/1.4.7', 'api'],
    ['HTTrack/3.49', 'bot'],
    ['R (4.3.1 x86_64-pc-linux-gnu)', 'api'],
    ['Java1.8.0_392', 'api'],
    ['WordPress/6.4; https://example.org', 'bot'],
  ])('depends on whole words: %s is %s', (agent, kind) => {
    expect(kindOfAgent(agent)).toBe(kind);
  });

  test.each([
    ['a robot that names its library', 'LabBot/1.0 python-requests/2.31', 'bot'],
    ['a library whose comment is an address of robots', 'got (https://example.org/bots)', 'api'],
    ['an extractor that names its library', 'pyclowder/3.0 python-requests/2.31', 'extractor'],
    ['a robot that resembles a browser', 'Mozilla/5.0 (compatible; Anybot/2.1; +http://a.example/)', 'bot'],
    ['a library that resembles a browser', 'Mozilla/5.0 (Windows NT; en-US) WindowsPowerShell/5.1', 'api'],
    [
      "a phone whose name ends like a robot's",
      'Mozilla/5.0 (Linux; Android 9; CUBOT X19) Chrome/119.0 Mobile',
      'browser',
    ],
    ['an agent that says almost nothing', 'x', 'bot'],
  ])('is right for %s', (_, agent, kind) => {
    expect(kindOfAgent(agent)).toBe(kind);
  });

  test('takes no longer for an agent made to be slow', () => {
    const hard = [
      '('.repeat(50_000),
      `python-requests/${'('.repeat(50_000)}`,
      'a '.repeat(50_000),
      'curl '.repeat(20_000),
    ];
    for (const agent of hard) expect(cpuTimeOf(() => kindOfAgent(agent))).toBeLessThan(200);
  });
});
