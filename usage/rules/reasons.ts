/**
 * Why an event is not counted, the first that applies; `counted` is the class of those that are. Every event has exactly
 * one, so that the classes add up to all of them.
 */
export const REASONS = {
  counted: 'Counted',
  extractor: 'An extractor did it',
  bot: 'A robot did it',
  ai_agent: 'An AI agent did it',
  excluded: 'By a user, from a network or with a user agent that the site excludes',
  untracked: 'Clowder was asked not to count it, or a page shows it',
  preview: 'A page fetched the file to show it',
  repeat: 'A double click: the same user had the same within 30 s after it',
} as const;

export type Reason = keyof typeof REASONS;
export const REASON_NAMES = Object.keys(REASONS) as Reason[];
