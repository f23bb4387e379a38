import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UpstreamError } from './errors.ts';
import type { ResponseHead } from './response-head.ts';
import { ResponseParser, type ResponseSink } from './response-parser.ts';
import { runs } from '../../test/support/form.ts';

/** The parser's calls, with the body in one piece. */
class Told implements ResponseSink {
  readonly calls: string[] = [];
  bodyText = '';
  pieces = 0;
  heads: ResponseHead[] = [];
  trailers: readonly string[] | undefined;
  rest = '';
  lastSeen = false;

  informational(head: ResponseHead): void {
    this.calls.push(`informational ${head.status}`);
    this.heads.push(head);
  }
  head(head: ResponseHead): void {
    this.calls.push(`head ${head.status}`);
    this.heads.push(head);
  }
  body(chunk: Buffer, last: boolean): void {
    if (this.calls.at(-1) !== 'body') this.calls.push('body');
    this.pieces += 1;
    this.bodyText += chunk.toString('latin1');
    this.lastSeen = last;
  }
  end(trailers: readonly string[]): void {
    this.calls.push('end');
    this.trailers = trailers;
  }
  switched(head: ResponseHead, rest: Buffer): void {
    this.calls.push(`switched ${head.status}`);
    this.rest = rest.toString('latin1');
  }
  excess(): void {
    this.calls.push('excess');
  }
}

const MAX_HEAD = 1024;

function parse(pieces: readonly (string | Buffer)[], { method = 'GET', upgrade = false, fin = false } = {}): Told {
  const told = new Told();
  const parser = new ResponseParser(told, { maxHeadBytes: MAX_HEAD });
  parser.expect(method, upgrade);
  for (const piece of pieces) parser.push(Buffer.from(piece as string, 'latin1'));
  if (fin) parser.finish();
  return told;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof UpstreamError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

const WITH_LENGTH = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello';
const CHUNKED =
  'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n' +
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n' +
  '5;name="x"\r\nhello\r\n00A \r\n, world...\r\n0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n';
const UNTIL_CLOSE = 'HTTP/1.0 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nto the end';

describe('an answer', () => {
  it('with a length ends after that many bytes, and the last piece says so', () => {
    const told = parse([WITH_LENGTH]);
    expect(told.calls).toEqual(['head 200', 'body', 'end']);
    expect(told.bodyText).toBe('hello');
    expect(told.lastSeen).toBe(true);
    expect(told.heads[0]).toMatchObject({ reason: 'OK', framing: 'length', keepAlive: true });
  });

  it('in chunks ends with its trailers, and its extensions are ignored', () => {
    const told = parse([CHUNKED]);
    expect(told.calls).toEqual(['informational 103', 'head 200', 'body', 'end']);
    expect(told.bodyText).toBe('hello, world...');
    expect(told.trailers).toEqual(['X-Sum', '1', 'X-Other', '2']);
  });

  it('with neither ends with the connection, which cannot be reused', () => {
    const told = parse([UNTIL_CLOSE], { fin: true });
    expect(told.calls).toEqual(['head 200', 'body', 'end']);
    expect(told.bodyText).toBe('to the end');
    expect(told.heads[0]).toMatchObject({ framing: 'close', keepAlive: false });
  });

  it.each([
    ['a HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ['a HEAD in chunks', 'HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'],
    ['no bytes', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ])('to %s has no body', (_name, method, answer) => {
    expect(parse([answer], { method }).calls.filter((call) => call !== 'body')).toEqual([
      expect.stringMatching(/^head/),
      'end',
    ]);
  });

  it('keeps names, order, duplicates and every byte of its headers', () => {
    const [head] = parse([
      'HTTP/1.1 200 \r\nX-B: 1\r\nx-a:\t 2 \xa0\r\nX-B: 3\r\nEmpty:\r\nSpace : 4\r\nContent-Length: 0\r\n\r\n',
    ]).heads;
    expect(head?.rawHeaders).toEqual(
      ['X-B', '1', 'x-a', '2 \xa0', 'X-B', '3', 'Empty', '', 'Space', '4', 'Content-Length', '0'], // prettier-ignore
    );
    expect(head?.names).toEqual(['x-b', 'x-a', 'x-b', 'empty', 'space', 'content-length']);
    expect(head?.reason).toBe('');
  });

  it.each([WITH_LENGTH, CHUNKED, UNTIL_CLOSE])('is the same wherever it is cut in two', (answer) => {
    const whole = parse([answer], { fin: true });
    for (let at = 1; at < answer.length; at++) {
      const cut = parse([answer.slice(0, at), answer.slice(at)], { fin: true });
      expect({ at, calls: cut.calls, body: cut.bodyText, trailers: cut.trailers }).toEqual({
        at,
        calls: whole.calls,
        body: whole.bodyText,
        trailers: whole.trailers,
      });
    }
  });

  it('in chunks of one byte is passed on in one piece for each read', () => {
    const chunks = '1\r\nx\r\n'.repeat(10_000);
    const told = parse(['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', chunks, `${chunks}0\r\n\r\n`]);
    expect(told.bodyText).toBe('x'.repeat(20_000));
    expect(told.pieces).toBe(2);
  });

  it('in chunks does not change what was already passed on', () => {
    const kept: Buffer[] = [];
    const told = new Told();
    told.body = (chunk) => void kept.push(chunk);
    const parser = new ResponseParser(told, { maxHeadBytes: MAX_HEAD });
    parser.expect('GET', false);
    const text = (letter: string, size: number): string => `${size.toString(16)}\r\n${letter.repeat(size)}\r\n`;
    const body = text('a', 9000) + text('b', 1) + text('c', 9000) + text('d', 3) + text('e', 9000);
    parser.push(Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`));
    expect(Buffer.concat(kept).toString()).toBe(`${'a'.repeat(9000)}b${'c'.repeat(9000)}ddd${'e'.repeat(9000)}`);
  });

  it('is the same in any pieces, whatever its chunks contain', () => {
    const chunk = fc.oneof(
      { weight: 9, arbitrary: fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }) },
      { weight: 1, arbitrary: fc.constantFrom('x'.repeat(4097), 'y'.repeat(20_000)) },
    );
    fc.assert(
      fc.property(fc.array(chunk), fc.array(fc.nat({ max: 400 })), (chunks, cuts) => {
        const framed = chunks.map((text) => `${text.length.toString(16)}\r\n${text}\r\n`).join('');
        const answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${framed}0\r\n\r\n`;
        const places = [0, ...cuts.filter((cut) => cut < answer.length).sort((a, b) => a - b), answer.length];
        const pieces = places.slice(1).map((place, index) => answer.slice(places[index], place));
        const told = parse(pieces.filter((piece) => piece !== ''));
        expect(told.bodyText).toBe(chunks.join(''));
        expect(told.calls.at(-1)).toBe('end');
      }),
      runs(),
    );
  });
});

describe('the connection', () => {
  it.each([
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', true],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n', false],
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x, close\r\n\r\n', false],
    ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', false],
    ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n', true],
  ])('after %j can be reused: %s', (answer, keepAlive) => {
    expect(parse([answer]).heads[0]?.keepAlive).toBe(keepAlive);
  });

  it('notices bytes after an answer', () => {
    expect(parse([`${WITH_LENGTH} and more`]).calls).toEqual(['head 200', 'body', 'end', 'excess']);
  });

  it('belongs to another protocol after a requested 101', () => {
    const answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x00';
    const told = parse([answer], { upgrade: true });
    expect(told.calls).toEqual(['switched 101']);
    expect(told.rest).toBe('\x81\x00');
  });
});

