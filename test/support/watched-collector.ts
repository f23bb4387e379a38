import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startByteSink } from './byte-sink.ts';
import { contentOfFiles, createCanaries, type Canaries } from './canaries.ts';
import { makeKey, startCollector } from './collector-process.ts';
import { consumeEventSink, type ReceivedEvent } from './consumer.ts';
import { tempDir } from './processes.ts';
import { openVhost, putUser, uniqueName, type VirtualHost } from './virtual-host.ts';
import { waitFor } from './wait-for.ts';

/** A collector with broker, keys and own telemetry, whose outputs can all be inspected. */
export interface WatchedCollector extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** API keys by scope. */
  readonly keys: Readonly<Record<Scope, string>>;
  /** The collector's own secrets: API keys, passwords, headers. */
  readonly credentials: Canaries;
  /** Messages from RabbitMQ so far. */
  readonly received: readonly ReceivedEvent[];
  post(path: string, body: object | string, headers?: Headers): Promise<{ status: number; answer: string }>;
  get(path: string, headers?: Headers): Promise<string>;
  /** Waits until everything sent before is published: events keep their order. */
  published(): Promise<void>;
  /** Everything that came out, by output. */
  outputs(): Promise<Readonly<Record<string, string>>>;
}

type Scope = 'ingest' | 'read' | 'browser';
type Headers = Readonly<Record<string, string>>;

/** @param origin whose pages may send page views */
export async function startWatchedCollector(origin: string): Promise<WatchedCollector> {
  const credentials = createCanaries();
  await using started = new AsyncDisposableStack();
  const temp = await tempDir('watched');
  started.defer(temp.remove);
  const broker = started.use(await openVhost());
  const { urls, admit } = brokerUser(broker, credentials);
  const dataDir = join(temp.path, 'data');
  const keys = {
    ingest: await newKey('ingest', dataDir, credentials),
    read: await newKey('read', dataDir, credentials),
    browser: await newKey('browser', dataDir, credentials),
  };
  const ownTelemetry = started.use(await startByteSink());
  const sink = started.use(await consumeEventSink(broker.url));
  const collector = started.use(
    await startCollector({
      amqpUrl: urls,
      dataDir,
      env: {
        LOG_LEVEL: 'trace',
        // Long enough for withheld observations to stay until all outputs are checked.
        WAIT_FOR_CAPTURE_S: '3600',
        ALLOWED_ORIGINS: origin,
        OTEL_EXPORTER_OTLP_ENDPOINT: ownTelemetry.url,
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${credentials.token('header of own telemetry')}`,
        OTEL_BSP_SCHEDULE_DELAY: '100',
        OTEL_LOG_LEVEL: 'debug',
      },
    }),
  );
  // Refused at first, whichever of the two URLs it tries first: the log reports both.
  await waitFor(() => collector.output().includes('refuses user or password'), { what: 'a refusal in the log' });
  await admit();
  const all = started.move();
  const answers: string[] = [];
  let lastId = 0;

  async function post(path: string, body: object | string, headers: Headers = {}) {
    const response = await fetch(collector.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${keys.ingest}`, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const answer = await response.text();
    answers.push(answer);
    return { status: response.status, answer };
  }

  async function get(path: string, headers: Headers = {}): Promise<string> {
    const response = await fetch(collector.url + path, {
      headers: { authorization: `Bearer ${keys.read}`, ...headers },
    });
    return response.text();
  }

  async function published(): Promise<void> {
    await nothingGathers(dataDir);
    lastId += 1;
    const id = `the-last-${lastId}`;
    await post('/api/v1/events', { event: 'file.deleted', file_id: 'f', event_id: id });
    await waitFor(() => sink.received.some(({ messageId }) => messageId === id), { what: 'the last event' });
  }

  const history = '/api/v1/events?limit=1000&order=desc&format=';
  return {
    url: collector.url,
    port: collector.port,
    dataDir,
    keys,
    credentials,
    received: sink.received,
    post,
    get,
    published,
    outputs: async () => ({
      'RabbitMQ messages': JSON.stringify(sink.received),
      'files of DATA_DIR': await contentOfFiles(dataDir),
      "the collector's log": collector.output(),
      "the collector's own telemetry": ownTelemetry.content(),
      'answers of the collector': answers.join('\n'),
      'rejected store': await get('/api/v1/rejected?limit=1000'),
      'history as JSON': await get(`${history}json`),
      'history as NDJSON': await get(`${history}ndjson`),
      'history as CSV': await get(`${history}csv`),
      '/metrics': await get('/metrics'),
      '/readyz': await get('/readyz'),
      dashboard: await get('/'),
    }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Waits until no event is held for further observations, as views and downloads in pieces are for some seconds. */
async function nothingGathers(dataDir: string): Promise<void> {
  const journal = new DatabaseSync(join(dataDir, 'journal.db'), { readOnly: true });
  const gathering = journal.prepare("SELECT count(*) AS count FROM held WHERE reason = 'gathering'");
  try {
    await waitFor(() => gathering.get()?.['count'] === 0, { what: 'what gathers' });
  } finally {
    journal.close();
  }
}

/** A user who does not exist yet, with a right and a wrong password. */
function brokerUser(broker: VirtualHost, credentials: Canaries) {
  const password = credentials.token('password of RabbitMQ');
  const user = uniqueName('collector');
  const [good, bad] = [new URL(broker.url), new URL(broker.url)];
  good.username = bad.username = user;
  good.password = password;
  bad.password = credentials.token('wrong password of RabbitMQ');
  return {
    urls: `${bad.href},${good.href}`,
    admit: async (): Promise<void> => {
      await putUser(user, password);
      await broker.grant(user);
    },
  };
}

async function newKey(scope: Scope, dataDir: string, credentials: Canaries): Promise<string> {
  return credentials.alias(`API key with the scope ${scope}`, await makeKey(dataDir, scope));
}
