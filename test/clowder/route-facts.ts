import type { EventType } from '../../taxonomy/event-types.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** What a success of the route means: an event of ours, or why there is none. */
export type Meaning = EventType | 'none' | 'heartbeat' | `${'dataset' | 'collection'}.deleted, ids unknown`;

/** What a success of the route answers. `other`: nothing that bears on an event. */
export type Answer =
  | 'page'
  | 'part of a page'
  | 'bytes'
  | 'id'
  | 'id alone'
  | 'id in text'
  | 'new dataset id'
  | 'list of ids'
  | 'ids as names'
  | 'deleted ids'
  | 'files'
  | 'jobs'
  | 'statuses'
  | 'presigned url'
  | 'success'
  | 'word'
  | 'to dataset'
  | 'to collection'
  | 'to space'
  | 'to login'
  | 'session'
  | 'other';

/**
 * Facts about a route: method, path (with `:name`, `{name}` and `*` as Clowder has them), what it means, what it
 * answers, and who answers where two do. A message of v2 that bears on events stands among them as `AMQP`.
 */
export type RouteFacts =
  | readonly [method: Method, path: string, event: Meaning, answer: Answer, by?: 'frontend']
  | readonly [method: 'AMQP', place: string, event: Meaning, answer: 'no answer'];
