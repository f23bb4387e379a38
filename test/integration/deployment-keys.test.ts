import { describe, expect, test } from 'vitest';
import { makeKey, runCli, startCollector } from '../support/collector-process.ts';
import { startNginx } from '../support/nginx.ts';
import { startShippedOtelCollector } from '../support/otel-collector.ts';
import { tempDir } from '../support/processes.ts';
import { startStandIn } from '../support/stand-in.ts';
import { answersOk, waitFor } from '../support/wait-for.ts';
import { seedId } from '../stand-in/seeds.ts';

/** NGINX, the shipped OTel Collector, and a collector that requires keys. */
async function startWithKeys(onUnknownKey: 'refuse' | 'hold') {
  await using stack = new AsyncDisposableStack();
  const data = await tempDir('keys');
  stack.defer(data.remove);
  const read = await makeKey(data.path, 'read');
  let key = await makeKey(data.path, 'ingest');
  const collector = stack.use(
    await startCollector({
      amqpUrl: 'amqp://127.0.0.1:1',
      dataDir: data.path,
      env: { CLOWDER_VERSION: 'v1', ON_UNKNOWN_KEY: onUnknownKey },
    }),
  );
  const standIn = stack.use(await startStandIn('v1'));
  const nginx = stack.use(await startNginx({ upstream: new URL(standIn.url).host }));
  const otel = stack.use(
    await startShippedOtelCollector({
      env: () => ({ NGINX_LOG_DIR: nginx.logDir, CLOWDER_OTEL_URL: collector.url, CLOWDER_OTEL_API_KEY: key }),
    }),
  );
  const owned = stack.move();
  const asked: string[] = [];
  const counted = async (url: string, sample: RegExp): Promise<number> => {
    const metrics = await (await fetch(url)).text();
    return [...metrics.matchAll(sample)].reduce((sum, [, value]) => sum + Number(value), 0);
  };
  return {
    key: () => key,
    newKey: () => makeKey(data.path, 'ingest'),
    /** Stops the OTel Collector and starts it with another key, as an operator does. */
    useKey: async (other: string): Promise<void> => {
      key = other;
      await otel.kill();
      await otel.start();
    },
    revoke: async (old: string): Promise<void> => {
      await runCli(['keys', 'revoke', old.split('_')[1] ?? ''], { DATA_DIR: data.path });
      const headers = { authorization: `Bearer ${old}` };
      // With a valid key, a GET there gets 405.
      await waitFor(async () => (await fetch(`${collector.url}/v1/logs`, { headers })).status !== 405, {
        what: 'the key to be refused',
      });
    },
    /** Downloads this many files through NGINX, each a different one. */
    ask: async (count: number): Promise<void> => {
      for (let more = 0; more < count; more += 1) {
        const id = seedId('file', 7000 + asked.length);
        if (!(await answersOk(`${nginx.url}/api/files/${id}/blob`))) throw new Error(`${id} was not answered`);
        asked.push(id);
      }
    },
    asked,
    /** Ids of the files that have an event, in the order of the requests. */
    told: async (): Promise<readonly string[]> => {
      const headers = { authorization: `Bearer ${read}` };
      const text = await (await fetch(`${collector.url}/api/v1/events?limit=1000`, { headers })).text();
      return asked.filter((id) => text.includes(`"resource_id":"${id}"`));
    },
    refused: (reason: string) =>
      counted(`${collector.url}/metrics`, new RegExp(`^clowder_otel_refused_keys_total\\{reason="(?:${reason})"\\} (\\d+)$`, 'gm')), // prettier-ignore
    dropped: () =>
      counted(otel.metricsUrl, /^otelcol_exporter_send_failed_log_records\S*\{[^}]*clowder[^}]*\} (\d+)$/gm),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type WithKeys = Awaited<ReturnType<typeof startWithKeys>>;

const allTold = ({ asked, told }: WithKeys) =>
  waitFor(async () => (await told()).length === asked.length, { what: `${asked.length} events` });

describe("the OTel Collector's key", () => {
  test('that is wrong loses what is sent while the collector refuses it, and both sides show it', async () => {
    await using parts = await startWithKeys('refuse');
    const right = parts.key();
    await parts.useKey('clo_000000000000_wrong');
    await parts.ask(3);
    await waitFor(async () => (await parts.dropped()) === 3, { what: 'three dropped lines' });
    expect(await parts.refused('unknown')).toBeGreaterThan(0);
    await parts.useKey(right);
    await parts.ask(1);
    await waitFor(async () => (await parts.told()).length > 0, { what: 'an event' });
    expect(await parts.told()).toEqual(parts.asked.slice(3));
  });

  test.each([
    ['wrong', 'unknown', (parts: WithKeys) => parts.useKey('clo_000000000000_wrong')],
    ['missing', 'missing|unknown', (parts: WithKeys) => parts.useKey('')],
    ['revoked', 'revoked', (parts: WithKeys) => parts.revoke(parts.key())],
  ] as const)('that is %s loses nothing with ON_UNKNOWN_KEY=hold: everything arrives once the key is right', async (_how, reason, spoil) => {
    await using parts = await startWithKeys('hold');
    await parts.ask(2);
    await allTold(parts);
    await spoil(parts);
    const before = await parts.refused(reason);
    await parts.ask(3);
    await waitFor(async () => (await parts.refused(reason)) > before, { what: 'a refusal' });
    expect(await parts.dropped()).toBe(0);
    expect((await parts.told()).length).toBeLessThan(parts.asked.length);
    await parts.useKey(await parts.newKey());
    await parts.ask(1);
    await allTold(parts);
  }); // prettier-ignore

  test('can be replaced without loss: make a new one, restart the OTel Collector with it, revoke the old one', async () => {
    await using parts = await startWithKeys('refuse');
    const old = parts.key();
    await parts.ask(3);
    const next = await parts.newKey();
    await Promise.all([parts.useKey(next), parts.ask(5)]);
    await parts.ask(2);
    expect(await parts.refused('.*')).toBe(0);
    await parts.revoke(old);
    const before = await parts.refused('.*');
    await parts.ask(5);
    await allTold(parts);
    expect([await parts.dropped(), await parts.refused('.*')]).toEqual([0, before]);
  });
});
