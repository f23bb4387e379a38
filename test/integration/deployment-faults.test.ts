import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReceivedEvent } from '../support/consumer.ts';
import { windowsOf, type Window } from '../support/connection-windows.ts';
import { startDeployment, WINDOW_MS, type Deployment } from '../support/deployment.ts';
import { asExpected, asMultiset, eventsOfRequests } from '../support/published.ts';
import { makeTraffic, together, type Done } from '../support/traffic.ts';
import { startRabbitNode, type RabbitNode } from '../support/rabbitmq-node.ts';
import { waitFor } from '../support/wait-for.ts';
import type { ExpectedEvent } from '../stand-in/scenarios/scenario.ts';

/** In each of five rounds. */
const REQUESTS = 400;
const LAST = 'the last one';

let broker: RabbitNode;
let deployment: Deployment;
/** Requests whose events the proxy sent, whatever else failed. */
let told: Done;
/** Requests whose events were lost with the proxy. */
let lost: Done;
let received: readonly ReceivedEvent[];
let windows: readonly Window[];
let rounds = 0;

/** Sends one round of requests. The fault happens once a quarter of it is logged, while the rest goes on. */
async function roundWith(fault: () => Promise<void>): Promise<Done> {
  const before = (await deployment.nginx.lines()).length;
  const traffic = makeTraffic(deployment.nginx.port, 10_000 + REQUESTS * rounds, REQUESTS);
  rounds += 1;
  const during = waitFor(async () => (await deployment.nginx.lines()).length >= before + REQUESTS / 4, {
    what: 'a quarter of the requests',
  }).then(fault);
  const [done] = await Promise.all([traffic, during]);
  return done;
}

const ids = (): ReadonlySet<string> =>
  new Set(eventsOfRequests(deployment.sink(), LAST).map(({ messageId }) => messageId));

beforeAll(async () => {
  broker = await startRabbitNode();
  const waits = { waitForCaptureS: 20, latenessS: 30 };
  deployment = await startDeployment({ proxy: true, ...waits, clowderTraces: false, amqpUrl: broker.url });
  const { collector, nginx, otel } = deployment;
  const faults: readonly (() => Promise<void>)[] = [
    () => nginx.rotate(),
    async () => {
      await otel.kill('SIGKILL');
      await nginx.rotate();
      await otel.start();
    },
    async () => {
      await collector.kill('SIGKILL');
      await collector.start();
    },
    async () => {
      await broker.stopApp();
      await broker.startApp();
    },
  ];
  const runs: Done[] = [];
  for (const fault of faults) runs.push(await roundWith(fault));
  told = together(runs);
  await deployment.consumeAgain();
  await waitFor(() => ids().size >= told.byProxy.length, { what: 'all events of the proxy' });

  await otel.kill('SIGKILL');
  lost = await roundWith(async () => {});
  await deployment.killProxy();
  await deployment.startProxy();
  await otel.start();
  await deployment.settled();
  await deployment.published(LAST);
  windows = await deployment.windows((await nginx.lines()).length);
  received = eventsOfRequests(deployment.sink(), LAST);
}, 600_000);

afterAll(async () => {
  await deployment[Symbol.asyncDispose]();
  await broker.stop();
});

/** A broker that went down may deliver unacknowledged messages again: consumers recognise these by their id. */
const distinct = (): readonly ReceivedEvent[] => [...new Map(received.map((one) => [one.messageId, one])).values()];

describe('rotation, and SIGKILL of OTel Collector, collector and proxy, and a broker that stops', () => {
  test('lose no event and duplicate none', () => {
    const recovered = lost.byLog.map((event): ExpectedEvent => ({ ...event, recovered: true }));
    expect(lost.byLog.length).toBeGreaterThan(REQUESTS / 2);
    expect(asMultiset(distinct().map((one) => asExpected(one)))).toEqual(asMultiset([...told.byProxy, ...recovered]));
  });

  test('count in each window what the clients did, with no line lost or counted twice', async () => {
    const { exchanges } = together([told, lost]);
    expect(windows).toEqual(windowsOf(exchanges, await deployment.nginx.lines(), WINDOW_MS));
    expect(exchanges).toHaveLength(5 * REQUESTS);
  });

  test('each happened during the run', async () => {
    expect((await deployment.nginx.lines()).filter((line) => line['nginx.request_id'] !== undefined)).toHaveLength(5 * REQUESTS); // prettier-ignore
    expect(rounds).toBe(5);
  });
});
