import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { runCliToEnd, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { bindEventSink, consumeEventSink } from '../support/consumer.ts';
import { observedRequest, sendOtlp, spansOf } from '../support/observed-requests.ts';
import { freePort } from '../support/processes.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';

const EVENTS = 6000;
const FILE = '5f1e00000000000000000001';
const ids = Array.from({ length: EVENTS }, (_, index) => `waits-${index}`);

let vhost: VirtualHost;
/** Without a broker, so everything that it accepts waits in its journal. */
let collector: CollectorProcess;

const drain = (dir = collector.dataDir, url = vhost.url) => runCliToEnd(['journal', 'drain', dir], { AMQP_URL: url });

beforeAll(async () => {
  vhost = await openVhost();
  const nobody = `amqp://guest:guest@127.0.0.1:${await freePort()}`;
  collector = await startCollector({ amqpUrl: nobody, env: { CLOWDER_VERSION: 'v1' } });
  for (let from = 0; from < EVENTS; from += 1000) {
    const events = ids
      .slice(from, from + 1000)
      .map((event_id) => ({ event: 'file.uploaded', event_id, file_id: FILE }));
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(events);
    const { status } = await fetch(`${collector.url}/api/v1/events`, { method: 'POST', headers, body });
    if (status !== 202) throw new Error(`the collector answered ${status}`);
  }
});

afterAll(async () => {
  await collector.stop();
  await vhost[Symbol.asyncDispose]();
});

describe('journal drain', () => {
  test('refuses a directory without a journal, and one that a collector has open', async () => {
    expect(await drain(`${collector.dataDir}/nothing`)).toMatchObject({ code: 2, stdout: '' });
    const { code, stderr } = await drain();
    expect(code).toBe(1);
    expect(stderr).toContain(`is in use by another collector (process ${collector.pid})`);
  });

  test('says so if no queue takes the waiting events, and keeps them', async () => {
    expect(await sendOtlp(collector.url, 'traces', spansOf([observedRequest()], 'clowder=0123456789abcdef'))).toBe(
      true,
    );
    await collector.kill('SIGKILL');
    const { code, stdout, stderr } = await drain();
    expect([code, JSON.parse(stdout)]).toEqual([1, { confirmed: 0, 'still held': EVENTS + 1 }]);
    expect(stderr).toContain(`${EVENTS + 1} events are held`);
  });

  test('publishes all of them once a queue exists, over a kill, including waiting observations', async () => {
    await bindEventSink(vhost.url);
    const env = { ...process.env, AMQP_URL: vhost.url };
    const killed = execFile(process.execPath, [...cli(), 'journal', 'drain', collector.dataDir], { env });
    await using sink = await consumeEventSink(vhost.url);
    await waitFor(() => sink.received.length > 100, { everyMs: 1, what: 'the first event' });
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const { code, stdout } = await drain();
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { 'still held': 0 }]);
    await waitFor(() => sink.ids().length === EVENTS + 1, { what: 'all events' });
    expect(sink.ids().filter((id) => id.startsWith('waits-'))).toEqual(ids);
    expect(sink.received.filter(({ body }) => body['recovered'] === true)).toHaveLength(1);
    expect(await drain()).toMatchObject({ code: 0, stdout: '{"confirmed":0,"still held":0}\n' });
  });
});
