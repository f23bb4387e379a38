import { expect, test } from 'vitest';
import { startCollector } from '../support/collector-process.ts';
import { consumeEventSink } from '../support/consumer.ts';
import { startNginx } from '../support/nginx.ts';
import { startProxyProcess } from '../support/proxy-process.ts';
import { startStandIn } from '../support/stand-in.ts';
import { openVhost } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';
import { seedId } from '../stand-in/seeds.ts';

const REQUESTS = 240;

test('two proxies behind NGINX share the requests, and the restart of one costs no request and no event', async () => {
  await using vhost = await openVhost();
  await using sink = await consumeEventSink(vhost.url);
  await using collector = await startCollector({ amqpUrl: vhost.url, env: { CLOWDER_VERSION: 'v1' } });
  await using standIn = await startStandIn('v1');
  const options = { target: standIn.url, otlpUrl: collector.url, flags: ['--clowder', 'v1'] };
  await using one = await startProxyProcess(options);
  await using two = await startProxyProcess(options);
  const [upstream, other] = [new URL(one.url).host, new URL(two.url).host];
  await using nginx = await startNginx({ upstream, beside: [other] });

  const statuses: number[] = [];
  const target = `${nginx.url}/api/files/${seedId('file', 5)}/blob`;
  for (let made = 0; made < REQUESTS; made += 1) {
    if (made === REQUESTS / 2) void two.kill();
    const answer = await fetch(target);
    await answer.arrayBuffer();
    statuses.push(answer.status);
  }
  expect(new Set(statuses)).toEqual(new Set([200]));
  await waitFor(() => sink.received.length >= REQUESTS, { what: 'an event of each request' });
  expect(new Set(sink.ids()).size).toBe(REQUESTS);
  expect(sink.received).toHaveLength(REQUESTS);
  const answeredBy = (await nginx.lines()).map((line) => line['nginx.upstream.address']?.split(', ').at(-1));
  expect(answeredBy.slice(0, 20)).toEqual(expect.arrayContaining([upstream, other]));
  expect(new Set(answeredBy.slice(-20))).toEqual(new Set([upstream]));
});
