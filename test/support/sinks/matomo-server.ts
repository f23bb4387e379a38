import { isIP } from 'node:net';
import { matomo } from '../../../sinks/services/matomo/matomo.ts';
import { startFakeService, type FakeService, type ServiceAnswer, type ServiceRequest } from './fake-service.ts';
import type { SinkHarness, TestService } from './harness.ts';

export const MATOMO_TOKEN = '0123456789abcdef0123456789abcdef';
export const MATOMO_SITE = 7;

interface Bulk {
  readonly requests: readonly string[];
  readonly token_auth?: string;
}

/** A Matomo with one website and one token, modelled on its tracker and its documentation. */
export class MatomoInstance {
  /** Accepted tracking requests. */
  readonly stored: URLSearchParams[] = [];
  readonly complaints: string[] = [];
  readonly refused = new Set<string>();
  /** Whose token it is; `nobody`: it was revoked. */
  user: 'superuser' | 'writer' | 'viewer' | 'nobody' = 'superuser';
  /** Older raw data is deleted and no longer accepted. */
  keepFromMs = 0;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  handle(request: ServiceRequest): ServiceAnswer {
    if (request.path === '/matomo/index.php') return this.#api(new URLSearchParams(request.body.toString()));
    if (request.path !== '/matomo/matomo.php') return { status: 404, body: 'no such page' };
    const bulk = JSON.parse(request.body.toString()) as Bulk;
    const trusted = bulk.token_auth === MATOMO_TOKEN && ['superuser', 'writer'].includes(this.user);
    const queries = bulk.requests.map((one) => new URLSearchParams(one.slice(one.indexOf('?') + 1)));
    const invalid = [...queries.keys()].filter(
      (index) => !this.#isTaken(queries[index] ?? new URLSearchParams(), trusted),
    );
    const taken = queries.filter((_, index) => !invalid.includes(index));
    this.stored.push(...taken);
    const indices = this.user === 'superuser' && trusted ? { invalid_indices: invalid } : {};
    return json({ status: 'success', tracked: taken.length, invalid: invalid.length, ...indices });
  }

  #api(form: URLSearchParams): ServiceAnswer {
    if (form.get('token_auth') !== MATOMO_TOKEN || this.user === 'nobody')
      return json({ result: 'error', message: 'Unable to authenticate with the provided token.' });
    const access = /^SitesManager\.getSitesIdWith(Write|Admin)Access$/.exec(form.get('method') ?? '')?.[1];
    const has = { superuser: 'Admin', writer: 'Write', viewer: 'View' }[this.user];
    return access === undefined
      ? json({ result: 'error', message: 'no such method' })
      : json(access === has ? [1, MATOMO_SITE] : []);
  }

  /**
   * Whether the tracker accepts a request. Requests that it would store wrongly or drop silently are recorded as complaints.
   */
  #isTaken(query: URLSearchParams, trusted: boolean): boolean {
    const get = (name: string): string => query.get(name) ?? '';
    const createdMs = Number(get('cdt')) * 1000;
    const complain = (when: boolean, what: string): void => {
      if (when) this.complaints.push(`${what} in ${query.toString().slice(0, 300)}`);
    };
    complain(get('rec') !== '1' || get('idsite') === '', 'rec or idsite is missing');
    complain(get('bots') !== '1', 'robots are dropped');
    complain(!/^\d+$/.test(get('cdt')) || createdMs > this.#now(), 'a time that is ignored');
    complain(!/^[0-9a-f]{16}$/i.test(get('cid')), 'a visitor id that is none');
    complain(
      query.has('e_c') !== query.has('e_a') || blank(query, 'e_c') || blank(query, 'e_a'),
      'an event without category or action',
    );
    complain(query.has('e_v') && !Number.isFinite(Number(get('e_v'))), 'a value that is not a number');
    complain(!query.has('e_c') && blank(query, 'url', true), 'neither page nor event');
    complain(query.has('download') && get('download') !== get('url'), 'a download at another url');
    if (get('idsite') !== String(MATOMO_SITE)) return false;
    if (query.has('cip') && (!trusted || isIP(get('cip')) === 0)) return false;
    if (createdMs < this.keepFromMs || this.refused.has(get('rand'))) return false;
    return trusted || this.#now() - createdMs < 86_400_000;
  }
}

const blank = (query: URLSearchParams, name: string, orAbsent = false): boolean =>
  query.has(name) ? query.get(name)?.trim() === '' : orAbsent;

const json = (body: unknown): ServiceAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

export function startMatomo(instance: MatomoInstance): Promise<FakeService> {
  return startFakeService({
    handle: (request) => instance.handle(request),
    eventsIn: (request) =>
      request.path.endsWith('matomo.php') ? (JSON.parse(request.body.toString()) as Bulk).requests.length : 0,
  });
}

export const matomoHarness: SinkHarness = {
  definition: matomo,
  // No `half_stored`: a bulk request is a transaction.
  faults: ['throttled', 'failing', 'silent', 'cut', 'drip', 'small', 'unauthorised', 'away'],
  refuses: 'named',
  async start(): Promise<TestService> {
    const instance = new MatomoInstance();
    const service = await startMatomo(instance);
    return {
      settings: { url: `${service.url}/matomo/`, site_id: MATOMO_SITE, token: MATOMO_TOKEN },
      fault: async (name) => {
        if (name === 'unauthorised') instance.user = 'nobody';
        else await service.fault(name);
      },
      heal: async () => {
        instance.user = 'superuser';
        await service.heal();
      },
      refuse: (ids) => ids.forEach((id) => instance.refused.add(id)),
      storedIds: async () => instance.stored.map((query) => query.get('rand') ?? ''),
      storedText: async () =>
        service.requests
          .map(({ path, headers, body }) => decodeURIComponent(JSON.stringify([path, headers, body.toString()])))
          .join('\n'),
      complaints: () => instance.complaints,
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    };
  },
};
