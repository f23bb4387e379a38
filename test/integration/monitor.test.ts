import { createHmac } from 'node:crypto';
import { once as event } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer as createTlsServer } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, type Authority } from '../support/certificates.ts';
import { runCliToEnd, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { consumeEventSink, type EventSink, type ReceivedEvent } from '../support/consumer.ts';
import { startMonitorProcess, type MonitorProcess } from '../support/monitor-process.ts';
import { SLOW_MS, startMoodyServer } from '../support/moody-server.ts';
import { tempDir } from '../support/processes.ts';
import { openVhost, type VirtualHost } from '../support/virtual-host.ts';
import { startHookReceiver, startMailReceiver } from '../support/told.ts';
import { waitFor } from '../support/wait-for.ts';

let rabbit: VirtualHost;
let collector: CollectorProcess;
let sink: EventSink;

beforeAll(async () => {
  rabbit = await openVhost();
  sink = await consumeEventSink(rabbit.url);
  collector = await startCollector({ amqpUrl: rabbit.url });
});
afterAll(async () => {
  await collector?.stop();
  await sink?.[Symbol.asyncDispose]();
  await rabbit?.[Symbol.asyncDispose]();
});

/** No jitter, and so short that a test sees many readings. */
const QUICK = { interval: '200ms', timeout: '1s', retries: 0, jitter: 0 };

/**
 * A target's readings from RabbitMQ, in the order in which they were made. After a kill, the collector may publish a reading
 * again with the same id.
 */
const readingsOf = (target: string): ReceivedEvent['body'][] =>
  [...new Map(sink.received.map(({ messageId, body }) => [messageId, body])).values()]
    .filter((body) => body['target'] === target)
    .toSorted((a, b) => Number(a['created']) - Number(b['created']));

const arrives = (target: string, what: Record<string, unknown>): Promise<ReceivedEvent['body']> =>
  waitFor(
    () =>
      readingsOf(target).find((body) =>
        Object.entries(what).every(([name, value]) =>
          value instanceof RegExp ? value.test(String(body[name])) : body[name] === value,
        ),
      ),
    { what: `a reading with ${JSON.stringify(what)}` },
  );

const drained = (monitor: MonitorProcess): Promise<boolean> =>
  waitFor(async () => (await monitor.health()).spool.requests === 0, {
    what: 'the spool to be sent',
  });

describe('the monitor', () => {
  it("reads a service's state, and reports once that it went down and once that it came back", async () => {
    await using server = await startMoodyServer();
    await using webhook = await startHookReceiver();
    await using slack = await startHookReceiver();
    await using mail = await startMailReceiver();
    const target = `${server.url}/healthz`;
    await using monitor = await startMonitorProcess(
      {
        clowder: { instance: 'https://clowder.example' },
        telemetry: { endpoint: collector.url },
        // Long enough for a busy machine.
        defaults: { ...QUICK, timeout: '5s' },
        probes: [
          { name: 'clowder', type: 'http', url: target, body: { equals: 'healthy' } },
          { name: 'port', type: 'tcp', host: '127.0.0.1', port: Number(new URL(server.url).port) },
        ],
        notify: [
          { type: 'webhook', url: webhook.url, secret: '${env:HOOK_SECRET}', probes: ['clowder'] },
          { type: 'slack', url: slack.url, channel: '#alerts', probes: ['clowder'] },
          { type: 'email', url: mail.url, from: 'monitor@example.org', to: ['ops@example.org'], probes: ['clowder'] },
        ],
      },
      { HOOK_SECRET: 'h00k-secret' },
    );
    const first = await arrives(target, { healthy: true, response_time_loss: 0 });
    expect(first).toMatchObject({
      event: 'health.ping',
      source: 'monitor',
      probe: 'clowder',
      component: 'clowder',
      category: 'service_status',
      type: 'up',
      service_name: 'clowder',
      status_code: 200,
      clowder_instance: 'https://clowder.example',
      uptime: expect.any(Number),
      response_time_avg: expect.any(Number),
      response_time_min: expect.any(Number),
      response_time_max: expect.any(Number),
      connect_time_ms: expect.any(Number),
      first_byte_time_ms: expect.any(Number),
    });

    server.mood = 'slow';
    const slow = await waitFor(
      () => readingsOf(target).find((body) => Number(body['first_byte_time_ms']) >= SLOW_MS - 1),
      { what: 'a slow reading' },
    );
    expect(slow).toMatchObject({ healthy: true });
    expect(Number(slow['response_time_ms'])).toBeGreaterThanOrEqual(Number(slow['first_byte_time_ms']));

    webhook.refuse(1);
    server.mood = 'failing';
    await arrives(target, { healthy: false, status_code: 500, error: 'HTTP 500' });
    server.mood = 'hanging';
    await arrives(target, { healthy: false, error: /^no answer within 5/ });
    server.mood = 'dropping';
    await arrives(target, { healthy: false, error: /ECONNRESET/ });
    await server.leave();
    const port = target.slice('http://'.length, -'/healthz'.length);
    await arrives(target, { healthy: false, error: /ECONNREFUSED/ });
    await arrives(port, { healthy: false });
    server.mood = 'healthy';
    await server.comeBack();
    const back = await arrives(target, { healthy: true, changed: true });
    await arrives(port, { healthy: true, changed: true });

    await waitFor(() => webhook.calls.length >= 2 && slack.calls.length >= 2 && mail.mails.length >= 2, {
      what: 'all notifications',
    });
    // Further good readings cause no notification.
    await waitFor(
      () => readingsOf(target).filter((body) => Number(body['created']) > Number(back['created'])).length >= 3,
      {
        what: 'three more readings',
      },
    );
    const changes = readingsOf(target).filter((body) => body['changed'] === true);
    expect(changes.map(({ type }) => type)).toEqual(['down', 'up']);
    const downForS = (Number(changes[1]?.['created']) - Number(changes[0]?.['created'])) / 1000;
    expect(changes[1]?.['down_for_s']).toBeCloseTo(downForS, 1);
    // The port was open until the server left: two changes of its own and no more.
    expect(
      readingsOf(port)
        .filter((body) => body['changed'] === true)
        .map(({ type }) => type),
    ).toEqual(['down', 'up']);

    expect(webhook.calls.map(({ body }) => body)).toMatchObject([
      {
        kind: 'down',
        healthy: false,
        probe: 'clowder',
        target,
        error: 'HTTP 500',
        clowder_instance: 'https://clowder.example',
      },
      { kind: 'up', healthy: true, probe: 'clowder', target, down_for_s: changes[1]?.['down_for_s'] },
    ]);
    for (const { headers, text } of webhook.calls) {
      const signed = createHmac('sha256', 'h00k-secret').update(`${String(headers['x-clowder-timestamp'])}.${text}`);
      expect(headers['x-clowder-signature']).toBe(`sha256=${signed.digest('hex')}`);
    }
    expect(slack.calls.map(({ body }) => [body['channel'], body['text']])).toEqual([
      ['#alerts', `clowder is down (${target}): HTTP 500`],
      ['#alerts', expect.stringMatching(/^clowder is up again after \d+ s /)],
    ]);
    expect(mail.mails.map(({ source }) => /^Subject: (.*)\r$/m.exec(source)?.[1])).toEqual([
      'clowder is down',
      'clowder is up again',
    ]);
    expect(mail.mails[0]?.to).toEqual(['ops@example.org']);

    expect(await monitor.metrics()).toContain(
      `clowder_monitor_up{probe="clowder",component="clowder",target="${target}"} 1`,
    );
    expect(monitor.output()).not.toMatch(/h00k-secret|m4ilpass/);
    await expect(monitor.kill()).resolves.toEqual({ code: 0, signal: null });
    expect([webhook.calls.length, slack.calls.length, mail.mails.length]).toEqual([2, 2, 2]);
  });

  it('loses no reading while its receiver is away or when it is killed: readings arrive with their own times', async () => {
    await using server = await startMoodyServer();
    await using webhook = await startHookReceiver();
    const target = `${server.url}/`;
    await using monitor = await startMonitorProcess({
      telemetry: { endpoint: collector.url },
      // No reading may end before its request was seen, even on a busy machine.
      defaults: { ...QUICK, timeout: '30s' },
      probes: [{ name: 'clowder', type: 'http', url: target }],
      notify: [{ type: 'webhook', url: webhook.url }],
    });
    await arrives(target, { healthy: true });
    await collector.kill('SIGKILL');
    const awayFrom = Date.now();
    await waitFor(async () => (await monitor.health()).spool.requests >= 5, { what: 'readings to wait on disk' });
    server.mood = 'failing';
    await waitFor(() => webhook.calls.length === 1, { what: 'the "down" notification without a receiver' });

    // A kill before that would send the message again, with the same id.
    await waitFor(() => monitor.output().includes('notification delivered'), { what: 'the delivery to be noted' });

    await monitor.kill('SIGKILL');
    const askedBefore = server.asked.length;
    await monitor.start();
    await waitFor(() => server.asked.length >= askedBefore + 5, { what: 'the monitor to go on' });
    server.mood = 'healthy';
    await waitFor(() => webhook.calls.length === 2, { what: 'the "up" notification of the restarted monitor' });
    const awayTo = Date.now();
    await collector.start();
    await drained(monitor);
    await monitor.kill();
    await waitFor(() => readingsOf(target).length >= server.asked.length - 2, { what: 'the whole series in RabbitMQ' });

    const created = readingsOf(target).map((body) => Number(body['created']));
    // Each request that the service saw is a reading, except one that each of the two ends may have cut off.
    expect(created.length).toBeLessThanOrEqual(server.asked.length);
    // No reading came under two ids.
    expect(new Set(created).size).toBe(created.length);
    const asked = server.asked.toSorted((a, b) => a - b);
    // Each request has its own reading: the last one that began before it.
    const seen = new Set(asked.map((at) => created.findLast((time) => time <= at)));
    expect(seen.size).toBeGreaterThanOrEqual(asked.length - 2);
    expect(created.filter((time) => time > awayFrom && time < awayTo).length).toBeGreaterThanOrEqual(10);
    expect(
      readingsOf(target)
        .filter((body) => body['changed'] === true)
        .map(({ type }) => type),
    ).toEqual(['down', 'up']);
    expect(webhook.calls.map(({ body }) => body['kind'])).toEqual(['down', 'up']);
  });
});

describe('certificates, as `monitor once` reads them', () => {
  let authority: Authority;
  let dir: Awaited<ReturnType<typeof tempDir>>;
  beforeAll(async () => {
    dir = await tempDir('certificates');
    authority = await createAuthority(dir.path, 'authority');
  });
  afterAll(() => dir?.remove());

  async function once(url: string, settings: string): Promise<{ code: number | null; row: Record<string, unknown> }> {
    const path = `${dir.path}/monitor.yaml`;
    await writeFile(path, `probes: [{name: clowder, type: http, url: "${url}", retries: 0${settings}}]`);
    const { code, stdout } = await runCliToEnd(['monitor', 'once', '--config', path]);
    return { code, row: JSON.parse(stdout) as Record<string, unknown> };
  }

  it('says how many days one has left, even if it is not trusted, and then sends nothing', async () => {
    await using server = await startMoodyServer(await authority.issue('clowder'));
    const trusted = await once(server.url, `, ca_file: "${authority.ca}", tls_min_days: 1`);
    expect(trusted).toMatchObject({ code: 0, row: { state: 'up', status_code: 200, tls_time_ms: expect.any(Number) } });
    expect(Number(trusted.row['tls_days_left'])).toBeCloseTo(2, 1);

    const expiring = await once(server.url, `, ca_file: "${authority.ca}", tls_min_days: 14`);
    expect(expiring).toMatchObject({
      code: 1,
      row: {
        state: 'down',
        error: expect.stringMatching(/^the certificate expires in (2|1\.99) days, fewer than 14$/),
      },
    });

    const asked = server.asked.length;
    const untrusted = await once(server.url, ', headers: {X-API-Key: k1}');
    expect(untrusted).toMatchObject({
      code: 1,
      row: { state: 'down', error: expect.stringMatching(/^the certificate is of an authority that is not trusted/) },
    });
    expect(Number(untrusted.row['tls_days_left'])).toBeCloseTo(2, 1);
    expect(server.asked.length).toBe(asked);
    expect(await once(server.url, ', tls_verify: false')).toMatchObject({ code: 0, row: { state: 'up' } });
  });

  it('on a redirect gives the days left of the certificate that expires first', async () => {
    const [old, current] = [await authority.issueExpired('first-hop'), await authority.issue('second-hop')];
    const serve = async ({ cert, key }: typeof old, headers: Record<string, string>, status: number) => {
      const server = createTlsServer({ cert: await readFile(cert), key: await readFile(key) }, (_request, response) =>
        response.writeHead(status, headers).end(),
      ).listen(0, '127.0.0.1');
      await event(server, 'listening');
      const address = server.address();
      return { server, url: `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}` };
    };
    const end = await serve(current, {}, 200);
    const first = await serve(old, { location: end.url }, 302);
    const settings = `, tls_verify: false, ca_file: "${authority.ca}", redirect_origins: ["${end.url}"]`;
    const { row } = await once(first.url, settings);
    expect(row).toMatchObject({ state: 'up' });
    expect(Number(row['tls_days_left'])).toBeLessThan(-2000);
    const limited = await once(first.url, `${settings}, tls_min_days: 1`);
    expect(limited.row).toMatchObject({ state: 'down', error: expect.stringMatching(/^the certificate expires in -/) });
    for (const { server } of [end, first]) server.close();
  });

  it('says that one has expired, and since when', async () => {
    await using server = await startMoodyServer(await authority.issueExpired('old'));
    const { code, row } = await once(server.url, `, ca_file: "${authority.ca}"`);
    expect({ code, row }).toMatchObject({
      code: 1,
      row: { state: 'down', error: 'the certificate has expired (CERT_HAS_EXPIRED)' },
    });
    const days = (Date.UTC(2020, 0, 3) - Date.now()) / 86_400_000;
    expect(Number(row['tls_days_left'])).toBeCloseTo(days, 1);
    expect(server.asked).toEqual([]);
  });
});
