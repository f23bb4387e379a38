import { z } from 'zod';
import { extractorsSchema } from '../extractors/settings.ts';
import { managementSchema } from './management.ts';
import { REPORTS } from '../notify/policy.ts';
import {
  amqpUrl,
  duration,
  flag,
  host,
  httpUrl,
  listenAddress,
  logFormat,
  logLevel,
  oneOf,
  pause,
  percent,
  settings,
  size,
  smtpUrl,
  text,
  whole,
} from './values.ts';

const redirectOrigin = text.refine(
  (given) => given === '*' || (URL.canParse(given) && new URL(given).origin === given),
  'an origin such as https://login.example.org, or *',
);
const headers = z.record(z.string(), text, 'names of headers with their values');

/** Interval, time-outs and thresholds: for one probe, or in `defaults` for all. */
const schedule = {
  interval: duration.optional().describe('From the start of one reading to the start of the next'),
  timeout: duration.optional().describe('For each whole try'),
  retries: whole(0, 20).optional().describe('Further tries before a reading is bad'),
  retry_pause: pause.optional().describe('Before a further try'),
  jitter: percent.optional().describe('Up to this part of the interval is added, so that probes do not run in step'),
  failures: whole(1, 1000).optional().describe('Consecutive bad readings that make "down"'),
  successes: whole(1, 1000).optional().describe('Consecutive good readings that make "up" again'),
  window: whole(1, 1000).optional().describe('How many readings average, minimum, maximum and loss cover'),
};

const common = {
  name: text.max(200, 'text of at most 200 characters').describe('Unique name of the probe'),
  tags: z.array(text, 'a list of words').optional().describe('Words that appear in its messages'),
  component: text.optional().describe('The service that the probe is about: `service_name` of its events'),
  ...schedule,
};

const jsonCheck = settings({
  path: text.describe('Names and indices, separated by dots: `version.number`, `0.id`'),
  equals: z.union([z.string(), z.number(), z.boolean()], 'text, a number, true or false').optional(),
});

const bodyCheck = settings({
  equals: text.optional().describe('Apart from white space at both ends'),
  contains: text.optional(),
  matches: text.refine(isRegularExpression, 'a regular expression').optional(),
  json: jsonCheck.optional().describe('The value must be present and, if `equals` is set, equal to it'),
});

const request = {
  url: httpUrl,
  headers: headers.optional().describe('Sent to the URL and never to another host'),
  status: text
    .regex(/^[1-5]\d\d(-[1-5]\d\d)?(,[1-5]\d\d(-[1-5]\d\d)?)*$/, 'status codes such as "200", "200-299" or "200,401"')
    .optional()
    .describe('Status codes that are good'),
  redirects: whole(0, 20)
    .optional()
    .describe('How many redirects are followed; after that, the redirect itself is the answer'),
  redirect_origins: z
    .array(redirectOrigin, 'a list of origins')
    .optional()
    .describe("Origins, besides the URL's own, that redirects may lead to; `*`: any, except private addresses"),
  max_response_time: duration.optional().describe('A slower answer is a bad reading'),
  tls_verify: flag.optional().describe('false: an untrusted certificate does not make a reading bad'),
  tls_min_days: whole(0).optional().describe('A certificate with fewer days left is a bad reading'),
  ca_file: text.optional().describe('PEM file of the certificates that are trusted'),
};

const queue = z.union(
  [
    text.transform((name) => ({ name, max_messages: undefined, min_consumers: undefined })),
    settings({ name: text, max_messages: whole(0).optional(), min_consumers: whole(0).optional() }),
  ],
  'the name of a queue, or settings: name, max_messages, min_consumers',
);

const PROBES = [
  settings({
    ...common,
    ...request,
    type: z.literal('http'),
    method: oneOf('GET', 'HEAD').optional(),
    body: bodyCheck.optional(),
    version: jsonCheck.optional().describe('Place of the version of the service in a JSON answer'),
    uptime: jsonCheck.optional().describe('Place of its uptime in seconds in a JSON answer'),
  }),
  settings({
    ...common,
    ...request,
    type: z.literal('download'),
    bytes: size.optional().describe('Size of the file'),
    sha256: text.regex(/^[0-9a-f]{64}$/i, '64 hexadecimal digits').optional(),
  }),
  settings({
    ...common,
    type: z.literal('clowder'),
    url: httpUrl.describe('Address of Clowder itself, with its context path'),
    version: oneOf('v1', 'v2').optional(),
    headers: headers.optional(),
    tls_verify: request.tls_verify,
    tls_min_days: request.tls_min_days,
    ca_file: request.ca_file,
    redirect_origins: request.redirect_origins,
    max_response_time: request.max_response_time,
  }),
  settings({
    ...common,
    type: z.literal('tcp'),
    host,
    port: whole(1, 65_535),
    tls: flag.optional(),
    tls_verify: request.tls_verify,
    tls_min_days: request.tls_min_days,
    ca_file: request.ca_file,
  }),
  settings({
    ...common,
    type: z.literal('rabbitmq'),
    url: amqpUrl.optional().describe('In the form of AMQP_URL, which is the default'),
    ca_file: text.optional(),
    queues: z.array(queue, 'a list of queues').optional(),
    management: managementSchema.optional(),
  }),
  settings({
    ...common,
    type: z.literal('disk'),
    path: text,
    min_free: size.optional().describe('Less is a bad reading'),
    max_used: percent.optional().describe('More is a bad reading'),
  }),
  settings({ ...common, type: z.literal('file_write'), path: text.describe('A directory') }),
  settings({
    ...common,
    type: z.literal('ping'),
    host,
    count: whole(1, 100).optional(),
    max_loss: percent.optional().describe('More packets lost, in percent, are a bad reading'),
  }),
] as const;

