import { CAPTURED, INNER_REQUEST_ID, OUTER_REQUEST_ID, REQUEST_ID } from '../../taxonomy/attributes.ts';
import { requestIdentity } from '../../taxonomy/event-id.ts';
import { deniedOnRoute, type DeniedView } from '../../taxonomy/http/denied-view.ts';
import { mapRequestOnRoute, routeMatchOf } from '../../taxonomy/http/map-request.ts';
import type { BodiesToRead } from '../../taxonomy/http/rule.ts';
import { RULES } from '../../taxonomy/http/rules.ts';
import type { HttpEvent, HttpRequest } from '../../taxonomy/http/types.ts';
import { redactUrl } from '../../taxonomy/redaction.ts';
import { CAPTURE_ID, captureIdOf } from '../../taxonomy/map/edge-mark.ts';
import type { RouteMatch } from '../../taxonomy/routes/match.ts';
import { BodyReader } from './body-reader.ts';
import { captureDenied, captureEvents, refutedIds, type Occasion } from './captured-events.ts';
import { headAttributes } from './head-attributes.ts';
import { authorityOf, originOf, type Origin } from './origin.ts';
import { provenUser } from './proven-user.ts';
import { readRequest, requestReader, type RequestReader } from './request-reader.ts';
import { splitTarget, type Target } from './request-target.ts';
import { addEventIds } from './resource-ids.ts';
import type {
  Capture,
  CapturedAttributes,
  CaptureErrorCode,
  CaptureOptions,
  CaptureResult,
  RequestHead,
} from './types.ts';

const READ_BYTES = 65_536;

type HeaderLookup = (name: string) => string | undefined;
const NO_HEADERS: HeaderLookup = () => undefined;
const NONE: readonly never[] = [];
const NO_BODIES: BodiesToRead = { request: false, answer: false };

/** Begins to capture a request: matches its route, decides which bodies to read, and reads its head. Never throws. */
export function startCapture(head: RequestHead, options: CaptureOptions): Capture {
  return new RequestCapture(head, options);
}

class RequestCapture implements Capture {
  readonly head: RequestHead;
  readonly route: string | undefined;
  readonly attributes: CapturedAttributes;
  readonly mayBeEvent: boolean;
  readonly #options: CaptureOptions;
  readonly #target: Target;
  readonly #origin: Origin;
  readonly #match: RouteMatch | undefined;
  readonly #reads: BodiesToRead;
  readonly #startedMs: number;
  readonly #request: RequestReader | undefined;
  #answer: BodyReader | undefined;
  #requestBytes = 0;
  /** Undefined if unknown. */
  #answerBytes: number | undefined = 0;
  #status = 0;
  #answerHeader = NO_HEADERS;

