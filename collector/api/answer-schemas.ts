import { z } from '@hono/zod-openapi';

const issue = z
  .object({
    field: z.string(),
    message: z.string(),
    received: z.string().optional().describe('What it was'),
    expected: z.string().optional().describe('What it may be'),
  })
  .openapi('Issue', { description: 'What is wrong with a field of an event' });

const refusal = z
  .object({
    index: z.int().nonnegative().describe('Place in the batch, from 0'),
    issues: z.array(issue).readonly(),
  })
  .openapi('Refusal');

const check = z
  .looseObject({ ok: z.boolean(), reason: z.string().optional().describe('What is wrong and what to do') })
  .openapi('Check');

const readiness = z
  .object({
    status: z
      .enum(['ready', 'degraded', 'unavailable'])
      .describe('degraded: events are taken and wait. unavailable: producers get 503'),
    checks: z.object({
      journal: check,
      history: check.describe('Whether all that was accepted is in the journal'),
      broker: check,
      backlog: check,
      unroutable: check.describe('Events that no queue is bound for'),
      nacked: check.describe('Events that a full queue refuses'),
      unpublishable: check.describe('Events that RabbitMQ refuses for good'),
      usage: check.optional().describe('The process that counts usage; `counted_until`: how far it has come'),
    }),
  })
  .openapi('Readiness');

/** Answers of the API, by their names in the OpenAPI document. They type the handlers, and tests check answers against them. */
export const ANSWERS = {
  Accepted: z
    .object({
      accepted: z.int().nonnegative(),
      duplicates: z
        .int()
        .nonnegative()
        .describe('How many of the accepted events were known already and are not published again'),
      ids: z.array(z.string()).readonly().describe('Ids of the accepted events, in order'),
      rejected: z.array(refusal).readonly(),
    })
    .openapi('Accepted', { description: 'What became of the events' }),
  PageViewAccepted: z.object({ id: z.string() }).openapi('PageViewAccepted'),
  Problem: z
    .object({
      type: z.string(),
      title: z.string(),
      status: z.int(),
      code: z.string().describe('Stable'),
      detail: z.string().describe('What is wrong, and what to do'),
      rejected: z.array(refusal).readonly().optional().describe('With `invalid_event`: each event and why'),
    })
    .openapi('Problem', { description: 'RFC 9457' }),
  Status: z
    .object({ code: z.int().optional(), message: z.string().optional() })
    .openapi('Status', { description: 'google.rpc.Status' }),
  ExportResponse: z
    .object({
      partialSuccess: z
        .record(z.string(), z.union([z.string(), z.number()]))
        .optional()
        .describe('How many records can never be accepted, and why; absent if there are none'),
    })
    .openapi('ExportResponse', { description: 'OTLP export response' }),
  RejectedRecords: z
    .object({
      rejected: z
        .array(
          z.object({
            id: z.int(),
            atMs: z.number().describe('When, Unix milliseconds'),
            code: z.string(),
            message: z.string(),
            record: z.string().describe('JSON text'),
            origin: z.string(),
            sender: z.string().optional().describe('Who sent it: key, service, class of address'),
          }),
        )
        .readonly(),
    })
    .openapi('RejectedRecords'),
  Discarded: z.object({ discarded: z.int().nonnegative() }).openapi('Discarded'),
  Retried: z
    .object({
      published: z.int().nonnegative().describe('Held no more'),
      held: z.int().nonnegative().describe('No queue takes them yet'),
    })
    .openapi('Retried'),
  Replayed: z
    .object({ accepted: z.int().nonnegative(), rejected: z.int().nonnegative().describe('Still wrong') })
    .openapi('Replayed'),
  Health: z.object({ status: z.literal('ok') }).openapi('Health'),
  Readiness: readiness,
  Overview: z
    .object({
      now_ms: z.number(),
      version: z.string(),
      readiness,
      backlog: z.object({
        events: z.int().nonnegative().describe('Journaled, and neither published nor held'),
        exact: z.boolean().describe('false: estimated from their size'),
        oldest_s: z.number().nullable(),
        bytes: z.number(),
      }),
      held: z
        .array(z.object({ reason: z.string(), type: z.string(), events: z.int(), since_ms: z.number() }))
        .readonly(),
      rejected: z.int().nonnegative(),
      complete: z.boolean().describe('false: the collector is still reading the journal from before this start'),
      sources: z
        .array(
          z.object({
            source: z.string(),
            last_ms: z.number(),
            silent_s: z.number(),
            usual_s: z.number().nullable().describe('Median of the pauses between its events'),
            longest_s: z.number().nullable(),
            events: z.int(),
            unusual: z.boolean().describe('Silent for at least half as long again as the longest known pause'),
          }),
        )
        .readonly(),
      probes: z
        .array(
          z.object({
            target: z.string(),
            component: z.string().nullable(),
            probe: z.string().nullable(),
            healthy: z.boolean(),
            at_ms: z.number(),
            since_ms: z.number(),
            stale: z.boolean().describe('Readings stopped coming'),
            error: z.string().nullable(),
            measures: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])).readonly(),
          }),
        )
        .readonly(),
      programs: z
        .array(
          z.object({
            name: z.string(),
            url: z.string(),
            ready: z.boolean().nullable(),
            reason: z.string().nullable(),
            at_ms: z.number().nullable(),
            said: z.unknown(),
          }),
        )
        .readonly(),
      traces_url: z.string().nullable(),
    })
    .openapi('Overview'),
  HeldEvents: z
    .object({
      held: z
        .array(
          z.object({ id: z.int(), type: z.string(), since_ms: z.number(), event: z.string().describe('JSON text') }),
        )
        .readonly(),
    })
    .openapi('HeldEvents'),
  DeadQueues: z
    .object({
      queues: z.array(z.object({ sink: z.string(), messages: z.int().nonnegative() })).readonly(),
    })
    .openapi('DeadQueues'),
  DeadLetters: z
    .object({
      letters: z
        .array(
          z.object({
            id: z.string().describe('Of the event'),
            type: z.string().describe('Event type, as the message says'),
            class: z.string().describe('`poison`, `rejected` or `too_large`'),
            reason: z.string(),
            time: z.string().describe("RFC 3339; '' if not known"),
            source: z.string().describe('Who observed or stated the event'),
            event: z.string().describe('Text of the message, up to 64 KiB of it'),
          }),
        )
        .readonly(),
    })
    .openapi('DeadLetters'),
  DeadReplayed: z
    .object({
      moved: z.int().nonnegative().describe("Now in the sink's queue"),
      left: z.int().nonnegative().describe('RabbitMQ did not take them: they are still dead letters'),
      reason: z.string().describe("The reason for the last of them; '' if there are none"),
    })
    .openapi('DeadReplayed'),
  Session: z.object({
    key: z
      .string()
      .nullable()
      .describe('Name of the key; null if no key has been made, so that this machine needs none'),
    scopes: z.array(z.string()),
  }),
  SchemaNames: z
    .object({ schemas: z.array(z.string()).readonly().describe('Paths, one for each event type') })
    .openapi('SchemaNames'),
} as const;
