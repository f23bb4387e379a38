import { UpstreamError } from './errors.ts';

/** Head of one HTTP/1.0 or HTTP/1.1 answer. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Alternating names and values, as sent, with duplicates; white space around values is removed. */
  readonly rawHeaders: readonly string[];
  /** The names in lower case, one for each pair of `rawHeaders`. */
  readonly names: readonly string[];
  /** What ends the body (RFC 9112, section 6.3): there is none, a length, the last chunk, or the connection's end. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** Whether the connection can be reused afterwards. */
  readonly keepAlive: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const LENGTH = /^\d{1,15}$/;

/** An answer that cannot be passed on. */
export function malformed(what: string): UpstreamError {
  return new UpstreamError('malformed_response', `the answer is not proper HTTP: ${what}`);
}

/**
 * Parses the head of an answer and decides what ends its body (RFC 9112, section 6.3).
 *
 * @param text without the empty line that ends the head
 * @param method of the request
 * @throws UpstreamError `malformed_response`
 */
export function parseHead(text: string, method: string): ResponseHead {
  const lineEnd = text.indexOf('\r\n');
  const line = STATUS_LINE.exec(lineEnd === -1 ? text : text.slice(0, lineEnd));
  if (line === null) throw malformed('it does not begin with a status line of HTTP/1');
  const status = Number(line[2]);
  const { rawHeaders, names } = lineEnd === -1 ? { rawHeaders: [], names: [] } : parseFields(text, lineEnd + 2);
  let length: string | undefined;
  let coding: string | undefined;
  let connection = '';
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const value = rawHeaders[2 * i + 1] ?? '';
    if (name === 'content-length') {
      if (!LENGTH.test(value)) throw malformed('its Content-Length is not a number');
      if (length !== undefined) throw malformed('it has more than one Content-Length');
      length = value;
    } else if (name === 'transfer-encoding') {
      coding = coding === undefined ? value.toLowerCase() : `${coding},${value.toLowerCase()}`;
    } else if (name === 'connection') {
      connection += `,${value.toLowerCase()}`;
    }
  }
  if (coding !== undefined && length !== undefined)
    throw malformed('it has both a Content-Length and a Transfer-Encoding');
  if (coding !== undefined && (coding !== 'chunked' || line[1] === '0'))
    throw malformed('its Transfer-Encoding is not chunked');
  const framing =
    method === 'HEAD' || status < 200 || status === 204 || status === 304
      ? 'none'
      : coding !== undefined
        ? 'chunked'
        : length !== undefined
          ? 'length'
          : 'close';
  const keepAlive =
    framing !== 'close' && (line[1] === '1' ? !hasToken(connection, 'close') : hasToken(connection, 'keep-alive'));
  return { status, reason: line[3] ?? '', rawHeaders, names, framing, keepAlive };
}

function hasToken(list: string, token: string): boolean {
  return list !== '' && list.split(',').some((one) => one.trim() === token);
}

/** Parses field lines (RFC 9112, section 5), each ended by CRLF or the end of the text. @throws UpstreamError */
export function parseFields(text: string, from: number): { rawHeaders: string[]; names: string[] } {
  const rawHeaders: string[] = [];
  const names: string[] = [];
  let at = from;
  while (at < text.length) {
    const lineEnd = text.indexOf('\r\n', at);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const colon = text.indexOf(':', at);
    // White space before the colon is removed (section 5.1); before the name it would be a folded line.
    const name = colon === -1 || colon > end ? '' : text.slice(at, endOf(text, at, colon));
    let start = colon + 1;
    while (start < end && isBlank(text, start)) start += 1;
    const value = text.slice(start, endOf(text, start, end));
    if (!TOKEN.test(name)) throw malformed('a header line has no proper name');
    if (NOT_IN_VALUE.test(value)) throw malformed('a header has a control character in its value');
    rawHeaders.push(name, value);
    names.push(name.toLowerCase());
    at = end + 2;
  }
  return { rawHeaders, names };
}

/** Space or tab; `trim` would also remove 0xA0, which is often the last byte of a UTF-8 character. */
function isBlank(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 32 || code === 9;
}

function endOf(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && isBlank(text, end - 1)) end -= 1;
  return end;
}
