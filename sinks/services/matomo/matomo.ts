import { z } from 'zod';
import { valueOf } from '../../../runtime/config/schema.ts';
import { integer } from '../../../runtime/config/values.ts';
import { post, type PostAnswer, type PostOptions } from '../../../runtime/sending/post.ts';
import { probe } from '../../probe.ts';
import { addressOf, serviceUrl } from '../../settings/service-url.ts';
import { allRefused, understand } from './answer.ts';
import { bulkOf, sizeIn, trackingRequest, type TrackingOptions } from './tracking.ts';
import { readMap } from '../../settings/common.ts';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import { SinkError, type Sink, type SinkContext, type SinkDefinition, type SinkEvent } from '../../sink.ts';

/** Batch size of Matomo's own log importer; each request costs Matomo some milliseconds. */
const MAX_EVENTS = 200;
/** An eighth of PHP's default `post_max_size`. */
const MAX_BYTES = 1_000_000;

const config = z.strictObject({
  url: serviceUrl.describe('Address of Matomo, with or without matomo.php'),
  site_id: valueOf(integer({ least: 1 })).describe('Id of the website that the events are for'),
  token: z.string().min(1).describe('token_auth of a user with write access to that website only'),
  dimensions: z
    .preprocess(readMap, z.record(z.string().min(1), valueOf(integer({ least: 1, most: 999 }))))
    .default({})
    .describe('Custom dimensions of scope Action by the field that they show, e.g. event_id=1,client_kind=2'),
});
type Config = z.infer<typeof config>;

/**
 * Matomo's bulk tracking. Many institutes host their own Matomo, but its address does not tell. So it counts as a third party,
 * and an institute with its own sets in the privacy policy what Matomo may know.
 */
export const matomo: SinkDefinition<Config> = {
  name: 'matomo',
  description: 'Matomo, bulk tracking API',
  config,
  variables: { MATOMO_URL: 'url', MATOMO_SITE_ID: 'site_id', MATOMO_TOKEN: 'token', MATOMO_DIMENSIONS: 'dimensions' },
  thirdParty: true,
  dedupes: false,
  limits: (settings) => ({
    maxEvents: MAX_EVENTS,
    maxBytes: MAX_BYTES - Buffer.byteLength(bulkOf(settings.token, [])),
    sizeOf: sizeIn(optionsOf(settings)),
  }),
  open: async (settings, context) => new MatomoSink(settings, context),
};

class MatomoSink implements Sink {
  readonly #config: Config;
  readonly #options: TrackingOptions;
  readonly #tracker: URL;
  readonly #api: URL;
  readonly #context: SinkContext;

  constructor(settings: Config, context: SinkContext) {
    this.#config = settings;
    this.#options = optionsOf(settings);
    this.#tracker = trackerOf(settings.url);
    this.#api = new URL('index.php', this.#tracker);
    this.#context = context;
  }

  async check(signal: AbortSignal): Promise<string> {
    const { site_id: siteId, token } = this.#config;
    const problem = await this.#accessProblem(signal);
    if (problem !== undefined) throw new SinkError('unauthorised', problem);
    const answer = await probe('Matomo', this.#bulk(bulkOf(token, []), signal));
    if (answer.outcome.kind !== 'accepted')
      throw new SinkError(
        'not_ready',
        `${addressOf(this.#tracker)} does not take tracking requests (HTTP ${answer.status}): check MATOMO_URL.`,
      );
    return `Matomo at ${this.#tracker.host} answers, and the token may write to website ${siteId}; nothing is stored.`;
  }

  async send(batch: readonly SinkEvent[], signal: AbortSignal): Promise<SendOutcome> {
    const requests = batch.map((event) => trackingRequest(event, this.#options));
    const understood = understand(await post(this.#bulk(bulkOf(this.#config.token, requests), signal)), batch);
    if (understood.kind !== 'none') return understood;
    const problem = await this.#accessProblem(signal);
    return problem === undefined ? allRefused(batch) : { kind: 'misconfigured', reason: problem };
  }

  async close(): Promise<void> {}

  /** Returns why the token may not write to the website; undefined if it may. */
  async #accessProblem(signal: AbortSignal): Promise<string | undefined> {
    const { site_id: siteId } = this.#config;
    for (const access of ['Write', 'Admin']) {
      const answer = await probe('Matomo', this.#apiCall(`SitesManager.getSitesIdWith${access}Access`, signal));
      const sites = sitesIn(answer);
      if (typeof sites === 'string')
        return `Matomo's API at ${addressOf(this.#api)} says: ${sites}. Check MATOMO_URL and MATOMO_TOKEN.`;
      if (sites.includes(siteId)) return undefined;
    }
    return `MATOMO_TOKEN belongs to a user without write access to website ${siteId}: give it, or check MATOMO_SITE_ID.`;
  }

  #bulk(body: string, signal: AbortSignal): PostOptions {
    return this.#request(this.#tracker, 'application/json', body, signal);
  }

  #apiCall(method: string, signal: AbortSignal): PostOptions {
    const form = new URLSearchParams({ module: 'API', method, format: 'json', token_auth: this.#config.token });
    return this.#request(this.#api, 'application/x-www-form-urlencoded', form.toString(), signal);
  }

  #request(url: URL, contentType: string, body: string, signal: AbortSignal): PostOptions {
    const headers = { 'content-type': contentType, 'user-agent': 'clowder-otel' };
    return { url, headers, body, signal, now: this.#context.now, secrets: [this.#config.token] };
  }
}

const optionsOf = ({ site_id: siteId, dimensions }: Config): TrackingOptions => ({ siteId, dimensions });

function trackerOf(url: string): URL {
  const given = new URL(url);
  if (given.pathname.endsWith('.php')) return given;
  given.pathname = `${given.pathname.replace(/\/+$/, '')}/matomo.php`;
  return given;
}

/** Returns the website ids in an answer of the API, or its error. */
function sitesIn(answer: PostAnswer): readonly number[] | string {
  try {
    return idsSchema.parse(JSON.parse(answer.text));
  } catch {
    const error = /"message":"((?:[^"\\]|\\.)*)"/.exec(answer.text)?.[1];
    return error ?? `HTTP ${answer.status}, and no list of websites`;
  }
}

const idsSchema = z.array(z.coerce.number());
