import type { EventType } from '../../taxonomy/event-types.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** The event that a successful request to the route means, or why there is none. */
export type Meaning = EventType | 'none' | 'heartbeat' | `${'dataset' | 'collection'}.deleted, ids unknown`;

/** What a success of the route answers. `other`: nothing that affects an event. */
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
 * Facts about a route: method, path (with `:name`, `{name}` and `*` as in Clowder), meaning, answer, and who answers if two
 * routes share the path. v2's messages that affect events are listed as `AMQP`.
 */
export type RouteFacts =
  | readonly [method: Method, path: string, event: Meaning, answer: Answer, by?: 'frontend']
  | readonly [method: 'AMQP', place: string, event: Meaning, answer: 'no answer'];
