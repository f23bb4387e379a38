import type { CollectorError, ErrorStatus } from '../errors.ts';

export type Encoding = 'json' | 'protobuf';
export const SIGNALS = ['traces', 'logs', 'metrics'] as const;
export type Signal = (typeof SIGNALS)[number];

export const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  protobuf: 'application/x-protobuf',
};

const REJECTED_NAMES: Readonly<Record<Signal, string>> = {
  traces: 'rejectedSpans',
  logs: 'rejectedLogRecords',
  metrics: 'rejectedDataPoints',
};

/** google.rpc.Code by HTTP status (google/rpc/code.proto). */
const RPC_CODES = {
  400: 3, // INVALID_ARGUMENT
  401: 16, // UNAUTHENTICATED
  403: 7, // PERMISSION_DENIED
  404: 5, // NOT_FOUND
  405: 12, // UNIMPLEMENTED
  408: 4, // DEADLINE_EXCEEDED
  413: 8, // RESOURCE_EXHAUSTED
  415: 3, // INVALID_ARGUMENT
  422: 3, // INVALID_ARGUMENT
  429: 8, // RESOURCE_EXHAUSTED
  500: 13, // INTERNAL
  503: 14, // UNAVAILABLE
} as const satisfies Readonly<Record<ErrorStatus, number>>;

/** The code of an error in google.rpc.Status, and so in gRPC. */
export function rpcCode({ status }: CollectorError): number {
  return RPC_CODES[status];
}

const RETRY_MAX_S = 5;

/** Whole seconds after which the sender may try again; undefined if that would not help. */
export function retryAfterOf({ retryAfterS }: CollectorError): number | undefined {
  return retryAfterS === undefined ? undefined : Math.max(1, Math.min(RETRY_MAX_S, Math.ceil(retryAfterS)));
}

/** Bytes. */
const MESSAGE_MAX = 2048;

/** An Export…Response, with `partial_success` only if something was rejected or there is a message. */
export function exportResponse(
  encoding: Encoding,
  signal: Signal,
  rejected: number,
  message = '',
): Uint8Array<ArrayBuffer> {
  const short = bounded(message);
  const nothing = rejected === 0 && short === '';
  if (encoding === 'json') {
    return text(
      JSON.stringify(
        nothing ? {} : { partialSuccess: { [REJECTED_NAMES[signal]]: String(rejected), errorMessage: short } },
      ),
    );
  }
  if (nothing) return new Uint8Array();
  const partial = [...(rejected === 0 ? [] : [0x08, ...varint(rejected)]), ...lengthDelimited(0x12, text(short))];
  return Uint8Array.from(lengthDelimited(0x0a, partial));
}

/**
 * A google.rpc.Status, the body of every OTLP error.
 *
 * @param code a google.rpc.Code
 * @param retryAfterS in protobuf, becomes a google.rpc.RetryInfo among the details, because gRPC has no Retry-After
 */
export function statusBody(
  encoding: Encoding,
  code: number,
  message: string,
  retryAfterS?: number,
): Uint8Array<ArrayBuffer> {
  const short = bounded(message);
  if (encoding === 'json') return text(JSON.stringify({ code, message: short }));
  const details = retryAfterS === undefined ? [] : lengthDelimited(0x1a, retryInfo(retryAfterS));
  return Uint8Array.from([0x08, ...varint(code), ...lengthDelimited(0x12, text(short)), ...details]);
}

/** A google.protobuf.Any that holds a google.rpc.RetryInfo. */
function retryInfo(seconds: number): number[] {
  const delay = lengthDelimited(0x0a, [0x08, ...varint(seconds)]);
  const type = text('type.googleapis.com/google.rpc.RetryInfo');
  return [...lengthDelimited(0x0a, type), ...lengthDelimited(0x12, delay)];
}

/** A message, cut to what an answer has room for. */
export function bounded(message: string): string {
  const bytes = Buffer.from(message);
  return bytes.length <= MESSAGE_MAX
    ? message
    : bytes
        .subarray(0, MESSAGE_MAX - 3)
        .toString()
        .replace(/\uFFFD+$/, '');
}

function text(value: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(value));
}

function lengthDelimited(tag: number, bytes: ArrayLike<number>): number[] {
  return [tag, ...varint(bytes.length), ...Array.from(bytes)];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}