describe('an answer that two parties could read differently is refused:', () => {
  const OK = 'HTTP/1.1 200 OK\r\n';
  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['101 unasked', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['length and chunks', `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['two lengths', `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`],
    ['the same length twice', `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\n`],
    ['a list of lengths', `${OK}Content-Length: 5, 5\r\n\r\n`],
    ['a signed length', `${OK}Content-Length: +5\r\n\r\n`],
    ['another coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`],
    ['chunked twice', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a folded line', `${OK}A: b\r\n c\r\n\r\n`],
    ['lines that end with LF only', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['only a status line that ends with LF', 'HTTP/1.1 200 OK\n'],
    ['lines that end with CR only', 'HTTP/1.1 200 OK\rContent-Length: 2\r\rok'],
    ['the first words of another protocol', '220 smtp.example ESMTP\r\n'],
    ['a chunk size that ends with LF only', `${OK}Transfer-Encoding: chunked\r\n\r\n2\nok`],
    ['a chunk that ends with LF only', `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nok\n`],
    ['trailers that end with LF only', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\n`],
    ['1xx without end', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(50)],
    ['a bare LF', `${OK}A: b\nC: d\r\n\r\n`],
    ['a bare CR', `${OK}A: b\rC: d\r\n\r\n`],
    ['a NUL', `${OK}A: b\0\r\n\r\n`],
    ['no colon', `${OK}A\r\n\r\n`],
    ['an empty name', `${OK}: b\r\n\r\n`],
    ['a chunk size with a sign', `${OK}Transfer-Encoding: chunked\r\n\r\n+5\r\n`],
    ['a chunk size in 0x form', `${OK}Transfer-Encoding: chunked\r\n\r\n0x5\r\n`],
    ['no chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\n\r\n`],
    ['a chunk longer than it says', `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n`],
    ['a bad trailer', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nbad\r\n\r\n`],
    ['a head without end', `${OK}A: ${'b'.repeat(MAX_HEAD)}`],
    ['a head that is too large', `${OK}A: ${'b'.repeat(MAX_HEAD)}\r\n\r\n`],
    ['trailers without end', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\nA: ${'b'.repeat(MAX_HEAD)}`],
    ['a chunk line without end', `${OK}Transfer-Encoding: chunked\r\n\r\n5;${'b'.repeat(5000)}`],
  ])('%s', (_name, answer) => {
    expect(codeOf(() => parse([answer]))).toBe('malformed_response');
    expect(codeOf(() => parse(answer.split('')))).toBe('malformed_response');
  });
});

describe('a connection that ends', () => {
  it.each([
    ['before an answer', '', 'no_response'],
    ['in the head', WITH_LENGTH.slice(0, 20), 'truncated_response'],
    ['after a 1xx', 'HTTP/1.1 102 Processing\r\n\r\n', 'truncated_response'],
    ['in a body with a length', WITH_LENGTH.slice(0, -1), 'truncated_response'],
    ['before the last chunk', CHUNKED.slice(0, CHUNKED.indexOf('0\r\nX-Sum')), 'truncated_response'],
    ['in the trailers', CHUNKED.slice(0, -2), 'truncated_response'],
    ['after the answer', WITH_LENGTH, 'nothing thrown'],
  ])('%s', (_name, answer, code) => {
    expect(codeOf(() => parse(answer === '' ? [] : [answer], { fin: true }))).toBe(code);
  });
});
