import { connect, type ChannelModel, type ConfirmChannel } from 'amqplib';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toMessage } from '../../exporter/message.ts';
import { launchChromium } from '../support/chromium.ts';
import { makeKey, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { tempDir } from '../support/processes.ts';
import { makeEvents } from '../support/sinks/events.ts';
import { startSinkProcess } from '../support/sinks/sink-process.ts';
import { webhookHarness } from '../support/sinks/webhook-server.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';

const QUEUE = 'clowder.sink.webhook';
const EVENTS = makeEvents(4);
const REFUSED = EVENTS.slice(0, 3).map(({ event_id: id }) => id);

const stack = new AsyncDisposableStack();
const keys = { reader: '', boss: '' };
let vhost: VirtualHost;
let model: ChannelModel;
let channel: ConfirmChannel;
let service: Awaited<ReturnType<typeof webhookHarness.start>>;
let collector: CollectorProcess;
let browser: Browser;

/** A service that refuses some events, a sink that sends to it, and the collector. */
beforeAll(async () => {
  vhost = stack.use(await openVhost());
  model = await connect(vhost.url);
  stack.defer(() => model.close());
  channel = await model.createConfirmChannel();
  service = stack.use(await webhookHarness.start());
  await service.refuse?.(REFUSED);
  const sink = stack.use(
    await startSinkProcess({
      AMQP_URL: vhost.url,
      sinks: { webhook: { ...service.settings, linger_ms: 20, third_party: false } },
    }),
  );
  await waitFor(async () => (await sink.figure('webhook', 'ready{sink="SINK"}')) === 1, { what: 'the sink' });
  for (const { routingKey, content, options } of EVENTS.map(toMessage))
    channel.publish('clowder.events', routingKey, content, { ...options, mandatory: false });
  await channel.waitForConfirms();
  await waitFor(async () => (await depth(`${QUEUE}.dead`)) === REFUSED.length, { what: 'the dead letters' });

  const dir = await tempDir('dead-letters');
  stack.defer(() => dir.remove());
  keys.reader = await makeKey(dir.path, 'read', 'reader');
  keys.boss = await makeKey(dir.path, 'read admin', 'boss');
  collector = stack.use(await startCollector({ dataDir: dir.path, amqpUrl: vhost.url }));
  browser = await launchChromium();
  stack.defer(() => browser.close());
});
afterAll(() => stack.disposeAsync());

const depth = async (queue: string): Promise<number> => (await channel.checkQueue(queue)).messageCount;

/** The dead letters page, opened with this key. */
async function look(key: string) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${collector.url}/kept?what=dead`);
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Log in' }).click();
  const panel = page.getByRole('region', { name: 'Dead letters of sinks', exact: true });
  await panel.locator('tbody tr').first().waitFor();
  return { page, panel, rows: panel.locator('tbody tr') };
}

test('dead letters show reason and sender; a reader sees them and cannot replay them', async () => {
  const { page, panel, rows } = await look(keys.reader);
  expect(await rows.count()).toBe(REFUSED.length);
  await panel.getByRole('button', { name: `webhook ${REFUSED.length}`, pressed: true }).waitFor();
  for (const text of await rows.allTextContents()) {
    expect(text).toContain('rejected HTTP 422: one of these is no good');
    expect(text).toContain(String(EVENTS[0]?.source));
  }
  await rows.first().locator('summary').click();
  await rows.first().getByText(`"event_id": "${REFUSED[0]}"`).waitFor();
  expect(await panel.getByRole('button', { name: /^Replay/ }).count()).toBe(0);
  await page.context().close();

  const answer = await fetch(`${collector.url}/api/v1/dead/replay`, {
    method: 'POST',
    headers: { authorization: `Bearer ${keys.reader}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sink: 'webhook' }),
  });
  expect(answer.status).toBe(403);
  // The dead letters are still in the queue.
  expect(await depth(`${QUEUE}.dead`)).toBe(REFUSED.length);
});

test("a page of another site cannot replay with an administrator's cookie", async () => {
  const { page } = await look(keys.boss);
  const [cookie] = await page.context().cookies();
  const answer = await fetch(`${collector.url}/api/v1/dead/replay`, {
    method: 'POST',
    headers: { cookie: `${cookie?.name}=${cookie?.value}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sink: 'webhook' }),
  });
  expect(answer.status).toBe(403);
  await page.context().close();
});

test('an administrator replays one, then all; those that the service accepts leave the list', async () => {
  const { page, panel, rows } = await look(keys.boss);
  await service.refuse?.(REFUSED.slice(1));
  await panel.getByRole('checkbox', { name: `Choose ${REFUSED[0]}` }).check();
  await panel.getByRole('button', { name: 'Replay 1' }).click();
  await panel.getByText('1 back in the queue of webhook').waitFor();
  await expect.poll(() => rows.count(), { timeout: 120_000 }).toBe(REFUSED.length - 1);
  await waitFor(async () => (await service.storedIds()).includes(REFUSED[0] ?? ''), { what: 'the replayed event' });

  await service.refuse?.([]);
  await panel.getByRole('button', { name: 'Replay all' }).click();
  await panel.getByText('2 back in the queue of webhook').waitFor();
  await panel.getByText('None.').waitFor();
  await waitFor(async () => new Set(await service.storedIds()).size === EVENTS.length, { what: 'all replayed events' });
  expect(await depth(`${QUEUE}.dead`)).toBe(0);
  await page.context().close();
});

test('if RabbitMQ is away, the page says so', async () => {
  const page = await (await browser.newContext()).newPage();
  await using away = await startCollector({ amqpUrl: 'amqp://127.0.0.1:1' });
  await page.goto(`${away.url}/kept?what=dead`);
  await page.getByText('Not known now.').waitFor();
  await page.getByText('Nobody listens at amqp://127.0.0.1:1').first().waitFor();
  await page.context().close();
});
