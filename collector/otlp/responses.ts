export type Encoding = 'json' | 'protobuf';
export type Signal = 'traces' | 'logs' | 'metrics';

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
const RPC_CODES: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  408: 4,
  413: 8,
  415: 3,
  429: 8,
  500: 13,
  503: 14,
};

/** Bytes. */
const MESSAGE_MAX = 2048;

/** An Export…Response: `partial_success` only where something was rejected. */
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

/** A google.rpc.Status, the body of every OTLP error. */
export function statusBody(encoding: Encoding, httpStatus: number, message: string): Uint8Array<ArrayBuffer> {
  const code = RPC_CODES[httpStatus] ?? 2;
  const short = bounded(message);
  if (encoding === 'json') return text(JSON.stringify({ code, message: short }));
  return Uint8Array.from([0x08, ...varint(code), ...lengthDelimited(0x12, text(short))]);
}

function bounded(message: string): string {
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
