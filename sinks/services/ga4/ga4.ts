import { z } from 'zod';
import { oneOf, valueOf } from '../../../runtime/config/schema.ts';
import { flag } from '../../../runtime/config/values.ts';
import { clientOf, tooOld } from './event.ts';
import { bodyOf, divide, MAX_EVENTS, type Ga4Request } from './requests.ts';
import { post, type PostOptions } from '../../../runtime/sending/post.ts';
import { probe } from '../../probe.ts';
import { serviceUrl } from '../../settings/service-url.ts';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import { SinkError, type Sink, type SinkContext, type SinkDefinition, type SinkEvent } from '../../sink.ts';
import { errorText } from '../../../runtime/error-text.ts';

const ENDPOINTS = { global: 'https://www.google-analytics.com', eu: 'https://region1.google-analytics.com' } as const;
/** A batch spans several full requests, because each client needs its own. */
const BATCH_EVENTS = 10 * MAX_EVENTS;
const BATCH_BYTES = 1_000_000;
/** Requests at once, after the first has shown that the service answers. */
const REQUESTS_AT_ONCE = 8;

const config = z.strictObject({
  measurement_id: z
    .string()
    .regex(/^G-[A-Z0-9]+$/, 'must look like G-XXXXXXXXXX: that of a web stream')
    .describe('Measurement id of the web data stream'),
  api_secret: z.string().min(1).describe('Made under Admin, Data streams, Measurement Protocol API secrets'),
  region: oneOf(['global', 'eu']).default('global').describe('Where the data are collected'),
  validate: valueOf(flag)
    .default(false)
    .describe(
      'Asks the validation server before every request: what is not valid is put aside instead of vanishing. Twice the requests',
    ),
  url: serviceUrl.optional().describe("Instead of Google's own address: a proxy that you run"),
});
type Config = z.infer<typeof config>;

/** Google Analytics 4, Measurement Protocol. It accepts everything, and does not report what it discards. */
export const ga4: SinkDefinition<Config> = {
  name: 'ga4',
  description: 'Google Analytics 4, Measurement Protocol',
  config,
  variables: {
    GA4_MEASUREMENT_ID: 'measurement_id',
    GA4_API_SECRET: 'api_secret',
    GA4_REGION: 'region',
    GA4_VALIDATE: 'validate',
    GA4_URL: 'url',
  },
  thirdParty: true,
  dedupes: false,
  limits: () => ({ maxEvents: BATCH_EVENTS, maxBytes: BATCH_BYTES }),
  open: async (settings, context) => new Ga4Sink(settings, context),
};

/** The outcome for a request's events; those in neither list were accepted. */
interface Delivered {
  readonly rejected: readonly (readonly [id: string, reason: string])[];
  readonly again: readonly SinkEvent[];
  /** Why the events in `again` must be sent again. */
  readonly failure?: SendOutcome & { kind: 'retry' | 'misconfigured' };
}

class Ga4Sink implements Sink {
  readonly #config: Config;
  readonly #context: SinkContext;

  constructor(settings: Config, context: SinkContext) {
    this.#config = settings;
    this.#context = context;
  }

