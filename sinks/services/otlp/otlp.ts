import { promisify } from 'node:util';
import { gzip, zstdCompress } from 'node:zlib';
import { z } from 'zod';
import { oneOf } from '../../../runtime/config/schema.ts';
import { post, type PostOptions } from '../../../runtime/sending/post.ts';
import { probe } from '../../probe.ts';
import { addressOf, secretsOfQuery, serviceUrl } from '../../settings/service-url.ts';
import { understand } from './answer.ts';
import { createToRecord, requestOf, type ToRecord } from './record.ts';
import { readMap } from '../../settings/common.ts';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import { SinkError, type Sink, type SinkContext, type SinkDefinition, type SinkEvent } from '../../sink.ts';

const PATH = '/v1/logs';
const MAX_EVENTS = 1000;
/** Uncompressed. OTLP sets no limit; those of backends start at a few million. */
const MAX_BYTES = 1_000_000;
/** Compressors by their names in Content-Encoding. */
const CODINGS = { gzip: promisify(gzip), zstd: promisify(zstdCompress) } as const;

const header = z.string().regex(/^[\t\x20-\x7E\x80-\xFF]*$/, 'must be the value of an HTTP header');
const config = z.strictObject({
  endpoint: serviceUrl.describe('Address of the backend, with or without /v1/logs'),
  headers: z
    .preprocess(
      readHeaders,
      z.record(z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be the name of an HTTP header'), header),
    )
    .default({})
    .describe('E.g. a key: as `name=value,…` with values percent-encoded, like OTEL_EXPORTER_OTLP_HEADERS'),
  compression: oneOf(['gzip', 'zstd', 'none']).default('gzip'),
  service_name: z.string().min(1).default('clowder').describe('`service.name` of the resource'),
});
type Config = z.infer<typeof config>;

/** Sends events as OTel log records to any backend with OTLP over HTTP. */
export const otlp: SinkDefinition<Config> = {
  name: 'otlp',
  description: 'OTel log records over OTLP/HTTP, to any backend',
  config,
  variables: {
    SINK_OTLP_ENDPOINT: 'endpoint',
    SINK_OTLP_HEADERS: 'headers',
    SINK_OTLP_COMPRESSION: 'compression',
    SINK_OTLP_SERVICE_NAME: 'service_name',
  },
  // A vendor's address looks like one's own. Operators with their own backend must say so; then trace ids are sent too.
  thirdParty: true,
  dedupes: false,
  limits: ({ service_name: serviceName }) => {
    const toRecord = createToRecord(serviceName, Date.now);
    return { maxEvents: MAX_EVENTS, maxBytes: MAX_BYTES, sizeOf: (event) => requestOf([toRecord(event)]).length };
  },
  open: async (settings, context) => new OtlpSink(settings, context),
};

class OtlpSink implements Sink {
  readonly #config: Config;
  readonly #url: URL;
  readonly #context: SinkContext;
  readonly #toRecord: ToRecord;
  readonly #secrets: readonly string[];

  constructor(settings: Config, context: SinkContext) {
    this.#config = settings;
    this.#url = logsUrl(settings.endpoint);
    this.#context = context;
    this.#secrets = [...secretsIn(settings.headers), ...secretsOfQuery(this.#url)];
    this.#toRecord = createToRecord(settings.service_name, context.now);
  }

  async check(signal: AbortSignal): Promise<string> {
    const at = `The OTLP receiver at ${this.#url.host}`;
    const answer = await probe('The OTLP receiver', await this.#request([], signal));
    const { outcome } = understand(answer, [], this.#secrets);
    if (outcome.kind === 'accepted')
      return `${at} takes requests; the one that this sent is empty, and nothing is stored.`;
    const reason = 'reason' in outcome ? outcome.reason : outcome.kind;
    if (answer.status === 401 || answer.status === 403)
      throw new SinkError(
        'unauthorised',
        `${at} does not accept our credentials (${reason}): check SINK_OTLP_HEADERS.`,
      );
    throw new SinkError('not_ready', `${addressOf(this.#url)} takes no logs (${reason}): check SINK_OTLP_ENDPOINT.`);
  }

  async send(batch: readonly SinkEvent[], signal: AbortSignal): Promise<SendOutcome> {
    const { outcome, warning } = understand(await post(await this.#request(batch, signal)), batch, this.#secrets);
    if (warning !== undefined) this.#context.log.warn({ warning }, 'the backend took the events with a remark');
    return outcome;
  }

  async close(): Promise<void> {}

  async #request(batch: readonly SinkEvent[], signal: AbortSignal): Promise<PostOptions> {
    const { headers, compression } = this.#config;
    const body = requestOf(batch.map((event) => this.#toRecord(event)));
    const coded = compression === 'none' ? undefined : await CODINGS[compression](body);
    return {
      url: this.#url,
      headers: {
        ...headers,
        'content-type': 'application/x-protobuf',
        ...(coded !== undefined && { 'content-encoding': compression }),
      },
      body: coded ?? body,
      signal,
      now: this.#context.now,
      secrets: this.#secrets,
    };
  }
}

/** Appends the path of logs to the endpoint, as SDKs do, unless the endpoint already has it. */
function logsUrl(endpoint: string): URL {
  const url = new URL(endpoint);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith(PATH) ? path : `${path}${PATH}`;
  return url;
}

/** Returns header values and their words, because a key may follow `Bearer`. Short ones are names rather than keys. */
function secretsIn(headers: Readonly<Record<string, string>>): readonly string[] {
  const values = Object.values(headers);
  return values.concat(values.flatMap((value) => value.split(' '))).filter((value) => value.length >= 8);
}

function readHeaders(value: unknown): unknown {
  const map = readMap(value);
  if (typeof value !== 'string' || typeof map !== 'object' || map === null) return map;
  return Object.fromEntries(
    Object.entries(map).map(([name, one]) => [name.toLowerCase(), typeof one === 'string' ? decoded(one) : one]),
  );
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
