import { propagation } from '@opentelemetry/api';
import { urlToHttpOptions } from 'node:url';

type Request = (this: unknown, ...args: unknown[]) => unknown;

/** The functions of node:http or node:https that make requests. */
interface Requests {
  request: Request;
  get: Request;
}

/** Carries the program's arguments through the instrumentation to Node. */
const GIVEN = Symbol('what the program gave');

/**
 * Passes the program's arguments to Node in their original form, with the trace context added. The http instrumentation knows
 * only some forms (it turns a list of headers into headers named 0, 1, 2) and would replace the others.
 *
 * @param module node:http or node:https, before it is instrumented
 * @returns a function to call once it is instrumented
 */
export function keepRequests(module: object): () => void {
  if (!makesRequests(module)) return () => undefined;
  const { request } = module;
  module.request = function outgoingRequest(...args) {
    const given = givenIn(args[0]);
    if (given === undefined) return Reflect.apply(request, this, args);
    const added = traceHeadersIn(args[0]);
    const made = Reflect.apply(request, this, withTraceContext(given, added, args));
    keepHeaders(made, added);
    return made;
  };
  return () => describeRequests(module);
}

function describeRequests(module: Requests): void {
  const wrapped = module.request;
  module.request = function outgoingRequest(...args) {
    const options = described(args);
    if (options === undefined) return Reflect.apply(wrapped, this, args);
    const callback = args.find((one) => typeof one === 'function');
    return Reflect.apply(wrapped, this, callback === undefined ? [options] : [options, callback]);
  };
  module.get = function get(...args) {
    const made = Reflect.apply(module.request, this, args);
    if (typeof made === 'object' && made !== null && 'end' in made && typeof made.end === 'function') made.end();
    return made;
  };
}

const makesRequests = (module: object): module is Requests =>
  'request' in module && typeof module.request === 'function' && 'get' in module && typeof module.get === 'function';

/** A request in a form that the instrumentation understands; undefined if Node will refuse it or it is no object. */
function described(args: readonly unknown[]): object | undefined {
  const [first, second] = args;
  if (typeof first === 'string' && !URL.canParse(first)) return undefined;
  const url = typeof first === 'string' ? new URL(first) : first instanceof URL ? first : undefined;
  const more = url === undefined ? first : second;
  if (url === undefined && !isObject(more)) return undefined;
  const options: Record<string, unknown> = {
    ...(url !== undefined && urlToHttpOptions(url)),
    ...(isObject(more) && more),
  };
  return { ...options, headers: headersByName(options['headers']), [GIVEN]: args };
}

function givenIn(options: unknown): readonly unknown[] | undefined {
  return isObject(options) && GIVEN in options && Array.isArray(options[GIVEN]) ? options[GIVEN] : undefined;
}

type Headers = Readonly<Record<string, unknown>>;
type SetHeader = (this: unknown, ...args: unknown[]) => unknown;

/** Keeps our headers if the program later sets them one by one, as a proxy does with its client's headers. */
function keepHeaders(made: unknown, added: Headers): void {
  if (!isObject(made) || Object.keys(added).length === 0) return;
  for (const name of ['setHeader', 'appendHeader']) {
    const set = made[name];
    if (typeof set !== 'function') continue;
    const kept: SetHeader = function keptHeader(...args) {
      return Object.hasOwn(added, String(args[0]).toLowerCase()) ? this : Reflect.apply(set, this, args);
    };
    made[name] = kept;
  }
}

/** @param args as the instrumentation calls: its options, and the callback bound to its context */
function withTraceContext(given: readonly unknown[], added: Headers, args: readonly unknown[]): unknown[] {
  const at = given.findIndex((one) => isObject(one) && !(one instanceof URL));
  const own = at === -1 ? undefined : given[at];
  const options = {
    ...(isObject(own) && own),
    headers: withHeaders(isObject(own) ? own['headers'] : undefined, added),
  };
  const sent = at !== -1 ? given.with(at, options) : given.toSpliced(1, given[1] === undefined ? 1 : 0, options);
  const callback = args.find((one) => typeof one === 'function');
  return sent.map((one) => (typeof one === 'function' ? (callback ?? one) : one));
}

function traceHeadersIn(options: unknown): Headers {
  const headers = isObject(options) ? options['headers'] : undefined;
  if (!isObject(headers)) return {};
  return Object.fromEntries(
    propagation.fields().flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
  );
}

/** The headers in their original form, with ours in place of those of the same name. */
function withHeaders(headers: unknown, added: Headers): unknown {
  const isReplaced = (name: unknown): boolean => Object.hasOwn(added, String(name).toLowerCase());
  const entries = Object.entries(added);
  if (!Array.isArray(headers)) {
    const kept = Object.entries(isObject(headers) ? headers : {}).filter(([name]) => !isReplaced(name));
    return Object.fromEntries([...kept, ...entries]);
  }
  if (Array.isArray(headers[0])) return [...headers.filter((pair: unknown[]) => !isReplaced(pair[0])), ...entries];
  return [...headers.filter((_, index) => !isReplaced(headers[index - (index % 2)])), ...entries.flat()];
}

/** By lower-case name; the last of several wins. */
function headersByName(headers: unknown): Record<string, unknown> {
  if (!Array.isArray(headers))
    return Object.fromEntries(
      Object.entries(isObject(headers) ? headers : {}).map(([name, value]) => [name.toLowerCase(), value]),
    );
  const flat: unknown[] = Array.isArray(headers[0]) ? headers.flat() : headers;
  return Object.fromEntries(
    flat.flatMap((name, index) => (index % 2 === 0 ? [[String(name).toLowerCase(), flat[index + 1]]] : [])),
  );
}

const isObject = (value: unknown): value is Record<PropertyKey, unknown> => typeof value === 'object' && value !== null;
