import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { waitFor } from '../support/wait-for.ts';

const WINDOW_MS = 1000;
let collector: CollectorProcess;

beforeAll(async () => {
  collector = await startCollector({ env: { CONNECTIONS_WINDOW_S: '1', CONNECTIONS_LATENESS_S: '2' } });
});
afterAll(() => collector.stop());

let requests = 0;
const line = (atMs: number) => {
  requests += 1;
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  return {
    timeUnixNano: `${atMs}000000`,
    attributes: [
      attribute('http.response.status_code', '404'),
      attribute('nginx.upstream.address', '127.0.0.1:9000'),
      attribute('client.address', `192.0.2.${requests % 3}`),
      attribute('nginx.connection', String(requests % 5)),
      attribute('log.file.record_offset', String(requests)),
    ],
  };
};
async function send(logRecords: readonly unknown[]): Promise<boolean> {
  const body = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] });
  const headers = { 'content-type': 'application/json' };
  try {
    return (await fetch(`${collector.url}/v1/logs`, { method: 'POST', headers, body })).ok;
  } catch {
    return false;
  }
}
async function counted(): Promise<Record<string, number>[]> {
  const output = await runCli(['events', 'list', '--type', 'health.connections'], { DATA_DIR: collector.dataDir });
  return output.split('\n').flatMap((text) => (text === '' ? [] : [JSON.parse(text) as Record<string, number>]));
}

test('a collector killed while its sender repeats lines until it accepts them counts each line once', async () => {
  const startMs = Math.floor(Date.now() / WINDOW_MS) * WINDOW_MS - 10 * WINDOW_MS;
  const batches = Array.from({ length: 40 }, (_, batch) =>
    Array.from({ length: 25 }, () => line(startMs + (batch % 4) * WINDOW_MS)),
  );
  const sending = (async () => {
    for (const batch of batches) await waitFor(() => send(batch), { what: 'an accepted batch' });
  })();
  for (let kill = 0; kill < 2; kill += 1) {
    await waitFor(async () => (await fetch(`${collector.url}/metrics`)).ok, { what: 'a collector that serves' });
    await collector.kill('SIGKILL');
    await collector.start();
  }
  await sending;
  // A Collector that got no answer sends it all again.
  for (const batch of batches) expect(await send(batch)).toBe(true);
  await waitFor(async () => (await counted()).length >= 4, { what: 'four windows' });
  const windows = await counted();
  expect(
    windows.map((one) => [one['window_start'], one['requests'], one['connections'], one['unique_clients']]),
  ).toEqual([0, 1, 2, 3].map((index) => [startMs + index * WINDOW_MS, 250, 5, 3]));
  for (const batch of batches) await send(batch);
  const { text } = await fetch(`${collector.url}/metrics`).then(async (answer) => ({ text: await answer.text() }));
  expect(text).toContain('clowder_otel_access_log_lines_total{outcome="late"} 1000');
  expect(await counted()).toHaveLength(4);
});
