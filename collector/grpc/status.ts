import type { OutgoingHttpHeaders } from 'node:http2';
import type { CollectorError } from '../errors.ts';
import { bounded, retryAfterOf, rpcCode, statusBody } from '../otlp/responses.ts';

export const OK = 0;
const UNIMPLEMENTED = 12;

/** The gRPC code of an error: as in google.rpc.Code, unless gRPC has its own rule. */
export function grpcCode(error: CollectorError): number {
  // gRPC, "Compression": an encoding that the server does not know.
  return error.code === 'unsupported_encoding' || error.code === 'not_found' ? UNIMPLEMENTED : rpcCode(error);
}

/**
 * The trailers of a failed call. If the sender may try again, they include a google.rpc.RetryInfo (opentelemetry-proto
 * specification, "OTLP/gRPC Response", "OTLP/gRPC Throttling").
 */
export function errorTrailers(error: CollectorError): OutgoingHttpHeaders {
  const [code, retryAfterS] = [grpcCode(error), retryAfterOf(error)];
  return {
    'grpc-status': code,
    'grpc-message': percentEncoded(bounded(error.message)),
    ...(retryAfterS !== undefined && {
      'grpc-status-details-bin': Buffer.from(statusBody('protobuf', code, error.message, retryAfterS)).toString(
        'base64',
      ),
    }),
  };
}

/** Percent-encodes a message as gRPC does: all UTF-8 bytes but printable ASCII, and `%` itself. */
const percentEncoded = (message: string): string =>
  message.toWellFormed().replaceAll(/[^ -~]+|%/gu, encodeURIComponent);
