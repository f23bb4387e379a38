import type { AgentClass } from './agents.ts';

/** The two Codes of Practice: `rd1` for research data, `r51` is COUNTER Release 5.1. */
export const CODES = ['rd1', 'r51'] as const;
export type Code = (typeof CODES)[number];

/** Access methods of both Codes; `out` is in no report and stays a class of its own. */
export type AccessMethod = 'regular' | 'machine' | 'tdm' | 'out';

/** By class of client: how a Code has it, for a client that is known by a key or a user, and for one that is not. */
export const ACCESS = {
  browser: { rd1: { known: 'regular', unknown: 'regular' }, r51: { known: 'regular', unknown: 'regular' } },
  // Listed as robots or not: the Code for research data forbids to leave them out, Release 5.1 demands it, and a key is
  // one of the ways of text and data mining.
  tool: { rd1: { known: 'machine', unknown: 'machine' }, r51: { known: 'tdm', unknown: 'out' } },
  program: { rd1: { known: 'machine', unknown: 'machine' }, r51: { known: 'regular', unknown: 'regular' } },
  bot: { rd1: { known: 'out', unknown: 'out' }, r51: { known: 'out', unknown: 'out' } },
  ai_agent: { rd1: { known: 'out', unknown: 'out' }, r51: { known: 'out', unknown: 'out' } },
  extractor: { rd1: { known: 'out', unknown: 'out' }, r51: { known: 'out', unknown: 'out' } },
} as const satisfies Record<AgentClass, Record<Code, Record<'known' | 'unknown', AccessMethod>>>;
