import type { Json, UploadedPart } from '../../taxonomy/http/types.ts';
import { BodyReader, fieldsToJson } from './body-reader.ts';
import { MultipartReader } from './multipart-reader.ts';
import type { CaptureErrorCode, RequestHead } from './types.ts';

export type RequestReader = BodyReader | MultipartReader;

/** What was read of a request's body. */
export interface RequestRead {
  readonly requestBody?: Json;
  readonly parts?: readonly UploadedPart[];
  readonly error?: CaptureErrorCode;
}

const MULTIPART_PARTS = 1000;
const MULTIPART_HEADER_BYTES = 8192;

/** The reader for a request's content type; undefined for types that no rule reads. */
export function requestReader({ headers }: RequestHead, readBytes: number): RequestReader | undefined {
  const type = headers['content-type'] ?? '';
  if (/^\s*multipart\/form-data\b/i.test(type)) {
    return new MultipartReader(type, {
      fieldBytes: readBytes,
      parts: MULTIPART_PARTS,
      headerBytes: MULTIPART_HEADER_BYTES,
    });
  }
  return /\bjson\b|x-www-form-urlencoded/i.test(type) ? new BodyReader(readBytes) : undefined;
}

/** @param bytes received: a body that ends early because Clowder answered first is not malformed */
export function readRequest(reader: RequestReader | undefined, { headers }: RequestHead, bytes: number): RequestRead {
  if (reader instanceof BodyReader) {
    const { body, error } = reader.read(headers['content-type'], headers['content-encoding']);
    return { ...(body !== undefined && { requestBody: body }), ...(error !== undefined && { error }) };
  }
  if (reader === undefined) return {};
  const isWhole = bytes > 0 && bytes >= Number(headers['content-length'] ?? 0);
  const error = reader.tooLarge
    ? 'body_too_large'
    : reader.broken || (!reader.closed && isWhole)
      ? 'malformed_multipart'
      : undefined;
  return { requestBody: fieldsToJson(reader.fields), parts: reader.parts, ...(error !== undefined && { error }) };
}
