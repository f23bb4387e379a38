import { isbot, list as robotPatterns } from 'isbot';
import { PROGRAMS } from './client-programs.ts';
import type { CLIENT_KINDS } from './event-fields.ts';

export type ClientKind = (typeof CLIENT_KINDS)[number];

/** What is looked at of an agent: nobody's name stands behind that. */
const LOOKED_AT = 1024;

/** Words by which a robot says that it is one, whichever library it is written with. */
const SAYS_ROBOT =
  /(?<! cu)bots?(?![a-z])|crawl|spider|scraper|monitor(?:ing)?(?![a-z])|checker|link-?check|checklink|archiver|validator/i;
/** Names of robots: of isbot's patterns those that are no shape of a whole agent. */
const ROBOT_NAME = new RegExp(robotPatterns.filter((one) => !/^(?:\^|;|@|\\b\\w|https)/.test(one)).join('|'), 'i');
/** Robots that look like browsers, and that isbot does not know. */
const ROBOT_LIKE_BROWSER = /\b(?:gtmetrix|miniature\.io|turingos|ylt)\b/i;
/** An address tells about the program, and is no name of it. */
const ADDRESS = /\+?https?:\/\/[^\s);,]*/gi;
const EMPTY_COMMENT = /\(\W*\)/g;
/** As browsers begin, and much that wants to be taken for one. */
const LIKE_BROWSER = /^(?:mozilla|opera)\//i;

/** One of the names as a whole word. */
function anyOf(names: readonly string[]): string {
  const patterns = names.map((name) => {
    const plain = name.replace(/\*$/, '').replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return name.endsWith('*') ? `${plain}[\\w.-]*` : `${plain}(?![a-z]|[-_][a-z])`;
  });
  return `(?:${patterns.join('|')})`;
}

/** What stands behind a product's name and is about it: version and comments (RFC 9110, 10.1.5). */
const ITS_OWN = '[^\\s();,]*(?:\\s*\\([^()]*\\))*';
const EXTRACTOR = new RegExp(`(?<![\\w-])${anyOf(PROGRAMS.extractor.anywhere)}`, 'i');
const TEXT_BROWSER = new RegExp(`^${anyOf(PROGRAMS.browser.first)}`, 'i');
const LIBRARY = new RegExp(`(?<![\\w.-])${anyOf(PROGRAMS.api.anywhere)}${ITS_OWN}`, 'gi');
const LIBRARY_FIRST = new RegExp(`^${anyOf(PROGRAMS.api.first)}${ITS_OWN}`, 'i');

/** Whether it is a library or tool that people's programs are written with: whoever runs it may be a person. */
export function isGeneralTool(userAgent: string): boolean {
  return kindByName(userAgent.slice(0, LOOKED_AT).trim()) === 'api';
}

/** The kind of client that an agent is of by its names. */
export function kindOfAgent(userAgent: string): ClientKind {
  const agent = userAgent.slice(0, LOOKED_AT).trim();
  const kind = kindByName(agent);
  if (kind !== undefined) return kind;
  if (isbot(agent)) return 'bot';
  return LIKE_BROWSER.test(agent) ? 'browser' : 'api';
}

/** undefined if it names nothing that we know. */
function kindByName(agent: string): ClientKind | undefined {
  if (EXTRACTOR.test(agent)) return 'extractor';
  const named = agent.replace(ADDRESS, '').replace(EMPTY_COMMENT, '').trim();
  if (SAYS_ROBOT.test(named) || ROBOT_LIKE_BROWSER.test(named)) return 'bot';
  if (TEXT_BROWSER.test(named)) return 'browser';
  const rest = withoutLibraries(named);
  if (rest === named) return undefined;
  return ROBOT_NAME.test(rest) ? 'bot' : 'api';
}

/** What an agent names beside the libraries that it is written with. */
function withoutLibraries(agent: string): string {
  let rest = agent.replace(LIBRARY, '').replace(EMPTY_COMMENT, '').trim();
  for (let shorter = rest; ; rest = shorter) {
    shorter = rest.replace(LIBRARY_FIRST, '').trim();
    if (shorter === rest) return rest;
  }
}
