import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { form } from '../support/form.ts';
import { mixedTraffic, startRoughClowder } from '../support/mixed-traffic.ts';
import { startProxyProcess } from '../support/proxy-process.ts';
import { residentMiB } from '../support/resident.ts';
import { waitFor } from '../support/wait-for.ts';

/** How much more memory the proxy may use at the end. */
const GROWTH_MIB = 20;
/** Clients of each kind in a round. */
const CLIENTS = 10;
/** Rounds until the code is optimised and the heap has its working size. */
const WARM_UP_ROUNDS = 10;
/**
 * The long form looks at ten minutes as a whole. The short one ends with the first so many rounds in a row that did not
 * grow: the heap settles after some rounds, and memory that is kept never does.
 */
const {
  rounds: ROUNDS,
  most: MOST_ROUNDS,
  forMs: FOR_MS,
} = form({
  short: { rounds: 9, most: 60, forMs: 0 },
  long: { rounds: Infinity, most: Infinity, forMs: 10 * 60_000 },
});

async function startSink() {
  const server = createServer((request, response) => void request.resume().on('end', () => response.end()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

/** How much more the last third of the rounds took than the first. */
function growthOf(rounds: readonly number[]): number {
  const third = Math.floor(rounds.length / 3);
  return median(rounds.slice(-third)) - median(rounds.slice(0, third));
}

it("the proxy's memory does not grow, however long clients pipeline, leave, and are answered early", async () => {
  await using clowder = await startRoughClowder();
  await using sink = await startSink();
  await using proxy = await startProxyProcess({
    target: clowder.url,
    otlpUrl: sink.url,
    flags: ['--clowder', 'v1'],
    // A small heap is collected often, so that memory that is kept differs soon from memory not yet collected.
    env: { NODE_OPTIONS: '--max-old-space-size=128' },
  });
  const port = Number(new URL(proxy.url).port);
  const inFlight = async () =>
    Number(
      /^clowder_otel_proxy_requests_in_flight (\d+)/m.exec(
        await (await fetch(`${proxy.adminUrl}/metrics`)).text(),
      )?.[1],
    );
  const round = async (): Promise<number> => {
    await mixedTraffic(port, CLIENTS);
    await waitFor(async () => (await inFlight()) === 0, { what: 'nothing to be in flight' });
    return residentMiB(proxy.pid);
  };
  for (let turn = 0; turn < WARM_UP_ROUNDS; turn += 1) await round();
  const taken: number[] = [];
  const end = performance.now() + FOR_MS;
  const growth = (): number => growthOf(taken.slice(-ROUNDS));
  const isSettled = (): boolean => taken.length >= ROUNDS && growth() < GROWTH_MIB;
  while (FOR_MS > 0 ? performance.now() < end : !isSettled() && taken.length < MOST_ROUNDS) taken.push(await round());
  const step = Math.ceil(taken.length / 20);
  const overTime = taken.filter((_, index) => index % step === 0).map(Math.round);
  if (FOR_MS > 0) process.stderr.write(`${taken.length} rounds, resident MiB over time: ${overTime.join(' ')}\n`);
  expect(growth(), `resident MiB over time: ${overTime.join(' ')}`).toBeLessThan(GROWTH_MIB);
});
