import { z } from 'zod';
import { oneOf } from '../../../runtime/config/schema.ts';
import { post, type PostAnswer, type PostOptions } from '../../../runtime/sending/post.ts';
import { probe } from '../../probe.ts';
import { serviceUrl } from '../../settings/service-url.ts';
import { SinkError, type Sink, type SinkContext, type SinkDefinition, type SinkEvent } from '../../sink.ts';
import { bodyOf, deliveryId, FORMATS, sizeOf } from './body.ts';
import { keyOf, sign } from './signature.ts';

const config = z.strictObject({
  url: serviceUrl.describe('Where batches are posted'),
  secret: z
    .string()
    .refine((secret) => keyOf(secret).length >= 16, 'must be at least 16 characters, or whsec_ and base64 of 16 bytes')
    .optional()
    .describe('Signs every request'),
  format: oneOf(FORMATS)
    .default('json')
    .describe('`json`: an array of events; `cloudevents`: a batch of CloudEvents 1.0'),
  headers: z.record(z.string(), z.string()).default({}).describe('Added to every request, e.g. Authorization'),
});

type Config = z.infer<typeof config>;

const MAX_EVENTS = 500;
const MAX_BYTES = 1024 ** 2;

/** Batches of events as JSON to any address, signed. */
export const webhookSink: SinkDefinition<Config> = {
  name: 'webhook',
  description: 'Batches as JSON or CloudEvents to any address, signed by Standard Webhooks',
  config,
  variables: { WEBHOOK_URL: 'url', WEBHOOK_SECRET: 'secret', WEBHOOK_FORMAT: 'format' },
  thirdParty: true,
  dedupes: false,
  limits: ({ format }) => ({
    maxEvents: MAX_EVENTS,
    // The brackets.
    maxBytes: MAX_BYTES - 2,
    sizeOf: (event) => sizeOf(event, format),
  }),
  open: async (settings, context) => new Webhook(settings, context),
};

class Webhook implements Sink {
  readonly #config: Config;
  readonly #now: () => number;

  constructor(settings: Config, { now }: SinkContext) {
    this.#config = settings;
    this.#now = now;
  }

  /** Posts an empty array, signed: receivers take it for a trial. */
  async check(signal: AbortSignal): Promise<string> {
    const answer = await probe('The webhook', this.#request([], signal));
    if (answer.status >= 200 && answer.status < 300)
      return `${this.#config.url} takes what is posted (tried with an empty batch).`;
    throw new SinkError(
      'unauthorised',
      `${this.#config.url} refuses an empty batch: ${reasonOf(answer)}. Check the address, the secret and the headers.`,
    );
  }

  async send(batch: readonly SinkEvent[], signal: AbortSignal): ReturnType<Sink['send']> {
    return (await post(this.#request(batch, signal))).outcome;
  }

  async close(): Promise<void> {
    // Connections are fetch's own; nothing is kept here.
  }

  #request(batch: readonly SinkEvent[], signal: AbortSignal): PostOptions {
    const { url, secret, format, headers } = this.#config;
    const { contentType, body } = bodyOf(batch, format);
    const id = deliveryId(batch);
    const timestamp = Math.floor(this.#now() / 1000);
    return {
      url,
      body,
      signal,
      now: this.#now,
      secrets: [...(secret === undefined ? [] : [secret]), ...Object.values(headers)],
      headers: {
        ...headers,
        'content-type': contentType,
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        ...(secret !== undefined && { 'webhook-signature': sign(keyOf(secret), id, timestamp, body) }),
      },
    };
  }
}

function reasonOf({ status, outcome }: PostAnswer): string {
  return 'reason' in outcome ? outcome.reason : `HTTP ${status}`;
}
