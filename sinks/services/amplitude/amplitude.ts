import { z } from 'zod';
import { oneOf } from '../../../runtime/config/schema.ts';
import { isAboutKey, understand } from './answer.ts';
import { MAX_EVENTS, MAX_REQUEST_BYTES, sizeOf, toAmplitude, uploadOf } from './event.ts';
import { post, type PostOptions } from '../../../runtime/sending/post.ts';
import { probe } from '../../probe.ts';
import { serviceUrl } from '../../settings/service-url.ts';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import { SinkError, type Sink, type SinkContext, type SinkDefinition, type SinkEvent } from '../../sink.ts';

const ENDPOINTS = { us: 'https://api2.amplitude.com', eu: 'https://api.eu.amplitude.com' } as const;
/** `batch` takes 1,000 events a second from one device instead of 30, for busy programs and old events. */
const PATHS = { httpapi: '/2/httpapi', batch: '/batch' } as const;

const config = z.strictObject({
  api_key: z.string().min(1).describe("The project's API key; not its secret key"),
  region: oneOf(['us', 'eu']).default('us').describe('Where the project is kept'),
  api: oneOf(['httpapi', 'batch'])
    .default('httpapi')
    .describe('`batch` throttles a device at 1,000 events a second instead of 30'),
  url: serviceUrl.optional().describe("Instead of Amplitude's own address: a proxy that you run"),
});
type Config = z.infer<typeof config>;

/** Amplitude refuses it because it has no type, so it stores nothing. */
const NO_EVENT = { device_id: 'clowder-otel-check' };

/** Amplitude's HTTP V2 API. */
export const amplitude: SinkDefinition<Config> = {
  name: 'amplitude',
  description: 'Amplitude Analytics, HTTP V2 API',
  config,
  variables: { AMPLITUDE_API_KEY: 'api_key', AMPLITUDE_REGION: 'region', AMPLITUDE_API: 'api', AMPLITUDE_URL: 'url' },
  thirdParty: true,
  dedupes: true,
  limits: ({ api_key: apiKey }) => ({
    maxEvents: MAX_EVENTS,
    maxBytes: MAX_REQUEST_BYTES - Buffer.byteLength(uploadOf(apiKey, [])),
    sizeOf,
  }),
  open: async (settings, context) => new AmplitudeSink(settings, context),
};

class AmplitudeSink implements Sink {
  readonly #config: Config;
  readonly #url: URL;
  readonly #context: SinkContext;

  constructor(settings: Config, context: SinkContext) {
    this.#config = settings;
    this.#url = new URL(PATHS[settings.api], settings.url ?? ENDPOINTS[settings.region]);
    this.#context = context;
  }

  async check(signal: AbortSignal): Promise<string> {
    const answer = await probe('Amplitude', this.#request([NO_EVENT], signal));
    const at = `Amplitude at ${this.#url.host}`;
    if (isAboutKey(answer))
      throw new SinkError(
        'unauthorised',
        `${at} does not know the API key: check AMPLITUDE_API_KEY, and AMPLITUDE_REGION for a project in the EU.`,
      );
    if (answer.status !== 400 && answer.status !== 200)
      throw new SinkError(
        'not_ready',
        `${at} refuses us (HTTP ${answer.status}): check the address, and whether it takes requests from this network.`,
      );
    return `${at} answers and does not object to the key; what was sent is not an event, and nothing is stored.`;
  }

  async send(batch: readonly SinkEvent[], signal: AbortSignal): Promise<SendOutcome> {
    const first = await this.#upload(batch, signal);
    if (first.kind === 'settled') return first.outcome;
    if (first.kind === 'forbidden') return this.#forbidden(first.reason, signal);
    const { go, wait } = heldBack(batch, first.held);
    const { afterMs } = first;
    const waiting: SendOutcome = { kind: 'partial', rejected: new Map(), again: idsOf(wait), afterMs };
    if (go.length === 0) return waiting;
    return this.#sendOthers(batch, go, waiting, signal);
  }

  async close(): Promise<void> {}

  /** Sends the other events at once, so that throttled ones do not hold them up. What is not accepted then waits too. */
  async #sendOthers(
    batch: readonly SinkEvent[],
    go: readonly SinkEvent[],
    waiting: Extract<SendOutcome, { kind: 'partial' }>,
    signal: AbortSignal,
  ): Promise<SendOutcome> {
    const second = await this.#upload(go, signal);
    const outcome = second.kind === 'settled' ? second.outcome : undefined;
    if (outcome?.kind === 'misconfigured') return outcome;
    if (outcome?.kind === 'accepted') return waiting;
    const rejected = outcome?.kind === 'partial' ? outcome.rejected : waiting.rejected;
    return { ...waiting, rejected, again: idsOf(batch.filter(({ id }) => !rejected.has(id))) };
  }

  /** Finds out whether the firewall objects to these events, or to all our requests. */
  async #forbidden(reason: string, signal: AbortSignal): Promise<SendOutcome> {
    const answer = await post(this.#request([NO_EVENT], signal));
    return { kind: answer.status === 403 ? 'misconfigured' : 'rejected', reason };
  }

  async #upload(batch: readonly SinkEvent[], signal: AbortSignal): Promise<ReturnType<typeof understand>> {
    const events = batch.map((event) => toAmplitude(event));
    return understand(await post(this.#request(events, signal)), batch, events);
  }

  #request(events: readonly object[], signal: AbortSignal): PostOptions {
    const { api_key: apiKey } = this.#config;
    return {
      url: this.#url,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: uploadOf(apiKey, events),
      signal,
      now: this.#context.now,
      secrets: [apiKey],
    };
  }
}

/** Splits a batch into events that must wait, along with later ones about the same resource, and the rest. */
function heldBack(
  batch: readonly SinkEvent[],
  held: ReadonlySet<number>,
): { readonly go: readonly SinkEvent[]; readonly wait: readonly SinkEvent[] } {
  const go: SinkEvent[] = [];
  const wait: SinkEvent[] = [];
  const waiting = new Set<string>();
  for (const [index, event] of batch.entries()) {
    if (held.has(index) && event.resource !== '') waiting.add(event.resource);
    (held.has(index) || waiting.has(event.resource) ? wait : go).push(event);
  }
  return { go, wait };
}

const idsOf = (events: readonly SinkEvent[]): readonly string[] => events.map(({ id }) => id);
