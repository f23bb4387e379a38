import { hash } from 'node:crypto';
import { attribute, numberAttribute, textAttribute } from '../../taxonomy/attributes.ts';
import { clientIdentity, clientKind, dayOf } from '../../taxonomy/client.ts';
import type { MapContext } from '../../taxonomy/map/context.ts';
import type { Attributes, LogRecord } from '../../taxonomy/telemetry.ts';

/** What is read of a record of an access log to count it. */
export type AccessRecord = Pick<
  LogRecord,
  'timeUnixNano' | 'observedTimeUnixNano' | 'attributes' | 'resource' | 'traceId'
>;

/** Whose log it is: windows are counted for each apart. */
export interface LogSource {
  /** `clowder_instance`, '' where none is known. */
  readonly instance: string;
  /** `service.name` of the web server. */
  readonly component: string;
}

/** One line of an access log, reduced to what a window counts. */
export interface AccessLine {
  readonly source: LogSource;
  /** End of the request, Unix milliseconds: when NGINX wrote the line. */
  readonly atMs: number;
  /** Tells the line from others of its window, up to 2^52; the same whenever it is read again. */
  readonly id: number;
  /** 1 to 5; 0 where the status is none. */
  readonly statusClass: number;
  readonly isBot: boolean;
  /** Sent to the client: the whole answer where the line says that, its body otherwise. */
  readonly bytes?: number;
  /** Shortened keyed hash, no address. Absent where NGINX answered with an error itself: nobody came as far as Clowder. */
  readonly client?: string;
  readonly connection?: string;
  /** Whether it is the first request of its connection. */
  readonly opens: boolean;
}

/** The attribute that makes a log record one of an access log. */
const STATUS = 'http.response.status_code';
const DECIDING = [STATUS, 'http.status_code'];
/** Statuses that NGINX alone gives: bad and late requests, too long ones, wrong TLS, connections that it closes. */
const NGINX_ALONE: ReadonlySet<number> = new Set([408, 414, 421, 431, 444, 494, 495, 496, 497]);
const CLIENT_ID_LENGTH = 12;
/** Hex digits of an identity: 52 bits, which a number holds exactly. */
const ID_DIGITS = 13;

const EVIDENCE = [
  'process.pid', 'nginx.connection', 'nginx.connection_requests', 'log.file.position', 'log.file.record_offset',
  'client.address', 'user_agent.original', 'http.request.method', 'url.path', 'url.query', STATUS,
  'http.response.body.size',
]; // prettier-ignore

/** Names of the attributes that are read; of a record that makes no event, no others are decoded. */
export const ACCESS_ATTRIBUTES: readonly string[] = [
  ...EVIDENCE,
  ...DECIDING.slice(1),
  'http.response.size',
  'http.method',
  'http.target',
  'http.client_ip',
  'http.user_agent',
  'http.response_content_length',
  'nginx.request_id',
  'nginx.upstream.address',
  'clowder.instance',
  'clowder.client.kind',
];

/** Whether the attributes are those of an access log's record. */
export function isAccessRecord(attributes: Attributes): boolean {
  return attribute(attributes, STATUS) !== undefined;
}

/** Whether an attribute of this name makes a record one of an access log. */
export function decidesAccess(name: string): boolean {
  return DECIDING.includes(name);
}

/** @returns undefined where the record has no time or is none of an access log */
export function toAccessLine(record: AccessRecord, context: MapContext): AccessLine | undefined {
  const { attributes, resource } = record;
  const nano = record.timeUnixNano || record.observedTimeUnixNano;
  if (nano === 0n || !isAccessRecord(attributes)) return undefined;
  const atMs = Number(nano / 1_000_000n);
  const status = numberAttribute(attributes, STATUS) ?? 0;
  const statusClass = Math.floor(status / 100);
  // Of a chunked answer NGINX knows no body's size, of every answer what it sent in all.
  const bytes =
    numberAttribute(attributes, 'http.response.size') ?? numberAttribute(attributes, 'http.response.body.size');
  const agent = textAttribute(attributes, 'user_agent.original');
  const address = textAttribute(attributes, 'client.address');
  const connection = textAttribute(attributes, 'nginx.connection');
  const replica = replicaOf(resource);
  return {
    source: {
      instance:
        textAttribute(attributes, 'clowder.instance') ??
        textAttribute(resource, 'clowder.instance') ??
        context.instance ??
        '',
      component: textAttribute(resource, 'service.name') ?? 'nginx',
    },
    atMs,
    id: identityOf(record, nano, replica),
    statusClass: statusClass >= 1 && statusClass <= 5 ? statusClass : 0,
    isBot: (textAttribute(attributes, 'clowder.client.kind') ?? clientKind(agent)) === 'bot',
    opens: numberAttribute(attributes, 'nginx.connection_requests') === 1,
    ...(bytes !== undefined && bytes >= 0 && { bytes: Math.round(bytes) }),
    ...(address !== undefined &&
      !isRefused(attributes, status) && {
        client: clientIdentity(address, agent ?? '', context.dayKey(dayOf(atMs)), 'drop').id.slice(0, CLIENT_ID_LENGTH),
      }),
    // NGINX numbers connections anew when it starts: its process tells those of one number apart.
    ...(connection !== undefined && {
      connection: `${replica}/${textAttribute(attributes, 'process.pid') ?? ''}/${connection}`,
    }),
  };
}

/** Our own format names the server behind NGINX; the stock one does not, and shows what was no request by its missing method. */
function isRefused(attributes: Attributes, status: number): boolean {
  if (NGINX_ALONE.has(status)) return true;
  if (status < 400 || textAttribute(attributes, 'nginx.upstream.address') !== undefined) return false;
  if (textAttribute(attributes, 'nginx.connection') !== undefined) return true;
  return status === 400 && textAttribute(attributes, 'http.request.method') === undefined;
}

/** One of several web servers of a name, where they say so. */
function replicaOf(resource: Attributes): string {
  return (
    textAttribute(resource, 'service.instance.id') ??
    textAttribute(resource, 'k8s.pod.name') ??
    textAttribute(resource, 'host.name') ??
    ''
  );
}

/** NGINX's own id of a request where it is logged; everything that the line says otherwise. Not the file's name: rotation changes it. */
function identityOf({ attributes, traceId }: AccessRecord, nano: bigint, replica: string): number {
  const requestId = textAttribute(attributes, 'nginx.request_id');
  if (requestId !== undefined && /^[0-9a-f]{32}$/.test(requestId))
    return Number.parseInt(requestId.slice(0, ID_DIGITS), 16);
  const evidence = EVIDENCE.map((name) => textAttribute(attributes, name) ?? '');
  const text = JSON.stringify([requestId ?? '', traceId, String(nano), replica, ...evidence]);
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, ID_DIGITS), 16);
}
