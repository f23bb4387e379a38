import { randomBytes } from 'node:crypto';
import type { ExpectedEvent, Got, Scenario, Sent } from '../stand-in/scenarios/scenario.ts';
import { curl } from './curl.ts';
import { byProxy } from './published.ts';

/** What one scenario did, and the events that must result. */
export interface ScenarioRun {
  readonly name: string;
  readonly statuses: readonly number[];
  /** One per request: an event in any of these traces belongs to the scenario. */
  readonly traceIds: readonly string[];
  readonly expected: readonly ExpectedEvent[];
}

const CLIENT_KINDS = { curl: 'api', browser: 'browser', pyclowder: 'extractor', bot: 'bot' } as const;
/** Concurrent scenarios or requests. */
const AT_ONCE = 4;

/** Runs scenarios with curl, several at once; the requests within one run in order. Each request begins a trace. */
export const runScenarios = (base: string, scenarios: readonly Scenario[]): Promise<readonly ScenarioRun[]> =>
  severalAtOnce(scenarios, (scenario) => runScenario(base, scenario));

/** Sends requests with curl, several at once, all in one trace. @returns their statuses, in order of completion */
export const statusesOf = (base: string, requests: readonly Sent[], traceparent: string): Promise<readonly number[]> =>
  severalAtOnce(requests, async (sent) => (await curl(base, sent, { traceparent })).status);

async function severalAtOnce<T, R>(all: readonly T[], doOne: (one: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  const left = all.values();
  const work = async (): Promise<void> => {
    for (const one of left) results.push(await doOne(one));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

async function runScenario(base: string, { name, send, expect }: Scenario): Promise<ScenarioRun> {
  const got: Got[] = [];
  const traceIds: string[] = [];
  let last: Sent | undefined;
  for (const step of send) {
    last = typeof step === 'function' ? step(got) : step;
    const { traceId, traceparent } = newTrace();
    traceIds.push(traceId);
    got.push(await curl(base, last, { traceparent }));
  }
  const expected = expect(got).map((event) => complete(event, last));
  return { name, statuses: got.map(({ status }) => status), traceIds, expected };
}

/** A sampled trace that a client begins. */
export function newTrace(): { readonly traceId: string; readonly traceparent: string } {
  const traceId = randomBytes(16).toString('hex');
  return { traceId, traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` };
}

/** Adds what follows from the request itself, unless the scenario says otherwise. */
function complete(event: ExpectedEvent, sent: Sent | undefined): ExpectedEvent {
  const url = event.event.startsWith('view.') && sent !== undefined ? { url: sent.path } : {};
  return byProxy({ ...url, ...event }, CLIENT_KINDS[sent?.agent ?? 'curl']);
}
