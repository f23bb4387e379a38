import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { z } from 'zod';
import { oneOf } from '../../../runtime/config/schema.ts';
import { post, type PostAnswer, type PostOptions } from '../../../runtime/sending/post.ts';
import { probe } from '../../probe.ts';
import { serviceUrl } from '../../settings/service-url.ts';
import { toLine } from './line.ts';
import { toPoint, whyNoPoint } from './point.ts';
import type { SendOutcome } from '../../../runtime/sending/outcome.ts';
import { SinkError, type Sink, type SinkContext, type SinkDefinition, type SinkEvent } from '../../sink.ts';

const name = z.string().min(1);

const config = z
  .strictObject({
    url: serviceUrl.describe('The server, e.g. http://influxdb:8086'),
    database: name.optional().describe('InfluxDB 1: the database; `eventsink` where no bucket is given either'),
    retention_policy: name.optional().describe("InfluxDB 1: instead of the database's default one"),
    user: name.optional().describe('InfluxDB 1'),
    password: name.optional().describe('InfluxDB 1'),
    bucket: name.optional().describe('InfluxDB 2 or 3'),
    org: name.optional().describe('InfluxDB 2: the organisation of the bucket'),
    token: name.optional().describe('InfluxDB 2 or 3: a token that may write'),
    measurement: name
      .regex(/^[^#_\s]/, 'must not begin with #, _ or a space')
      .default('events')
      .describe('The measurement that points belong to'),
    event_id: oneOf(['field', 'tag'])
      .default('field')
      .describe('`tag` for InfluxDB 3, where a series an event costs nothing'),
  })
  .refine(({ database, bucket }) => database === undefined || bucket === undefined, {
    error: 'is of InfluxDB 2, and database of InfluxDB 1: give one of them',
    path: ['bucket'],
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    error: 'must be given together with user',
    path: ['password'],
  });

export type InfluxConfig = z.infer<typeof config>;

/** The database of Clowder's own consumer. */
const DEFAULT_DATABASE = 'eventsink';
const MAX_EVENTS = 5000;
/** A line may be twice as long as the event's JSON; InfluxDB 1 accepts 25 MB. */
const MAX_BYTES = 10 * 1024 ** 2;
/** A comment contains no point, so nothing is stored. */
const NO_POINT = '# clowder-otel sink check';
/** Limits set by an operator; the events are not to blame. */
const SERVER_LIMIT = /max-series-per-database|max-values-per-tag|retention policy not found/;

export const influxdb: SinkDefinition<InfluxConfig> = {
  name: 'influxdb',
  description: "InfluxDB 1, 2 or 3, in the measurement of Clowder's own consumer",
  config,
  variables: Object.fromEntries(
    Object.keys(config.shape).map((setting) => [`INFLUXDB_${setting.toUpperCase()}`, setting]),
  ),
  thirdParty: false,
  dedupes: true,
  limits: () => ({ maxEvents: MAX_EVENTS, maxBytes: MAX_BYTES }),
  open: async (settings, context) => new InfluxSink(settings, context),
};

class InfluxSink implements Sink {
  readonly #config: InfluxConfig;
  readonly #context: SinkContext;
  readonly #url: URL;

  constructor(settings: InfluxConfig, context: SinkContext) {
    this.#config = settings;
    this.#context = context;
    this.#url = writeUrl(settings);
  }

  async check(signal: AbortSignal): Promise<string> {
    const where = `InfluxDB at ${this.#url.host}`;
    const answer = await probe('InfluxDB', this.#request(NO_POINT, {}, signal));
    const store = this.#config.bucket === undefined ? 'database' : 'bucket';
    if (answer.outcome.kind === 'accepted')
      return `${where}${versionOf(answer)} takes what we write to ${store} ${this.#storeName()} (tried with a comment, nothing is stored).`;
    const said = answer.text.trim().slice(0, 200);
    if (answer.status === 401 || answer.status === 403)
      throw new SinkError('unauthorised', `${where} refuses us: ${said}. Check INFLUXDB_TOKEN, or user and password.`);
    throw new SinkError(
      'not_ready',
      `${where} cannot write to ${store} ${this.#storeName()} (HTTP ${answer.status}: ${said}). Create it, or check the name and the version of InfluxDB.`,
    );
  }

  async send(batch: readonly SinkEvent[], signal: AbortSignal): Promise<SendOutcome> {
    const rejected = new Map<string, string>();
    const lines: string[] = [];
    for (const event of batch) {
      const problem = whyNoPoint(event);
      if (problem === undefined) lines.push(toLine(toPoint(event, this.#pointOptions())));
      else rejected.set(event.id, problem);
    }
    if (lines.length > 0) {
      const body = await promisify(gzip)(lines.join('\n'));
      const outcome = outcomeOf(await post(this.#request(body, { 'content-encoding': 'gzip' }, signal)));
      if (outcome.kind !== 'accepted') return outcome;
    }
    return rejected.size === 0 ? { kind: 'accepted' } : { kind: 'partial', rejected };
  }

  async close(): Promise<void> {
    // Connections belong to fetch; nothing is kept here.
  }

  #storeName(): string {
    return this.#config.bucket ?? this.#config.database ?? DEFAULT_DATABASE;
  }

  #pointOptions(): Parameters<typeof toPoint>[1] {
    return { measurement: this.#config.measurement, idAsTag: this.#config.event_id === 'tag' };
  }

  #request(body: string | Uint8Array, more: Readonly<Record<string, string>>, signal: AbortSignal): PostOptions {
    const { token, user, password } = this.#config;
    const basic = Buffer.from(`${user ?? ''}:${password ?? ''}`).toString('base64');
    const authorization = token !== undefined ? `Token ${token}` : user !== undefined ? `Basic ${basic}` : undefined;
    return {
      url: this.#url,
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        ...more,
        ...(authorization !== undefined && { authorization }),
      },
      body,
      signal,
      now: this.#context.now,
      secrets: [token ?? '', password ?? ''],
    };
  }
}

/** Sets no precision: both endpoints read times as nanoseconds by default. */
function writeUrl({ url, bucket, org, database, retention_policy: policy }: InfluxConfig): URL {
  const base = url.endsWith('/') ? url : `${url}/`;
  const write = new URL(bucket === undefined ? 'write' : 'api/v2/write', base);
  const parameters = bucket === undefined ? { db: database ?? DEFAULT_DATABASE, rp: policy } : { bucket, org };
  for (const [parameter, value] of Object.entries(parameters)) {
    if (value !== undefined) write.searchParams.set(parameter, value);
  }
  return write;
}

/**
 * Interprets an answer. If some points were refused, the others are stored. The answer does not reliably say which, so the
 * batch is split. Points that are already stored are simply written again.
 */
function outcomeOf({ status, text, outcome }: PostAnswer): SendOutcome {
  const reason = `HTTP ${status}: ${text.slice(0, 500)}`;
  if (status >= 400 && status !== 413 && SERVER_LIMIT.test(text)) return { kind: 'misconfigured', reason };
  // A cluster has stored some of the points.
  if (status === 201) return { kind: 'rejected', reason };
  return outcome;
}

function versionOf(answer: PostAnswer): string {
  const version = answer.header('x-influxdb-version');
  return version === null ? '' : ` (${version})`;
}
