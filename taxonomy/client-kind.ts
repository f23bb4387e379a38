import { isbot, list as robotPatterns } from 'isbot';
import { PROGRAMS } from './client-programs.ts';
import type { CLIENT_KINDS } from './event-fields.ts';

export type ClientKind = (typeof CLIENT_KINDS)[number];

/** Only this many characters of an agent are examined; program names come earlier. */
const LOOKED_AT = 1024;

/** Words by which a robot declares itself, whichever library it uses. */
const SAYS_ROBOT =
  /(?<! cu)bots?(?![a-z])|crawl|spider|scraper|monitor(?:ing)?(?![a-z])|checker|link-?check|checklink|archiver|validator/i;
/** Names of robots: the patterns of isbot, except those for the form of a whole agent. */
const ROBOT_NAME = new RegExp(robotPatterns.filter((one) => !/^(?:\^|;|@|\\b\\w|https)/.test(one)).join('|'), 'i');
/** Robots that look like browsers and are unknown to isbot. */
const ROBOT_LIKE_BROWSER = /\b(?:gtmetrix|miniature\.io|turingos|ylt)\b/i;
/** An address describes the program but is not its name. */
const ADDRESS = /\+?https?:\/\/[^\s);,]*/gi;
const EMPTY_COMMENT = /\(\W*\)/g;
/** How browsers begin, and many programs that pose as one. */
const LIKE_BROWSER = /^(?:mozilla|opera)\//i;

/** A pattern that matches one of the names as a whole word. */
function anyOf(names: readonly string[]): string {
  const patterns = names.map((name) => {
    const plain = name.replace(/\*$/, '').replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return name.endsWith('*') ? `${plain}[\\w.-]*` : `${plain}(?![a-z]|[-_][a-z])`;
  });
  return `(?:${patterns.join('|')})`;
}

/** What follows a product's name and belongs to it: version and comments (RFC 9110, 10.1.5). */
const ITS_OWN = '[^\\s();,]*(?:\\s*\\([^()]*\\))*';
const EXTRACTOR = new RegExp(`(?<![\\w-])${anyOf(PROGRAMS.extractor.anywhere)}`, 'i');
const TEXT_BROWSER = new RegExp(`^${anyOf(PROGRAMS.browser.first)}`, 'i');
const LIBRARY = new RegExp(
  `(?<![\\w.-])${anyOf([...PROGRAMS.api.anywhere, ...PROGRAMS.player.anywhere])}${ITS_OWN}`,
  'gi',
);
const LIBRARY_FIRST = new RegExp(`^${anyOf([...PROGRAMS.api.first, ...PROGRAMS.player.first])}${ITS_OWN}`, 'i');
const PLAYER = new RegExp(`^${anyOf(PROGRAMS.player.first)}|(?<![\\w.-])${anyOf(PROGRAMS.player.anywhere)}`, 'i');

/** Whether the agent is a general library or tool, which a person may be running. */
export function isGeneralTool(userAgent: string): boolean {
  return kindByName(userAgent.slice(0, LOOKED_AT).trim()) === 'api';
}

/** Whether the agent is a media player, with which a person watches or listens. */
export function isMediaPlayer(userAgent: string): boolean {
  const agent = userAgent.slice(0, LOOKED_AT).trim();
  return PLAYER.test(agent) && kindOfAgent(agent) === 'api';
}

/** Returns the kind of client by the names in its agent. */
export function kindOfAgent(userAgent: string): ClientKind {
  const agent = userAgent.slice(0, LOOKED_AT).trim();
  const kind = kindByName(agent);
  if (kind !== undefined) return kind;
  if (isbot(agent)) return 'bot';
  return LIKE_BROWSER.test(agent) ? 'browser' : 'api';
}

/** Returns undefined if the agent contains no name that we know. */
function kindByName(agent: string): ClientKind | undefined {
  if (EXTRACTOR.test(agent)) return 'extractor';
  const named = agent.replace(ADDRESS, '').replace(EMPTY_COMMENT, '').trim();
  if (SAYS_ROBOT.test(named) || ROBOT_LIKE_BROWSER.test(named)) return 'bot';
  if (TEXT_BROWSER.test(named)) return 'browser';
  const rest = withoutLibraries(named);
  if (rest === named) return undefined;
  return ROBOT_NAME.test(rest) ? 'bot' : 'api';
}

/** Returns the agent without the libraries that it names. */
function withoutLibraries(agent: string): string {
  let rest = agent.replace(LIBRARY, '').replace(EMPTY_COMMENT, '').trim();
  for (let shorter = rest; ; rest = shorter) {
    shorter = rest.replace(LIBRARY_FIRST, '').trim();
    if (shorter === rest) return rest;
  }
}
