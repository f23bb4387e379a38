import { collectorUrl } from './collector-url.ts';
import type { GlobalOptions } from './global-options.ts';
import { settingsOf } from './settings.ts';

const MAKES_ONE = '"clowder-otel keys add --name NAME --scope admin" makes one';
const NO_KEY = `The collector wants a key with the scope admin. Give it with the option --key; ${MAKES_ONE}`;
const WRONG_KEY = `The collector does not know the given key, or it was revoked. The command needs one with the scope admin; ${MAKES_ONE}`;

/**
 * Asks the running collector, the only writer of the journal, to do something.
 *
 * @param key with the scope admin, if the collector has keys
 * @returns its answer
 * @throws Error if nothing answers, or with a status other than 2xx
 */
export async function askCollector(
  options: GlobalOptions,
  path: string,
  body: object,
  key: string | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  const url = collectorUrl(settingsOf(options), path).href;
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(body),
  }).catch((cause: unknown) => {
    throw new Error(`No collector answers at ${url}: start it, or set HOST and PORT to where it runs`, { cause });
  });
  if (response.status === 401) throw new Error(key === undefined ? NO_KEY : WRONG_KEY);
  const answer: unknown = await response.json().catch(() => undefined);
  const isObject = typeof answer === 'object' && answer !== null;
  if (response.ok && isObject) return { ...answer };
  const detail = isObject && 'detail' in answer ? String(answer.detail) : 'is it our collector that listens there?';
  throw new Error(`${url} answered ${response.status}: ${detail}`);
}
