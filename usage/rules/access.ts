import type { AgentClass } from './agents.ts';

/** The two Codes of Practice: `rd1` for research data; `r51` is COUNTER Release 5.1. */
export const CODES = ['rd1', 'r51'] as const;
export type Code = (typeof CODES)[number];

/** Access methods of both Codes; `out`, a class of our own, is in no report. */
export type AccessMethod = 'regular' | 'machine' | 'tdm' | 'out';

/** Access method by class of client and Code, for clients known by a key or a user, and for others. */
export const ACCESS = {
  browser: { rd1: { known: 'regular', unknown: 'regular' }, r51: { known: 'regular', unknown: 'regular' } },
  // Whether or not a tool is on the list of robots, the Code for Research Data forbids leaving it out. Release 5.1 requires
  // that, except for use with a key, one of the ways of text and data mining.
  tool: { rd1: { known: 'machine', unknown: 'machine' }, r51: { known: 'tdm', unknown: 'out' } },
  program: { rd1: { known: 'machine', unknown: 'machine' }, r51: { known: 'regular', unknown: 'regular' } },
  bot: { rd1: { known: 'out', unknown: 'out' }, r51: { known: 'out', unknown: 'out' } },
  ai_agent: { rd1: { known: 'out', unknown: 'out' }, r51: { known: 'out', unknown: 'out' } },
  extractor: { rd1: { known: 'out', unknown: 'out' }, r51: { known: 'out', unknown: 'out' } },
} as const satisfies Record<AgentClass, Record<Code, Record<'known' | 'unknown', AccessMethod>>>;