  constructor(head: RequestHead, options: CaptureOptions) {
    this.head = head;
    this.#options = options;
    this.#target = splitTarget(head.target);
    this.#match = routeMatchOf(head.method, this.#target.path, options);
    this.#origin = originOf(head, options.trustForwarded);
    const route = this.#match?.route;
    this.route = route?.template;
    this.mayBeEvent = route?.rule !== undefined;
    this.#reads = route?.rule === undefined ? NO_BODIES : RULES[route.rule].reads;
    this.#request = this.#reads.request ? requestReader(head, readBytesOf(options)) : undefined;
    this.#startedMs = this.mayBeEvent ? performance.now() : 0;
    this.attributes = headAttributes(head, this.#target, this.#origin, this.#match);
  }

  requestChunk(chunk: Uint8Array): void {
    this.#requestBytes += chunk.length;
    this.#request?.push(chunk);
  }

  responseHead(status: number, header: HeaderLookup): void {
    this.#status = status;
    this.#answerHeader = header;
    if (this.#reads.answer && isSuccess(status)) this.#answer = new BodyReader(readBytesOf(this.#options));
  }

  responseChunk(chunk: Uint8Array): void {
    this.#answerBytes = (this.#answerBytes ?? 0) + chunk.length;
    this.#answer?.push(chunk);
  }

  responseUnseen(bytes: number | undefined): void {
    this.#answerBytes = bytes;
    this.#answer = undefined;
  }

  end(complete: boolean, traceId: string, requestId: string): CaptureResult {
    const attributes = this.#endAttributes();
    const match = this.#match;
    if (!this.mayBeEvent || match === undefined) return { attributes, events: NONE, refuted: NONE, errors: NONE };
    attributes[CAPTURED] = true;
    if (requestId !== '') attributes[REQUEST_ID] = requestId;
    this.#tellOthers(attributes, requestId);
    const identity = requestIdentity(traceId, requestId === '' ? undefined : requestId);
    const errors = new Set<CaptureErrorCode>();
    try {
      const { happened, assumed, denied } = this.#map(match, complete, errors);
      addEventIds(attributes, happened);
      const occasion = this.#occasion(attributes, identity);
      const events = [...captureEvents(happened, occasion), ...captureDenied(denied, occasion)];
      return { attributes, events, refuted: refutedIds(assumed, happened, identity), errors: [...errors] };
    } catch {
      errors.add('mapping_failed');
      return { attributes, events: NONE, refuted: NONE, errors: [...errors] };
    }
  }

  /** Records the ids of captures in front and behind, which saw the same request. */
  #tellOthers(attributes: CapturedAttributes, requestId: string): void {
    const outer = captureIdOf(firstOf(this.head.headers['tracestate']) ?? '');
    if (outer !== undefined && outer !== requestId) attributes[OUTER_REQUEST_ID] = outer;
    const inner = this.#answerHeader('x-clowder-captured');
    if (inner !== undefined && inner !== requestId && CAPTURE_ID.test(inner)) attributes[INNER_REQUEST_ID] = inner;
  }

  #endAttributes(): CapturedAttributes {
    const attributes: CapturedAttributes = {};
    if (this.#answerBytes !== undefined) attributes['http.response.body.size'] = this.#answerBytes;
    const status = this.#status;
    if (status > 0) attributes['http.response.status_code'] = status;
    if (status >= 500) attributes['error.type'] = String(status);
    if (this.#requestBytes > 0) attributes['http.request.body.size'] = this.#requestBytes;
    if (isSuccess(status) || status === 304) {
      const { userName, userId } = provenUser(this.head.headers, this.route, this.head.method);
      if (userName !== undefined) attributes['user.name'] = userName;
      if (userId !== undefined) attributes['user.id'] = userId;
    }
    return attributes;
  }

  /** What the request amounts to, and what observers without bodies, perhaps without headers, would assume. */
  #map(
    match: RouteMatch,
    complete: boolean,
    errors: Set<CaptureErrorCode>,
  ): { readonly happened: HttpEvent[]; readonly assumed: HttpEvent[]; readonly denied?: DeniedView | undefined } {
    const { headers, method } = this.head;
    const answerHeader = this.#answerHeader;
    const bare: HttpRequest = {
      method,
      path: this.#target.path,
      query: this.#target.query,
      status: this.#status,
      requestHeader: (name) => firstOf(headers[name]),
      responseHeader: NO_HEADERS,
      durationMs: performance.now() - this.#startedMs,
      answeredMs: Date.now(),
    };
    const bytesSent = this.#answerBytes;
    const measured = { ...bare, complete, ...(bytesSent !== undefined && { bytesSent }) };
    const { error, ...request } = readRequest(this.#request, this.head, this.#requestBytes);
    const answer = this.#answer?.read(answerHeader('content-type'), answerHeader('content-encoding'));
    if (error !== undefined) errors.add(error);
    if (answer?.error !== undefined) errors.add(answer.error);
    const whole: HttpRequest = {
      ...measured,
      ...request,
      responseHeader: answerHeader,
      ...(answer?.body !== undefined && { responseBody: answer.body }),
      ...(answer?.truncated && { responseTruncated: true }),
    };
    const happened = mapRequestOnRoute(whole, match);
    const withoutHeaders = mapRequestOnRoute(bare, match);
    if (happened.length > 0) return { happened, assumed: withoutHeaders };
    const withHeaders = mapRequestOnRoute({ ...measured, responseHeader: answerHeader }, match);
    const withoutAny = mapRequestOnRoute({ ...bare, requestHeader: NO_HEADERS }, match);
    const denied = deniedOnRoute(whole, match);
    return { happened, assumed: [...withoutAny, ...withoutHeaders, ...withHeaders], denied };
  }

  #occasion(end: CapturedAttributes, identity: string): Occasion {
    const { attributes } = this;
    const path = String(attributes['url.path']);
    const query = attributes['url.query'];
    const referrer = this.head.headers.referer;
    return {
      attributes: { ...attributes, ...end },
      url: `${authorityOf(this.#origin)}${path}${query === undefined ? '' : `?${String(query)}`}`,
      referrer: referrer === undefined || referrer === '' ? undefined : redactUrl(referrer),
      source: this.#options.source,
      instance: this.#options.instance,
      identity,
    };
  }
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

const readBytesOf = (options: CaptureOptions): number => options.readBytes ?? READ_BYTES;

const firstOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;
