import { hash } from 'node:crypto';
import { attribute, numberAttribute, textAttribute } from '../../taxonomy/attributes.ts';
import { clientIdentity, clientKind, dayOf } from '../../taxonomy/client.ts';
import type { MapContext } from '../../taxonomy/map/context.ts';
import type { Attributes, LogRecord } from '../../taxonomy/telemetry.ts';

/** The part of an access-log record that is needed to count it. */
export type AccessRecord = Pick<
  LogRecord,
  'timeUnixNano' | 'observedTimeUnixNano' | 'attributes' | 'resource' | 'traceId'
>;

/** The log's source; each source has its own windows. */
export interface LogSource {
  /** `clowder_instance`, '' if unknown. */
  readonly instance: string;
  /** `service.name` of the web server. */
  readonly component: string;
}

/** One line of an access log, reduced to what a window counts. */
export interface AccessLine {
  readonly source: LogSource;
  /** End of the request in Unix milliseconds, when NGINX wrote the line. */
  readonly atMs: number;
  /** Distinguishes the line from others of its window, up to 2^52; the same whenever it is read again. */
  readonly id: number;
  /** 1 to 5; 0 if the status is invalid. */
  readonly statusClass: number;
  readonly isBot: boolean;
  /** Bytes sent to the client: the whole answer if the line says that, otherwise its body. */
  readonly bytes?: number;
  /**
   * Shortened keyed hash, not an address. Absent if NGINX itself answered with an error, because the client did not
   * reach Clowder.
   */
  readonly client?: string;
  readonly connection?: string;
  /** Whether it is the first request of its connection. */
  readonly opens: boolean;
}

/** The attribute that makes a log record an access-log record. */
const STATUS = 'http.response.status_code';
const DECIDING = [STATUS, 'http.status_code'];
/** Statuses that only NGINX gives: bad, late or oversized requests, wrong TLS, connections that it closes. */
const NGINX_ALONE: ReadonlySet<number> = new Set([408, 414, 421, 431, 444, 494, 495, 496, 497]);
const CLIENT_ID_LENGTH = 12;
/** Hex digits of an identity: 52 bits, which a number holds exactly. */
const ID_DIGITS = 13;

const EVIDENCE = [
  'process.pid', 'nginx.connection', 'nginx.connection_requests', 'log.file.position', 'log.file.record_offset',
  'client.address', 'user_agent.original', 'http.request.method', 'url.path', 'url.query', STATUS,
  'http.response.body.size',
]; // prettier-ignore

/** Names of the attributes that are read. If a record makes no event, only these are decoded. */
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

/** Whether the attributes belong to an access-log record. */
export function isAccessRecord(attributes: Attributes): boolean {
  return attribute(attributes, STATUS) !== undefined;
}

/** Whether an attribute with this name makes a record an access-log record. */
export function decidesAccess(name: string): boolean {
  return DECIDING.includes(name);
}

/** @returns undefined if the record has no time or is not from an access log */
export function toAccessLine(record: AccessRecord, context: MapContext): AccessLine | undefined {
  const { attributes, resource } = record;
  const nano = record.timeUnixNano || record.observedTimeUnixNano;
  if (nano === 0n || !isAccessRecord(attributes)) return undefined;
  const atMs = Number(nano / 1_000_000n);
  const status = numberAttribute(attributes, STATUS) ?? 0;
  const statusClass = Math.floor(status / 100);
  // For a chunked answer NGINX does not know the body's size, but it always knows how much it sent in total.
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
    // NGINX numbers connections anew when it starts: its process id distinguishes those with the same number.
    ...(connection !== undefined && {
      connection: `${replica}/${textAttribute(attributes, 'process.pid') ?? ''}/${connection}`,
    }),
  };
}

/**
 * Whether NGINX itself refused the request. Our own log format names the server behind NGINX. The stock format does not, but
 * there a broken request has no method.
 */
function isRefused(attributes: Attributes, status: number): boolean {
  if (NGINX_ALONE.has(status)) return true;
  if (status < 400 || textAttribute(attributes, 'nginx.upstream.address') !== undefined) return false;
  if (textAttribute(attributes, 'nginx.connection') !== undefined) return true;
  return status === 400 && textAttribute(attributes, 'http.request.method') === undefined;
}

/** Identifies one of several web servers with the same name; '' if its telemetry does not. */
function replicaOf(resource: Attributes): string {
  return (
    textAttribute(resource, 'service.instance.id') ??
    textAttribute(resource, 'k8s.pod.name') ??
    textAttribute(resource, 'host.name') ??
    ''
  );
}

/**
 * NGINX's own request id if it is logged; otherwise the whole content of the line. Not the file name, which rotation
 * changes.
 */
function identityOf({ attributes, traceId }: AccessRecord, nano: bigint, replica: string): number {
  const requestId = textAttribute(attributes, 'nginx.request_id');
  if (requestId !== undefined && /^[0-9a-f]{32}$/.test(requestId))
    return Number.parseInt(requestId.slice(0, ID_DIGITS), 16);
  const evidence = EVIDENCE.map((name) => textAttribute(attributes, name) ?? '');
  const text = JSON.stringify([requestId ?? '', traceId, String(nano), replica, ...evidence]);
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, ID_DIGITS), 16);
}
