import { isbot } from 'isbot';
import { clientKind } from '../../taxonomy/client.ts';
import { isGeneralTool, isMediaPlayer } from '../../taxonomy/client-kind.ts';
import { AI_AGENTS } from './ai-agents.ts';
import { ROBOTS } from './robots.ts';

/**
 * Class of a user agent, judged on its own.
 *
 * - `browser`: a program for viewing pages, or for watching and listening
 * - `tool`: a library or tool for programs of all kinds, on the list of robots or not
 * - `program`: any other program that is on no list
 * - `bot`: a robot; `ai_agent`: an AI agent; `extractor`: an extractor of Clowder
 */
export const AGENT_CLASSES = ['browser', 'tool', 'program', 'bot', 'ai_agent', 'extractor'] as const;
export type AgentClass = (typeof AGENT_CLASSES)[number];

/** A verdict, stored with its reason. */
export interface AgentVerdict {
  readonly agent: AgentClass;
  /** The reason in a few words: `COUNTER: ^.?$`. */
  readonly reason: string;
}

/** Names must stand alone: `Code/1.0`, but not `Xcode/1.0`. */
const AI_AGENT = new RegExp(
  `(?<![\\w-])(?:${AI_AGENTS.map((name) => name.replaceAll(/[.+?()[\]]/g, String.raw`\$&`)).join('|')})(?![\\w-])`,
  'i',
);
const ROBOT_PATTERNS = ROBOTS.map((pattern) => ({ pattern, expression: new RegExp(pattern, 'i') }));
/** Most user agents are not robots: one match shows that. */
const ANY_ROBOT = new RegExp(ROBOTS.join('|'), 'i');
const BROWSER = /^(?:mozilla|opera)\//i;

/** @param userAgent as the client sent it; '' if it sent none */
export function judgeAgent(userAgent: string): AgentVerdict {
  if (clientKind(userAgent) === 'extractor') return { agent: 'extractor', reason: 'names itself an extractor' };
  // COUNTER requires its list to be left out, players on it included.
  if (isMediaPlayer(userAgent) && !ANY_ROBOT.test(userAgent)) return { agent: 'browser', reason: 'media player' };
  if (isGeneralTool(userAgent)) return { agent: 'tool', reason: 'general-purpose tool' };
  const ai = AI_AGENT.exec(userAgent)?.[0];
  if (ai !== undefined) return { agent: 'ai_agent', reason: `AI agent: ${ai}` };
  if (ANY_ROBOT.test(userAgent)) {
    const listed = ROBOT_PATTERNS.find(({ expression }) => expression.test(userAgent));
    return { agent: 'bot', reason: `COUNTER: ${listed?.pattern ?? ''}` };
  }
  if (isbot(userAgent)) return { agent: 'bot', reason: 'isbot' };
  return BROWSER.test(userAgent)
    ? { agent: 'browser', reason: 'names itself a browser' }
    : { agent: 'program', reason: 'on no list' };
}
