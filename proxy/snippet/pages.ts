import type { IncomingMessage } from 'node:http';
import { pipeline, type Transform, type Writable } from 'node:stream';
import { requestIdentity } from '../../taxonomy/event-id.ts';
import { headerOf } from '../headers/response-headers.ts';
import type { ResponseHead } from '../upstream/index.ts';
import { codecOf } from './codecs.ts';
import { InsertInto } from './insert-into.ts';
import { nonceFor } from './policy.ts';
import type { PageFacts } from './tag.ts';

/** What is known about the request that an answer belongs to. */
export interface Told {
  /** Id of the request that marks its answer as captured; undefined if it is not captured. */
  readonly mark: string | undefined;
  readonly traceId: string;
}

/** An answer as the client receives it. */
export interface Page {
  readonly head: ResponseHead;
  /** What the body is written to instead of the response; undefined: the response itself. */
  readonly into?: (response: Writable) => Writable;
}

/** Transforms the pages among the answers. */
export interface Pages {
  of(request: IncomingMessage, head: ResponseHead, told: Told): Page;
}

/** Header in which a page finds the id of its request: taxonomy/browser.ts reads it. */
const SERVER_TIMING = 'Server-Timing';
/** Headers that describe the original body. */
const OF_THE_BODY: ReadonlySet<string> = new Set([
  'content-length', 'accept-ranges', 'content-md5', 'content-digest', 'repr-digest', 'digest',
]); // prettier-ignore

/** Adds to each page the id of its request and, if there is a script, inserts its tag into pages that a person opened. */
export function createPages(tag: ((facts: PageFacts) => string) | undefined): Pages {
  return {
    of: (request, head, told) => {
      if (!(isHtml(head) || isKnownPage(request, head)) || !isSeen(request)) return { head };
      const identity = told.mark === undefined ? undefined : requestIdentity(told.traceId, told.mark);
      const marked = identity === undefined ? head : withTiming(head, identity);
      if (tag === undefined || !takesScript(request, head)) return { head: marked };
      const nonce = nonceFor(valuesOf(head, 'content-security-policy'), request.headers.host ?? '');
      const codec = codecOf(headerOf(head, 'content-encoding'));
      if (nonce === undefined || codec === undefined) return { head: marked };
      const inserted = Buffer.from(tag({ nonce, request: identity }));
      return {
        head: withoutLength(marked),
        into: (response) => {
          const stages: readonly Transform[] = [...codec.decode(), new InsertInto(inserted), ...codec.encode()];
          // An error in any stage also ends the response: the client must not take a partial page for a complete one.
          pipeline([...stages, response], () => undefined);
          return stages[0] ?? response;
        },
      };
    },
  };
}

/** Whether a person opens the page: no script and no frame of another page requests it. */
function isSeen({ method, headers }: IncomingMessage): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  const destination = headers['sec-fetch-dest'];
  return destination === undefined ? headers['x-requested-with'] === undefined : destination === 'document';
}

const isHtml = (head: ResponseHead): boolean => /^text\/html\s*(?:;|$)/i.test(headerOf(head, 'content-type') ?? '');

/** A page that the browser already has from an earlier request. */
const isKnownPage = ({ headers }: IncomingMessage, { status }: ResponseHead): boolean =>
  status === 304 && /\btext\/html\b/.test(headers.accept ?? '');

/** Character sets that would read the tag's bytes as other characters. */
const WIDE = /charset\s*=\s*"?(?:utf-?(?:16|32|7)|ucs|iso-10646|unicode)/i;

function takesScript(request: IncomingMessage, head: ResponseHead): boolean {
  return (
    head.status === 200 &&
    !WIDE.test(headerOf(head, 'content-type') ?? '') &&
    !/\bno-transform\b/i.test(valuesOf(head, 'cache-control').join()) &&
    !/^\s*attachment\b/i.test(headerOf(head, 'content-disposition') ?? '') &&
    headerOf(head, 'content-length') !== '0' &&
    (request.method === 'HEAD' || head.framing !== 'none')
  );
}

function withTiming(head: ResponseHead, identity: string): ResponseHead {
  return {
    ...head,
    rawHeaders: [...head.rawHeaders, SERVER_TIMING, `clowder;desc="${identity}"`],
    names: [...head.names, SERVER_TIMING.toLowerCase()],
  };
}

/**
 * Removes headers that described the original body. The page has the same meaning but other bytes, so its entity tag becomes
 * weak.
 */
function withoutLength(head: ResponseHead): ResponseHead {
  const rawHeaders: string[] = [];
  const names = head.names.filter((name) => !OF_THE_BODY.has(name));
  head.names.forEach((name, index) => {
    if (OF_THE_BODY.has(name)) return;
    const value = head.rawHeaders[2 * index + 1] ?? '';
    rawHeaders.push(head.rawHeaders[2 * index] ?? '', name === 'etag' && value.startsWith('"') ? `W/${value}` : value);
  });
  return { ...head, rawHeaders, names };
}

function valuesOf(head: ResponseHead, wanted: string): readonly string[] {
  return head.names.flatMap((name, index) => (name === wanted ? [head.rawHeaders[2 * index + 1] ?? ''] : []));
}
