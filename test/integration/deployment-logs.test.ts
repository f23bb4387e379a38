import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startByteSink, type ByteSink } from '../support/byte-sink.ts';
import { runCli, startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { tempDir } from '../support/processes.ts';
import {
  byKubernetes,
  startShippedOtelCollector,
  validateShipped,
  type ShippedFile,
  type ShippedOtelCollector,
} from '../support/otel-collector.ts';
import { SECRET_NAMES } from '../support/secret-names.ts';
import { waitFor } from '../support/wait-for.ts';
import { seedId } from '../stand-in/seeds.ts';

const FILE = seedId('file', 1);
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0';

/** All lines are from this one second. */
const AT = new Date(Math.floor(Date.now() / 1000) * 1000);

/** NGINX's $time_local, in a zone other than UTC. */
function localTime(at: Date): string {
  const [, day, month, year, time] = /(\d+) (\w+) (\d+) (\S+)/.exec(new Date(at.getTime() - 5 * 3_600_000).toUTCString()) ?? []; // prettier-ignore
  return `${day}/${month}/${year}:${time} -0500`;
}

test.each<readonly [string, readonly ShippedFile[]]>([
  ['alone', []],
  ['with the file for the stock format', ['collector-combined.yaml']],
  ['with the file for several collectors', ['collectors.yaml']],
  ['with that and a fourth collector', ['collectors.yaml', 'collectors-4.yaml']],
  ['with the file for collectors behind one name', ['collectors-dns.yaml']],
])('the OTel Collector accepts the configuration, %s', async (_how, files) => {
  const members = [1, 2, 3, 4].map((member) => [`CLOWDER_OTEL_URL_${member}`, `http://127.0.0.1:400${member}`]);
  members.push(['CLOWDER_OTEL_COLLECTORS', 'collectors']);
  expect(await validateShipped(files, Object.fromEntries(members))).toBe('');
});

test("the OTel Collector accepts the lines that use Kubernetes' API in place of DNS", async () => {
  const temp = await tempDir('k8s');
  const config = await byKubernetes();
  expect(config).toContain('resolver: &by_name\n      k8s: { service: ');
  try {
    await writeFile(join(temp.path, 'k8s.yaml'), config);
    expect(await validateShipped([], {}, [join(temp.path, 'k8s.yaml')])).toBe('');
  } finally {
    await temp.remove();
  }
});

describe('lines of an access log', () => {
  let temp: Awaited<ReturnType<typeof tempDir>>;
  let collector: CollectorProcess;
  let otel: ShippedOtelCollector;
  /** What the OTel Collector sends on to Jaeger. */
  let jaeger: ByteSink;
  let json: string;
  let combined: string;

  beforeAll(async () => {
    temp = await tempDir('logs');
    const logDir = join(temp.path, 'nginx');
    await mkdir(logDir);
    [json, combined] = [join(logDir, 'clowder.json'), join(logDir, 'access.log')];
    collector = await startCollector({ amqpUrl: 'amqp://127.0.0.1:1', env: { CLOWDER_VERSION: 'v1' } });
    jaeger = await startByteSink();
    otel = await startShippedOtelCollector({
      with: ['collector-combined.yaml'],
      env: () => ({
        NGINX_LOG_DIR: logDir,
        NGINX_COMBINED_LOG: combined,
        CLOWDER_OTEL_URL: collector.url,
        JAEGER_OTLP_URL: jaeger.url,
      }),
    });
  });

  afterAll(async () => {
    await otel.stop();
    await collector.stop();
    await jaeger[Symbol.asyncDispose]();
    await temp.remove();
  });

  type Event = Readonly<Record<string, unknown>>;

  async function published(): Promise<readonly Event[]> {
    const answer = await (await fetch(`${collector.url}/api/v1/events?limit=1000`)).json();
    return (answer as { events: Event[] }).events;
  }

  /** Events about the resource with this number, once there are this many. */
  const eventsOf = (number: number, count: number): Promise<readonly Event[]> =>
    waitFor(
      async () => {
        const events = (await published()).filter((one) => String(one['resource_id']).endsWith(`0${number}`));
        return events.length >= count && events;
      },
      { what: `${count} events of ${number}` },
    );

  /** A line of the stock format. */
  const line = (request: string, { address = '192.0.2.7', status = 200, bytes = 10, referer = '-', agent = BROWSER } = {}): string =>
    `${address} - - [${localTime(AT)}] "${request}" ${status} ${bytes} "${referer}" "${agent}"\n`; // prettier-ignore

  test('of the stock format become events: two equal ones within one second are two events', async () => {
    const request = line(`GET /api/files/${seedId('file', 101)}/blob?key=canary&tracking=false HTTP/1.1`, { bytes: 1101 }); // prettier-ignore
    await appendFile(combined, request + request);
    const events = await eventsOf(101, 2);
    expect(events).toHaveLength(2);
    expect(events[0]).toMatchObject({
      event: 'view.download',
      source: 'nginx',
      created: AT.getTime(),
      bytes: 1101,
      tracked: false,
      client_address: '192.0.2.0',
      client_kind: 'browser',
      url: `/api/files/${seedId('file', 101)}/blob?key=REDACTED&tracking=false`,
    });
    expect(events[0]).not.toHaveProperty('trace_id');
    expect(events[0]).not.toHaveProperty('complete');
  });

  test('of the stock format may have IPv6 clients and anything else that occurs', async () => {
    await appendFile(
      combined,
      [
        line(`GET /files/${seedId('file', 102)} HTTP/2.0`, { address: '2001:db8:1:2::7', referer: 'https://x/files/1?key=canary' }),
        line(String.raw`\x16\x03\x01`, { status: 400 }),
        line('', { status: 400 }),
        line(`GET /files/${seedId('file', 102)} HTTP/1.1`, { status: 500 }),
        line(`GET /files/${seedId('file', 102)} HTTP/1.1`, { agent: String.raw`a \x22quoted\x22 agent` }),
      ].join(''),
    ); // prettier-ignore
    const events = await eventsOf(102, 2);
    expect(events).toHaveLength(2);
    expect(new Set(events.map((one) => one['client_address']))).toEqual(new Set(['192.0.2.0', '2001:db8:1::']));
    expect(JSON.stringify(events)).not.toContain('canary');
  });

  test('of the stock format are read in every form that a request may have', async () => {
    const path = `/files/${seedId('file', 106)}`;
    const vhost = `clowder.example.org:443 ${line(`GET ${path} HTTP/1.1`, { agent: `${BROWSER} vhost` })}`;
    const forwarded = `203.0.113.5, 10.0.0.1 ${line(`GET ${path} HTTP/1.1`, { agent: `${BROWSER} forwarded` })}`;
    const quoted = `"203.0.113.5, unknown" ${line(`GET ${path} HTTP/1.1`, { agent: `${BROWSER} quoted` })}`;
    await appendFile(
      combined,
      [
        line(`GET http://clowder.example.org:8080${path} HTTP/1.1`, { agent: `${BROWSER} absolute` }),
        line(`GET ${path}`, { agent: `${BROWSER} 0.9` }),
        line(`GET ${path}?q=a b&key=canary c HTTP/1.1`, { agent: `${BROWSER} blanks` }),
        line(String.raw`GET ${path}?q=\xC3\xA9&k\x65y=canary HTTP/1.1`, { agent: `${BROWSER} hidden` }),
        line(`GET ${path} HTTP/1.1`, { agent: String.raw`Mozilla/5.0 \x22gr\xC3\xBCn\x22 100%? #1` }),
        line(`GET ${path} HTTP/1.1`, { referer: String.raw`https://x/\x22?key=canary`, agent: `${BROWSER} referer` }),
        line(`DELETE /api/files/${seedId('file', 106)} HTTP/1.1`, { agent: 'curl/8' }).replace('- - [', String.raw`- J\xC3\xB6rg [`),
        vhost,
        forwarded,
        quoted,
      ].join(''),
    ); // prettier-ignore
    const events = await eventsOf(106, 10);
    expect(events).toHaveLength(10);
    const by = (what: string): Event | undefined => events.find((one) => String(one['user_agent']).endsWith(what));
    expect(by('absolute')).toMatchObject({ url: path });
    expect(by('0.9')).toMatchObject({ url: path });
    expect(by('blanks')).toMatchObject({ url: `${path}?q=a%20b&key=REDACTED` });
    expect(by('hidden')).toMatchObject({ url: `${path}?REDACTED` });
    expect(by('#1')).toMatchObject({ user_agent: 'Mozilla/5.0 "gr\u00fcn" 100%? #1' });
    expect(by('curl/8')).toMatchObject({ event: 'file.deleted', user_name: 'J\u00f6rg' });
    for (const front of ['vhost', 'forwarded', 'quoted'])
      expect(by(front)).toMatchObject({ client_address: '192.0.2.0' });
    expect(JSON.stringify(events)).not.toContain('canary');
  });

  test('that are rotated away are read to their end, and the new file from its beginning', async () => {
    await appendFile(combined, line(`GET /files/${seedId('file', 103)} HTTP/1.1`));
    await rename(combined, `${combined}.1`);
    await appendFile(combined, line(`GET /files/${seedId('file', 103)} HTTP/1.1`, { agent: 'curl/8' }));
    expect(await eventsOf(103, 2)).toHaveLength(2);
  });

  test('that were read before the OTel Collector was killed become no second event after it', async () => {
    await appendFile(combined, line(`GET /files/${seedId('file', 104)} HTTP/1.1`));
    await eventsOf(104, 1);
    await otel.kill('SIGKILL');
    await appendFile(combined, line(`GET /datasets/${seedId('dataset', 104)} HTTP/1.1`));
    await otel.start();
    expect(await eventsOf(104, 2)).toHaveLength(2);
  });

  test('of the stock format lose every secret value before they are queued', async () => {
    const file = seedId('file', 105);
    await appendFile(combined, SECRET_NAMES.map((name) => line(`GET /files/${file}?a=1&${name}=canary&b=2 HTTP/1.1`)).join('')); // prettier-ignore
    const events = await eventsOf(105, SECRET_NAMES.length);
    const urls = SECRET_NAMES.map((name) => `/files/${file}?a=1&${name}=REDACTED&b=2`);
    expect(new Set(events.map((one) => one['url']))).toEqual(new Set(urls));
  });

  test('are not the only place: spans on their way to Jaeger lose them too', async () => {
    const values = [
      ...SECRET_NAMES.map((name) => ['url.query', `a=1&${name}=canary&b=2`, `a=1&${name}=REDACTED&b=2`]),
      ...['url.full', 'http.url', 'http.target'].map((key) => [key, `/x?key=canary&b=${key}`, `/x?key=REDACTED&b=${key}`]),
      ...['signup', 'signupinvite', 'reset', 'files/links', 'users/keys'].map((before) => ['url.path', `/${before}/canary/x`, `/${before}/REDACTED/x`]),
    ] as const; // prettier-ignore
    const spans = values.map(([key = '', value], index) => ({
      traceId: 'ab'.repeat(16),
      spanId: (index + 1).toString(16).padStart(16, '0'),
      name: 'GET',
      kind: 2,
      startTimeUnixNano: '1',
      endTimeUnixNano: '2',
      attributes: [{ key, value: { stringValue: value } }],
    }));
    const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
    const headers = { 'content-type': 'application/json' };
    expect((await fetch(`${otel.url}/v1/traces`, { method: 'POST', headers, body })).status).toBe(200);
    await waitFor(() => jaeger.content().includes(`${values.at(-1)?.[2]}`), { what: 'the spans' });
    expect(values.map(([, , kept = '']) => kept).filter((kept) => !jaeger.content().includes(kept))).toEqual([]);
    expect(jaeger.content()).not.toContain('canary');
  });

  test('that do not parse are kept for an operator to see, without possible secrets', async () => {
    const half = `{"time":"1","http.request.method":"GET","url.path":"/files/${FILE}`;
    await appendFile(json, `${half}\nno JSON at all ?key=canary&a=1\n{"other":"format"}\n`);
    // An unreadable request that succeeded is an event lost; a refused port scan is not.
    const unread = line(String.raw`\x16\x03?token=canary`, { agent: 'unread' }) + line('', { status: 400 });
    await appendFile(combined, `no combined line token=canary\n${unread}`);
    const rows = await waitFor(
      async () => {
        const text = await runCli(['rejected', 'list'], { DATA_DIR: collector.dataDir });
        const all = text.trim().split('\n').map((row) => JSON.parse(row) as { reason: string; record: string });
        return all.length >= 5 && all;
      },
      { what: 'five rejected lines', everyMs: 300 },
    ); // prettier-ignore
    expect(rows).toHaveLength(5);
    const kept = rows.map(({ reason, record }) => `${reason} ${record}`).join('\n');
    expect(kept).toMatch(/clowder\.json, at byte 0, does not have the format/);
    expect(kept).toContain('no JSON at all ?key=REDACTED&a=1');
    expect(kept).toContain('no combined line token=REDACTED');
    expect(kept).toContain('unread');
    expect(kept).toContain('/files/f11e');
    expect(kept).not.toContain('canary');
  });
});
