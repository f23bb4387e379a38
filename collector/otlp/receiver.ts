import { setImmediate as immediate } from 'node:timers/promises';
import { releaseBytes } from '../release-bytes.ts';
import type { TelemetryBatch } from '../intake/telemetry-batch.ts';
import type { BodyLimits } from './body.ts';
import { createByteBudget, type ByteLease } from './byte-budget.ts';
import type { Decoding } from './decoding.ts';
import { decodeLogsJson, decodeMetricsJson, decodeTracesJson } from './json.ts';
import { decodeLogs, decodeMetrics, decodeTraces } from './protobuf.ts';
import type { Encoding, Signal } from './responses.ts';
import type { Screen } from './screen.ts';

export interface ReceiverOptions {
  readonly maxBodyBytes: number;
  readonly maxInflightBytes: number;
  readonly screen: Screen;
  /** Begins a batch, which takes the records of one request and holds their events. */
  readonly open: (signal: Signal, lease: ByteLease) => TelemetryBatch;
}

/**
 * Takes one request, over any transport: reads it, decodes what may be an event, journals the events.
 *
 * @param read reads the body within the limits
 * @returns how many records were rejected for good, and why
 * @throws CollectorError of the body, the records or the journal
 */
export type OtlpReceiver = (
  signal: Signal,
  encoding: Encoding,
  read: (limits: BodyLimits) => Promise<Uint8Array>,
) => Promise<{ readonly rejected: number; readonly message?: string }>;

type Decode = (body: Uint8Array, screen: Screen, batch: TelemetryBatch) => Decoding;

const DECODERS: Readonly<Record<Signal, Readonly<Record<Encoding, Decode>>>> = {
  traces: {
    json: (body, screen, { spans }) => decodeTracesJson(body, screen, spans),
    protobuf: (body, screen, { spans }) => decodeTraces(body, screen, spans),
  },
  logs: {
    json: (body, screen, { logs }) => decodeLogsJson(body, screen, logs),
    protobuf: (body, screen, { logs }) => decodeLogs(body, screen, logs),
  },
  metrics: {
    json: (body, screen, { points }) => decodeMetricsJson(body, screen, points),
    protobuf: (body, screen, { points }) => decodeMetrics(body, screen, points),
  },
};

/** Size from which decoding a body waits for a turn of its own. */
const LARGE_BYTES = 64 * 1024;

/** One receiver for all OTLP transports: its limits hold for HTTP and gRPC together. */
export function createReceiver({ maxBodyBytes, maxInflightBytes, screen, open }: ReceiverOptions): OtlpReceiver {
  const budget = createByteBudget(maxInflightBytes);
  const turn = createTurns();
  return async function receive(signal, encoding, read) {
    const lease = budget.lease();
    let body: Uint8Array | undefined;
    try {
      body = await read({ maxBytes: maxBodyBytes, setting: 'MAX_BODY_BYTES', lease });
      if (body.byteLength > LARGE_BYTES) await turn();
      const batch = open(signal, lease);
      const decoding = DECODERS[signal][encoding](body, screen, batch);
      let step = decoding.next();
      for (; step.done !== true; step = decoding.next()) await turn();
      return await batch.submit(step.value);
    } finally {
      // Whatever is kept of it was copied.
      if (body !== undefined && body.byteLength > LARGE_BYTES && isAlone(body)) releaseBytes(body);
      lease.end();
    }
  };
}

/** Gives each call a turn of the event loop to itself, in order, so that large batches do not block small ones. */
function createTurns(): () => Promise<void> {
  let last = Promise.resolve();
  return () => {
    last = last.then(() => immediate());
    return last;
  };
}

/** Whether nothing else lies in the memory that the bytes are in. */
const isAlone = ({ buffer, byteLength }: Uint8Array): boolean => buffer.byteLength === byteLength;
