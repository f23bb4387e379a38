import { z } from 'zod';
import { oneOf } from '../../../runtime/config/schema.ts';
import { post, type PostAnswer, type PostOptions } from '../../../runtime/sending/post.ts';
import { probe } from '../../probe.ts';
import { secretsOfQuery, serviceUrl } from '../../settings/service-url.ts';
import { SinkError, type Sink, type SinkContext, type SinkDefinition, type SinkEvent } from '../../sink.ts';
import { bodyOf, deliveryId, FORMATS, sizeOf } from './body.ts';
import { keyOf, sign } from './signature.ts';

/** Shortest key in bytes. */
const LEAST_KEY = 16;
const SECRET_MAY_BE = `at least ${LEAST_KEY} characters, all of ASCII, or whsec_ and base64, with its padding, of at least ${LEAST_KEY} bytes`;

const config = z.strictObject({
  url: serviceUrl.describe('Where batches are posted'),
  secret: z
    .string()
    .refine((secret) => (keyOf(secret)?.length ?? 0) >= LEAST_KEY, `must be ${SECRET_MAY_BE}`)
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

/** Posts signed batches of events as JSON to any address. */
export const webhookSink: SinkDefinition<Config> = {
  name: 'webhook',
  description: 'Batches as JSON or CloudEvents to any address, signed by Standard Webhooks',
  config,
  variables: { WEBHOOK_URL: 'url', WEBHOOK_SECRET: 'secret', WEBHOOK_FORMAT: 'format' },
  thirdParty: true,
  dedupes: false,
  limits: ({ format }) => ({
    maxEvents: MAX_EVENTS,
    // Leaves room for the brackets.
    maxBytes: MAX_BYTES - 2,
    sizeOf: (event) => sizeOf(event, format),
  }),
  open: async (settings, context) => new Webhook(settings, context),
};

class Webhook implements Sink {
  readonly #config: Config;
  readonly #key: Uint8Array | undefined;
  readonly #now: () => number;
  /** The address as messages show it: what follows the host may be a secret. */
  readonly #address: string;
  readonly #secrets: readonly string[];

  constructor(settings: Config, { now }: SinkContext) {
    const { url, secret, headers } = settings;
    this.#config = settings;
    this.#key = secret === undefined ? undefined : keyOf(secret);
    this.#now = now;
    this.#address = `${new URL(url).origin}/…`;
    this.#secrets = [
      ...(secret === undefined ? [] : [secret]),
      ...Object.values(headers),
      ...secretsOfUrl(new URL(url)),
    ];
  }

  /** Posts a signed empty array, which receivers treat as a test. */
  async check(signal: AbortSignal): Promise<string> {
    const answer = await probe('The webhook', this.#request([], signal));
    if (answer.status >= 200 && answer.status < 300)
      return `The webhook at ${this.#address} takes what is posted (tried with an empty batch).`;
    throw new SinkError(
      'unauthorised',
      `The webhook at ${this.#address} refuses an empty batch: ${reasonOf(answer)}. Check the address, the secret and the headers.`,
    );
  }

  async send(batch: readonly SinkEvent[], signal: AbortSignal): ReturnType<Sink['send']> {
    return (await post(this.#request(batch, signal))).outcome;
  }

  async close(): Promise<void> {
    // Connections belong to fetch; nothing is kept here.
  }

  #request(batch: readonly SinkEvent[], signal: AbortSignal): PostOptions {
    const { url, format, headers } = this.#config;
    const { contentType, body } = bodyOf(batch, format);
    const id = deliveryId(batch);
    const timestamp = Math.floor(this.#now() / 1000);
    return {
      url,
      body,
      signal,
      now: this.#now,
      secrets: this.#secrets,
      headers: {
        ...headers,
        'content-type': contentType,
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        ...(this.#key !== undefined && { 'webhook-signature': sign(this.#key, id, timestamp, body) }),
      },
    };
  }
}

/** Returns the URL's secrets, in case a receiver repeats them: the values of its query, and its path with the query. */
function secretsOfUrl(url: URL): readonly string[] {
  const behindHost = `${url.pathname}${url.search}`;
  return [...(behindHost === '/' ? [] : [behindHost]), ...secretsOfQuery(url)];
}

function reasonOf({ status, outcome }: PostAnswer): string {
  return 'reason' in outcome ? outcome.reason : `HTTP ${status}`;
}
