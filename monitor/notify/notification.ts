import type { Measures } from '../reading.ts';

/** A message about a target. Plain data, because it waits on disk until it is delivered. */
export interface Notification {
  /** The same for every delivery, so that the receiver can drop repeats. */
  readonly id: string;
  readonly kind: 'down' | 'still_down' | 'up' | 'still_up';
  readonly probe: string;
  readonly component: string;
  readonly target: string;
  /** When it went down or came back, in Unix milliseconds. */
  readonly sinceMs: number;
  /** Time of the reading behind it, in Unix milliseconds. */
  readonly atMs: number;
  /** How long it was down, in seconds. */
  readonly downForS: number;
  readonly error?: string | undefined;
  readonly measures: Measures;
  /** The probe's tags. */
  readonly tags?: readonly string[] | undefined;
  readonly instance?: string | undefined;
}

const SAID = {
  down: 'is down',
  still_down: 'is still down',
  up: 'is up again',
  still_up: 'is up',
} as const satisfies Record<Notification['kind'], string>;

/** Whether the message is good news. */
export const isUp = ({ kind }: Pick<Notification, 'kind'>): boolean => kind === 'up' || kind === 'still_up';

/** `clowder is down` */
export const subjectOf = ({ kind, component }: Notification): string => `${component} ${SAID[kind]}`;

/** One line for people: `clowder is down (https://…/healthz): HTTP 500`. */
export function headline(notification: Notification): string {
  const { kind, target, downForS, error } = notification;
  const time = kind === 'down' || kind === 'still_up' ? '' : ` after ${span(downForS)}`;
  const reason = isUp(notification) || error === undefined ? '' : `: ${error}`;
  return oneLine(`${subjectOf(notification)}${time} (${target})${reason}`);
}

/**
 * Errors quote watched pages: their line breaks, control characters and direction marks must not get into our message.
 */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replaceAll(/[\u200E\u200F\u202A-\u202E\u2066-\u2069]/g, '');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * The text for a chat. It is shown literally and notifies nobody: Slack's commands (`<!channel>`, links) are escaped by
 * its rules, and an `@` that Mattermost, Rocket.Chat or Discord would read as a mention is separated from the name.
 */
export function forChat(text: string): string {
  return text
    .replaceAll(/[&<>]/g, (one) => ENTITIES[one] ?? one)
    .replaceAll(/@(?=\w)/g, '@\u200B')
    .replaceAll(/[`*_~|[\]]/g, '\u200B$&');
}

/** Other known facts, by name. */
export function details(notification: Notification): readonly (readonly [string, string])[] {
  const { probe, sinceMs, instance, measures, tags = [] } = notification;
  return [
    ['probe', probe],
    [isUp(notification) ? 'up since' : 'down since', new Date(sinceMs).toISOString()],
    ...(instance === undefined ? [] : [['instance', instance] as const]),
    ...(tags.length === 0 ? [] : [['tags', tags.join(', ')] as const]),
    ...Object.entries(measures).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.replaceAll('_', ' '), oneLine(String(value))] as const],
    ),
  ];
}

/** `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function span(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
  return `${Math.floor(hours / 24)} d${hours % 24 === 0 ? '' : ` ${hours % 24} h`}`;
}
