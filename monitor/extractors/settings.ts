import { z } from 'zod';
import { managementSchema, type ManagementSettings } from '../config/management.ts';
import { amqpUrl as brokers, duration, flag, httpUrl, oneOf, settings, size, text, whole } from '../config/values.ts';

const exchange = z.string('the name of an exchange, "" for the default one');

/** `extractors:` of monitor.yaml. */
export const extractorsSchema = settings({
  url: brokers.optional().describe('In the form of AMQP_URL, which is the default'),
  ca_file: text.optional(),
  cert_file: text.optional(),
  key_file: text.optional(),
  heartbeats: settings({
    exchange: text.optional().describe('Fanout exchange of the heartbeats; Clowder has `extractors`'),
    interval: duration.optional().describe('Assumed time between heartbeats, until two of an extractor have arrived'),
    missed: whole(1, 100).optional().describe('How many missed heartbeats make an extractor silent'),
    ping: duration.optional().describe('A health.ping for each extractor this often'),
    forget: duration.optional().describe('How long a silent extractor is remembered'),
  }).optional(),
  jobs: oneOf('auto', 'firehose', 'poll', 'off')
    .optional()
    .describe('auto: by the firehose while it is on, by polling Clowder while it is not'),
  firehose: settings({
    queue: text.optional().describe("The monitor's own queue"),
    exchanges: z.array(exchange, 'a list of exchanges').min(1, 'a list of exchanges').optional(),
    max_length: whole(100).optional().describe('Most messages in the queue; when it is full, the oldest go first'),
    max_bytes: size.optional().describe('The same in bytes'),
    expires: duration.optional().describe('How long the queue stays while the monitor is away'),
  }).optional(),
  poll: settings({
    url: httpUrl.describe('Address of Clowder, with its context path'),
    api_key: text.optional().describe('Key of a user who may see the jobs'),
    interval: duration.optional(),
    timeout: duration.optional().describe('Of each request'),
    max_requests: whole(1, 10_000).optional().describe('Most requests in each round'),
  }).optional(),
  management: managementSchema.optional().describe('Tells which jobs were taken and not acknowledged'),
  downloads: settings({
    enabled: flag.optional(),
    wait: duration.optional().describe('How long the end of a job waits for the events of its downloads'),
  }).optional(),
});

type Yaml = z.infer<typeof extractorsSchema>;

/** The section with its defaults. Durations are milliseconds, sizes bytes. */
export interface ExtractorsSettings {
  /** Brokers as in AMQP_URL. */
  readonly amqpUrl: string;
  /** Which version of Clowder is polled. */
  readonly clowder: 'v1' | 'v2';
  readonly tlsFiles: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  };
  readonly heartbeats: {
    readonly exchange: string;
    readonly intervalMs: number;
    readonly missed: number;
    readonly pingMs: number;
    readonly forgetMs: number;
  };
  readonly jobs: 'auto' | 'firehose' | 'poll' | 'off';
  readonly firehose: {
    readonly queue: string;
    readonly exchanges: readonly string[];
    readonly maxLength: number;
    readonly maxBytes: number;
    readonly expiresMs: number;
  };
  readonly poll: PollSettings | undefined;
  readonly management: ManagementSettings | undefined;
  readonly downloads: { readonly enabled: boolean; readonly waitMs: number };
}

export interface PollSettings {
  /** Without a trailing slash. */
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly maxRequests: number;
}

const MINUTE_MS = 60_000;

/** Fills in defaults. @param amqpUrl the broker if the section names none */
export function extractorsSettings(yaml: Yaml, amqpUrl: string, clowder: 'v1' | 'v2'): ExtractorsSettings {
  const { heartbeats = {}, firehose = {}, poll, downloads = {} } = yaml;
  return {
    amqpUrl: yaml.url ?? amqpUrl,
    clowder,
    tlsFiles: { ca: yaml.ca_file, cert: yaml.cert_file, key: yaml.key_file },
    heartbeats: {
      exchange: heartbeats.exchange ?? 'extractors',
      // pyclowder's own default.
      intervalMs: heartbeats.interval ?? 5 * MINUTE_MS,
      missed: heartbeats.missed ?? 3,
      pingMs: heartbeats.ping ?? MINUTE_MS,
      forgetMs: heartbeats.forget ?? 24 * 60 * MINUTE_MS,
    },
    jobs: yaml.jobs ?? 'auto',
    firehose: {
      queue: firehose.queue ?? 'clowder-otel.firehose',
      exchanges: firehose.exchanges ?? ['', 'clowder'],
      maxLength: firehose.max_length ?? 100_000,
      maxBytes: firehose.max_bytes ?? 256 * 2 ** 20,
      expiresMs: firehose.expires ?? 6 * 60 * MINUTE_MS,
    },
    poll: poll === undefined ? undefined : pollSettings(poll),
    management: yaml.management,
    downloads: { enabled: downloads.enabled ?? true, waitMs: downloads.wait ?? 10_000 },
  };
}

function pollSettings({ url, api_key: apiKey, ...poll }: NonNullable<Yaml['poll']>): PollSettings {
  return {
    url: url.replace(/\/+$/, ''),
    apiKey,
    intervalMs: poll.interval ?? 30_000,
    timeoutMs: poll.timeout ?? 10_000,
    maxRequests: poll.max_requests ?? 100,
  };
}
