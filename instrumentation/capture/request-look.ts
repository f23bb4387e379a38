import type { Json, UploadedPart } from '../../taxonomy/http/types.ts';
import { BodyLook, fieldsToJson } from './body-look.ts';
import { MultipartLook } from './multipart-look.ts';
import type { CaptureErrorCode, RequestHead } from './types.ts';

export type RequestLook = BodyLook | MultipartLook;

/** What was read of a request's body. */
export interface RequestRead {
  readonly requestBody?: Json;
  readonly parts?: readonly UploadedPart[];
  readonly error?: CaptureErrorCode;
}

const MULTIPART_PARTS = 1000;
const MULTIPART_HEADER_BYTES = 8192;

/** The look that a request's type asks for; undefined for types that no rule reads. */
export function requestLook({ headers }: RequestHead, lookBytes: number): RequestLook | undefined {
  const type = headers['content-type'] ?? '';
  if (/^\s*multipart\/form-data\b/i.test(type)) {
    return new MultipartLook(type, {
      fieldBytes: lookBytes,
      parts: MULTIPART_PARTS,
      headerBytes: MULTIPART_HEADER_BYTES,
    });
  }
  return /\bjson\b|x-www-form-urlencoded/i.test(type) ? new BodyLook(lookBytes) : undefined;
}

/** @param bytes how many came: a body that Clowder answered before its end is none that is malformed */
export function readRequest(look: RequestLook | undefined, { headers }: RequestHead, bytes: number): RequestRead {
  if (look instanceof BodyLook) {
    const { body, error } = look.read(headers['content-type'], headers['content-encoding']);
    return { ...(body !== undefined && { requestBody: body }), ...(error !== undefined && { error }) };
  }
  if (look === undefined) return {};
  const isWhole = bytes > 0 && bytes >= Number(headers['content-length'] ?? 0);
  const error = look.tooLarge
    ? 'body_too_large'
    : look.broken || (!look.closed && isWhole)
      ? 'malformed_multipart'
      : undefined;
  return { requestBody: fieldsToJson(look.fields), parts: look.parts, ...(error !== undefined && { error }) };
}
