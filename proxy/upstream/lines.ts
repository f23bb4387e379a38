import { malformed } from './response-head.ts';

export const CR = 13;
export const LF = 10;
const BEGINNING = 'HTTP/1.';

/** Fails early on bytes that can never become a head. */
export function refuseOtherBeginning(bytes: Buffer, at: number): void {
  const beginning = bytes.toString('latin1', at, at + BEGINNING.length);
  if (!BEGINNING.startsWith(beginning)) throw malformed('it does not begin with a status line of HTTP/1');
}

/** Lines must end in CRLF: without this check we would wait in vain for lines that end otherwise. */
export function refuseOtherLineEnds(bytes: Buffer, at: number): void {
  for (let lf = bytes.indexOf(LF, at); lf !== -1; lf = bytes.indexOf(LF, lf + 1))
    if (lf === at || bytes[lf - 1] !== CR) throw malformed('a line of it ends by LF alone');
  for (let cr = bytes.indexOf(CR, at); cr !== -1 && cr + 1 < bytes.length; cr = bytes.indexOf(CR, cr + 1))
    if (bytes[cr + 1] !== LF) throw malformed('a line of it ends by CR alone');
}

/** -1 if the byte is no hex digit. */
export function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}