const quietHours = settings({
  from: text.regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as 22:00'),
  to: text.regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as 07:00'),
  timezone: text.refine(isTimezone, 'a time zone such as Europe/Berlin').optional(),
});

const telling = {
  name: text.optional().describe('@default its type'),
  report: oneOf(...REPORTS)
    .optional()
    .describe('changes: down, and up again; failure: down alone; always: every reading'),
  failures: whole(1).optional().describe('Consecutive bad readings before it sends a message'),
  quiet: pause
    .optional()
    .describe('After a message that something is down, how long not to send that it is down again'),
  remind: duration.optional().describe('Sends the message again at this interval while it is down'),
  quiet_hours: quietHours.optional(),
  probes: z.array(text, 'a list of names of probes').optional().describe('Only of these'),
  timeout: duration.optional(),
  give_up_after: duration.optional().describe('A message that cannot be delivered for this long is dropped'),
};

const NOTIFIERS = [
  settings({
    ...telling,
    type: z.literal('webhook'),
    url: httpUrl,
    headers: headers.optional(),
    secret: text.optional().describe('Signs the body: X-Clowder-Signature, HMAC-SHA256'),
  }),
  settings({
    ...telling,
    type: z.literal('slack'),
    url: httpUrl,
    channel: text.optional(),
    username: text.optional(),
  }),
  settings({
    ...telling,
    type: z.literal('email'),
    url: smtpUrl,
    from: text,
    to: z.array(text, 'a list of addresses').min(1, 'a list of addresses'),
    subject_prefix: text.optional(),
  }),
  settings({
    ...telling,
    type: z.literal('rabbitmq'),
    url: amqpUrl.optional().describe('In the form of AMQP_URL, which is the default'),
    ca_file: text.optional(),
    exchange: text.optional(),
  }),
] as const;

/** monitor.yaml. */
export const monitorSchema = settings({
  clowder: settings({
    version: oneOf('v1', 'v2').optional(),
    instance: text.optional().describe('`clowder_instance` of every event'),
  }).optional(),
  defaults: settings(schedule).optional(),
  telemetry: settings({
    endpoint: httpUrl.optional().describe('Address of the receiver, without /v1/…; OTEL_EXPORTER_OTLP_ENDPOINT wins'),
    headers: headers.optional().describe('OTEL_EXPORTER_OTLP_HEADERS wins'),
    metric_interval: duration.optional(),
  }).optional(),
  spool_dir: text.optional(),
  spool_max_bytes: size.optional().describe('SPOOL_MAX_BYTES wins'),
  admin: listenAddress.optional().describe('Serves /healthz and /metrics; MONITOR_ADMIN wins'),
  log_level: logLevel.optional(),
  log_format: logFormat.optional().describe('json, pretty (for people), auto (pretty on a terminal); LOG_FORMAT wins'),
  pair: settings({
    url: amqpUrl.optional().describe('In the form of AMQP_URL, which is the default'),
    ca_file: text.optional(),
  })
    .optional()
    .describe('For more than one monitor: of those with this setting, one works and the others stand by'),
  probes: z
    .array(z.discriminatedUnion('type', PROBES, `a probe of type ${typesOf(PROBES)}`), 'a list of probes')
    .optional(),
  extractors: extractorsSchema.optional().describe('If present, extractors and their jobs are watched'),
  notify: z
    .array(z.discriminatedUnion('type', NOTIFIERS, `a notifier of type ${typesOf(NOTIFIERS)}`), 'a list of notifiers')
    .optional(),
});

export type MonitorYaml = z.infer<typeof monitorSchema>;
type AnyProbe = NonNullable<MonitorYaml['probes']>[number];
export type ProbeType = AnyProbe['type'];
/** Settings of a probe of this type. */
export type ProbeSettings<T extends ProbeType = ProbeType> = Extract<AnyProbe, { type: T }>;
type AnyNotifier = NonNullable<MonitorYaml['notify']>[number];
export type NotifierType = AnyNotifier['type'];
export type NotifierSettings<T extends NotifierType = NotifierType> = Extract<AnyNotifier, { type: T }>;
export type ScheduleSettings = NonNullable<MonitorYaml['defaults']>;

function typesOf(options: readonly { readonly shape: { readonly type: { readonly value: string } } }[]): string {
  return options.map((option) => option.shape.type.value).join(', ');
}

function isRegularExpression(given: string): boolean {
  try {
    return new RegExp(given, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

function isTimezone(given: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
