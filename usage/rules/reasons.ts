/** Why an event is not counted, or that it is; the first that applies. Together they cover all events. */
export const REASONS = {
  counted: 'It is in the figures',
  extractor: 'An extractor of Clowder',
  bot: 'A robot',
  ai_agent: 'An AI agent',
  excluded_user: 'A user of USAGE_EXCLUDE_USERS',
  excluded_network: 'An address of USAGE_EXCLUDE_NETWORKS',
  excluded_agent: 'A user agent of USAGE_EXCLUDE_AGENTS',
  preview: 'What a page fetches to show it',
  untracked: 'Clowder was asked not to count it',
  tool: 'A general-purpose tool without a key or a user',
  repeat: 'A double click: the later one counts',
} as const;
export type Reason = keyof typeof REASONS;
