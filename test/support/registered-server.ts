import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { attributesOf, type OtlpSink } from './otlp-sink.ts';
import { packedPackage } from '../../tools/packed-package.ts';
import { startProcess, type RunningProcess } from './processes.ts';
import { waitFor } from './wait-for.ts';

export const FILE = '5f1e00000000000000000001';
export const DATASET = '5f1e00000000000000000002';

const SERVERS = fileURLToPath(new URL('../fixtures/servers', import.meta.url));

/** As a user starts a program, in the directory where the package is installed. */
export const PRELOAD = ['--import', 'clowder-otel/register'];

export interface RegisteredServerOptions {
  /** How to load the preload, by its published name; 'none' runs the program without it. @default '--import' */
  readonly by?: '--import' | '--require' | 'none';
  /** Receiver of the telemetry: OTLP/HTTP with JSON. */
  readonly sink?: string;
  /** Where a proxy among the servers forwards to. */
  readonly target?: string;
  /** Modules to preload before ours. */
  readonly before?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface RegisteredServer extends RunningProcess {
  readonly url: string;
  readonly port: number;
}

/** Starts a program in test/fixtures/servers as its user would, with `clowder-otel/register` preloaded. */
export async function startRegistered(file: string, options: RegisteredServerOptions = {}): Promise<RegisteredServer> {
  const { by = '--import', before = [], env = {}, sink = 'http://127.0.0.1:9', target } = options;
  const args = [
    ...before.flatMap((module) => ['--import', `${SERVERS}/${module}`]),
    ...(by === 'none' ? [] : [by, 'clowder-otel/register']),
    `${SERVERS}/${file}`,
  ];
  const running = await startProcess(process.execPath, args, {
    cwd: packedPackage().home,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: sink,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      CLOWDER_VERSION: 'v1',
      ...(target !== undefined && { TARGET: target }),
      // Continue traces from this host, so tests can find what a request caused.
      TRUSTED_PROXIES: '127.0.0.1',
      ...env,
    },
    ready: (output) => output.includes('listening on '),
  });
  const port = Number(/listening on (\d+)/.exec(running.output())?.[1]);
  return { ...running, port, url: `http://127.0.0.1:${port}` };
}

const SERVER_KIND = 2;

/** A new trace of a caller, and its header. */
export const traceparent = (sampled = true): { traceId: string; header: string } => {
  const traceId = randomBytes(16).toString('hex');
  return { traceId, header: `00-${traceId}-${randomBytes(8).toString('hex')}-${sampled ? '01' : '00'}` };
};

/** The telemetry of one request. */
export interface Seen {
  readonly name: string;
  readonly parent: string;
  readonly span: Record<string, string>;
  readonly events: readonly { readonly name: string; readonly attributes: Record<string, string> }[];
}

/**
 * The only server span of a trace, and the events in its context, without ports, which vary.
 *
 * @throws Error if they do not arrive, or there is more than one span
 */
export async function seen(sink: OtlpSink, traceId: string): Promise<Seen> {
  const { span, logs } = await waitFor(
    () => {
      const trace = sink.trace(traceId);
      const servers = trace.spans.filter(({ kind }) => kind === SERVER_KIND);
      if (servers.length > 1) throw new Error('more than one server span');
      return servers[0] !== undefined && trace.logs.length > 0 && { span: servers[0], logs: trace.logs };
    },
    { what: `the span and an event of ${traceId}` },
  );
  if (logs.some(({ spanId }) => spanId !== span.spanId)) throw new Error('an event is not in the context of the span');
  return {
    name: span.name,
    parent: span.parentSpanId ?? '',
    span: withoutPorts(attributesOf(span.attributes)),
    events: logs.map((log) => ({
      name: log.eventName ?? '',
      attributes: withoutPorts(attributesOf(log.attributes)),
    })),
  };
}

const withoutPorts = (attributes: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => !name.endsWith('.port'))
      .map(([name, value]) => [name, value.replace(/(?<=127\.0\.0\.1):\d+/, '')]),
  );

function uploadBody(): FormData {
  const form = new FormData();
  form.append('File', new Blob(['hello, world'], { type: 'text/plain' }), 'hello.txt');
  return form;
}

/** Uploads a file of twelve bytes, with a key that must not appear anywhere. */
export async function upload({ url }: RegisteredServer, header: string): Promise<Response> {
  return fetch(`${url}/api/uploadToDataset/${DATASET}?key=CANARY`, {
    method: 'POST',
    body: uploadBody(),
    headers: { traceparent: header, 'user-agent': 'curl/8.5' },
  });
}
