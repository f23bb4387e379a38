import { describe, expect, expectTypeOf, test } from 'vitest';
import type { z } from 'zod';
import { ANSWERS } from '../../../collector/api/answer-schemas.ts';
import type { deadReplayRequest } from '../../../collector/api/dead-letter-routes.ts';
import type { discardRequest, replayRequest } from '../../../collector/api/rejected-routes.ts';
import type { loginRequest } from '../../../collector/api/session-routes.ts';
import { ROUTES } from '../../../collector/routes.ts';
import type { Acts, Answers } from '../../../dashboard/app/api.ts';
import type { FlatBody } from '../../../taxonomy/flat-body.ts';
import { statsAnswer } from '../../../usage/ask/answer.ts';

/** Schemas of the collector's answers to the dashboard. */
const ASKED = {
  '/api/v1/overview': ANSWERS.Overview,
  '/api/v1/stats': statsAnswer,
  '/api/v1/rejected': ANSWERS.RejectedRecords,
  '/api/v1/held': ANSWERS.HeldEvents,
  '/api/v1/dead': ANSWERS.DeadQueues,
  '/api/v1/dead/{sink}': ANSWERS.DeadLetters,
  '/schemas': ANSWERS.SchemaNames,
} as const;
const DONE = {
  '/api/v1/rejected/replay': ANSWERS.Replayed,
  '/api/v1/rejected/discard': ANSWERS.Discarded,
  '/api/v1/held/retry': ANSWERS.Retried,
  '/api/v1/dead/replay': ANSWERS.DeadReplayed,
} as const;

/** Parsed JSON is read-only. */
type Read<Json> = Json extends readonly (infer Item)[]
  ? readonly Read<Item>[]
  : Json extends object
    ? { readonly [Name in keyof Json]: Read<Json[Name]> }
    : Json;
type Outputs<Schemas extends Readonly<Record<string, z.ZodType>>> = {
  [Path in keyof Schemas]: z.output<Schemas[Path]>;
};
type Bodies<Paths extends keyof Acts> = { [Path in Paths]: Acts[Path]['body'] };
type Session = z.output<typeof ANSWERS.Session>;

describe('the dashboard and the collector', () => {
  // The compiler checks this: a field that the collector renames or drops is an error here.
  test('agree on each answer', () => {
    // Events in the journal have the fields of their types; the dashboard reads three common ones.
    interface Others {
      '/api/v1/events': { events: readonly FlatBody[] };
      '/api/v1/session': Session;
    }
    expectTypeOf<Read<Outputs<typeof ASKED> & Others>>().toExtend<Answers>();
    type Done = Outputs<typeof DONE> & { '/api/v1/session': Session };
    expectTypeOf<Done>().toExtend<{ [Path in keyof Acts]: Acts[Path]['answer'] }>();
  });

  test('agree on each body', () => {
    interface Taken {
      '/api/v1/session': z.input<typeof loginRequest>;
      '/api/v1/rejected/replay': z.input<typeof replayRequest>;
      '/api/v1/rejected/discard': z.input<typeof discardRequest>;
      '/api/v1/held/retry': undefined;
      '/api/v1/dead/replay': z.input<typeof deadReplayRequest>;
    }
    expectTypeOf<Bodies<keyof Acts>>().toExtend<Read<Taken>>();
  });

  test.each([
    ...Object.entries(ASKED).map(([path, schema]) => ['get', path, schema] as const),
    ...Object.entries(DONE).map(([path, schema]) => ['post', path, schema] as const),
  ])('%s %s is the route with exactly that schema', (method, path, schema) => {
    const route = ROUTES.find((one) => one.method === method && one.label === path);
    expect(route?.documented[0]?.responses).toMatchObject({ 200: { content: { 'application/json': {} } } });
    const answer = route?.documented[0]?.responses[200] as { content: { 'application/json': { schema: unknown } } };
    expect(answer.content['application/json'].schema).toBe(schema);
  });
});