  async check(signal: AbortSignal): Promise<string> {
    const nowMs = this.#context.now();
    const event: SinkEvent = {
      id: 'check',
      type: 'file.uploaded',
      createdMs: nowMs,
      resource: '',
      fields: { bytes: 1 },
    };
    const body = strictBodyOf({ client: clientOf(event), events: [event] });
    const answer = await probe('Google Analytics', this.#request('/debug/mp/collect', body, signal));
    const complaints = answer.outcome.kind === 'accepted' ? complaintsIn(answer.text) : undefined;
    if (complaints === undefined) throw new SinkError('not_ready', `${NOT_GOOGLE} (HTTP ${answer.status}).`);
    if (complaints.length > 0)
      throw new SinkError('not_ready', `Google Analytics finds our events invalid: ${complaints.join(' ')}`);
    return 'Google Analytics answers, and events like ours are valid; nothing is stored. It does not tell whether measurement id and API secret are right: look at Realtime when the first events are sent.';
  }

  async send(batch: readonly SinkEvent[], signal: AbortSignal): Promise<SendOutcome> {
    const nowMs = this.#context.now();
    const rejected = new Map<string, string>();
    for (const event of batch) {
      const reason = tooOld(event, nowMs);
      if (reason !== undefined) rejected.set(event.id, reason);
    }
    const steps = stepsOf(divide(batch.filter(({ id }) => !rejected.has(id))));
    const again = new Set<string>();
    let failure: Delivered['failure'];
    for (const step of steps) {
      const delivered =
        failure === undefined
          ? await Promise.all(step.map((request) => this.#deliver(request, signal)))
          : step.map(unsent);
      for (const one of delivered) {
        for (const [id, reason] of one.rejected) rejected.set(id, reason);
        for (const { id } of one.again) again.add(id);
        failure ??= one.failure;
      }
    }
    return conclude(batch, rejected, again, failure);
  }

  async close(): Promise<void> {}

  /** Sends a request. If it is too large or refused, sends it in halves, until one event alone is to blame. */
  async #deliver(request: Ga4Request, signal: AbortSignal): Promise<Delivered> {
    const outcome = await this.#post(request, signal);
    if (outcome.kind === 'accepted') return { rejected: [], again: [] };
    if (outcome.kind === 'retry' || outcome.kind === 'misconfigured')
      return { rejected: [], again: request.events, failure: outcome };
    const { events } = request;
    const [only] = events;
    const reason = 'reason' in outcome ? outcome.reason : '';
    if (only === undefined || events.length === 1)
      return { rejected: only === undefined ? [] : [[only.id, reason]], again: [] };
    const middle = Math.ceil(events.length / 2);
    const first = await this.#deliver({ ...request, events: events.slice(0, middle) }, signal);
    const rest = { ...request, events: events.slice(middle) };
    const second = first.failure === undefined ? await this.#deliver(rest, signal) : unsent(rest);
    const failure = first.failure ?? second.failure;
    return {
      rejected: [...first.rejected, ...second.rejected],
      again: [...first.again, ...second.again],
      ...(failure !== undefined && { failure }),
    };
  }

  async #post(request: Ga4Request, signal: AbortSignal): Promise<SendOutcome> {
    try {
      if (this.#config.validate) {
        const answer = await post(this.#request('/debug/mp/collect', strictBodyOf(request), signal));
        if (answer.outcome.kind !== 'accepted') return answer.outcome;
        const complaints = complaintsIn(answer.text);
        if (complaints === undefined) return { kind: 'misconfigured', reason: NOT_GOOGLE };
        if (complaints.length > 0) return { kind: 'rejected', reason: `Google Analytics: ${complaints.join(' ')}` };
      }
      return (await post(this.#request('/mp/collect', bodyOf(request), signal))).outcome;
    } catch (error) {
      // The answers to the batch's other requests must not be lost.
      return { kind: 'retry', reason: signal.aborted ? 'no answer in time' : errorText(error) };
    }
  }

  #request(path: string, body: string, signal: AbortSignal): PostOptions {
    const { measurement_id: measurementId, api_secret: secret, region, url = ENDPOINTS[region] } = this.#config;
    const target = new URL(path, url);
    target.searchParams.set('measurement_id', measurementId);
    target.searchParams.set('api_secret', secret);
    const { now } = this.#context;
    return { url: target, headers: { 'content-type': 'application/json' }, body, signal, now, secrets: [secret] };
  }
}

const unsent = (request: Ga4Request): Delivered => ({ rejected: [], again: request.events });

/** Groups requests to send at once; the first goes alone. */
function stepsOf(requests: readonly Ga4Request[]): readonly (readonly Ga4Request[])[] {
  const steps: Ga4Request[][] = [];
  for (const request of requests.toSorted((a, b) => a.wave - b.wave)) {
    const step = steps.at(-1);
    const joins =
      step !== undefined && steps.length > 1 && step.length < REQUESTS_AT_ONCE && step[0]?.wave === request.wave;
    if (joins) step.push(request);
    else steps.push([request]);
  }
  return steps;
}

function conclude(
  batch: readonly SinkEvent[],
  rejected: ReadonlyMap<string, string>,
  again: ReadonlySet<string>,
  failure: Delivered['failure'],
): SendOutcome {
  if (failure === undefined) return rejected.size === 0 ? { kind: 'accepted' } : { kind: 'partial', rejected };
  if (again.size === batch.length) return failure;
  const afterMs = failure.kind === 'retry' ? failure.afterMs : undefined;
  return {
    kind: 'partial',
    rejected,
    again: batch.map(({ id }) => id).filter((id) => again.has(id)),
    ...(afterMs !== undefined && { afterMs }),
  };
}

const strictBodyOf = (request: Pick<Ga4Request, 'client' | 'events'>): string =>
  bodyOf(request, { validation_behavior: 'ENFORCE_RECOMMENDATIONS' });

const NOT_GOOGLE = "What answers is not Google Analytics' validation server: check the address, and a proxy on the way";

const answerSchema = z.object({ validationMessages: z.array(z.object({ description: z.string() })) });

/** Returns the validation server's complaints about a request; undefined if something else answered. */
function complaintsIn(answer: string): readonly string[] | undefined {
  try {
    return answerSchema.parse(JSON.parse(answer)).validationMessages.map(({ description }) => description);
  } catch {
    return undefined;
  }
}
