import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, startProcess, tempDir, type Exit } from './processes.ts';
import { toolPath } from './tools.ts';
import { answersOk } from './wait-for.ts';

/** The real OpenTelemetry Collector, running. */
export interface OtelCollector extends AsyncDisposable {
  /** URL of its OTLP/HTTP receiver. */
  readonly url: string;
  readonly pid: number;
  /** Its own directory for logs to read, offsets and queues. */
  readonly dir: string;
  output(): string;
  /** Keeps its directory. */
  kill(signal?: NodeJS.Signals): Promise<Exit>;
  /** Starts it again after `kill`, on the same ports and directory. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface Facts {
  readonly dir: string;
  readonly otlpPort: number;
  readonly healthPort: number;
}

interface Run {
  readonly args: readonly string[];
  /** A file that it sees as /etc/hosts. */
  readonly hosts?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Starts the Collector and waits until its health check answers.
 *
 * @param howToRun called for each start
 * @throws Error with the Collector's output if it does not come up
 */
async function run(howToRun: (facts: Facts) => Promise<Run>): Promise<OtelCollector> {
  const temp = await tempDir('otelcol');
  const facts = { dir: temp.path, otlpPort: await freePort(), healthPort: await freePort() };
  const begin = async () => {
    const { args, env = {}, hosts } = await howToRun(facts);
    const command = [toolPath('otelcol'), ...args];
    const [program = '', ...its] = hosts === undefined ? command : [...withHosts(hosts), ...command];
    return startProcess(program, its, {
      cwd: temp.path,
      env,
      ready: () => answersOk(`http://127.0.0.1:${facts.healthPort}`),
    });
  };
  let running = await begin().catch(async (error: unknown) => {
    await temp.remove();
    throw error;
  });
  const stop = async (): Promise<void> => {
    await running.kill();
    await temp.remove();
  };
  return {
    url: `http://127.0.0.1:${facts.otlpPort}`,
    get pid() {
      return running.pid;
    },
    dir: temp.path,
    output: () => running.output(),
    kill: (signal) => running.kill(signal),
    start: async () => {
      running = await begin();
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** A command prefix that runs the rest in the same process, with its own mounts. */
const withHosts = (file: string): readonly string[] =>
  ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', file]; // prettier-ignore

/** A Collector configuration, as in its YAML. */
export interface CollectorConfig {
  readonly receivers: Readonly<Record<string, unknown>>;
  readonly processors?: Readonly<Record<string, unknown>>;
  readonly exporters: Readonly<Record<string, unknown>>;
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly service: {
    readonly extensions?: readonly string[];
    readonly pipelines: Readonly<Record<string, { receivers: string[]; processors?: string[]; exporters: string[] }>>;
    readonly telemetry?: unknown;
  };
}

/**
 * Starts the Collector with the caller's configuration.
 *
 * @param config built from the port of its OTLP/HTTP receiver and its directory; the health check, and a
 *   `service::telemetry` that keeps it off fixed ports, are added
 */
export function startOtelCollector(
  config: (facts: Pick<Facts, 'dir' | 'otlpPort'>) => CollectorConfig,
): Promise<OtelCollector> {
  return run(async (facts) => {
    const { service, extensions, ...components } = config(facts);
    const file = join(facts.dir, 'config.yaml');
    // JSON is valid YAML.
    const text = JSON.stringify({
      ...components,
      extensions: { ...extensions, health_check: { endpoint: `127.0.0.1:${facts.healthPort}` } },
      service: {
        telemetry: { metrics: { level: 'none' } },
        ...service,
        extensions: [...(service.extensions ?? []), 'health_check'],
      },
    });
    await writeFile(file, text);
    return { args: ['--config', file] };
  });
}

/** A Collector with the shipped configuration. */
export interface ShippedOtelCollector extends OtelCollector {
  readonly metricsUrl: string;
}

export interface ShippedOptions {
  /** Values of its documented variables, read at each start; ports and the data directory are set. */
  readonly env: () => Readonly<Record<string, string>>;
  /** Further shipped files after collector.yaml; a function is called at each start. */
  readonly with?: readonly ShippedFile[] | (() => readonly ShippedFile[]);
  /** A file that it sees as /etc/hosts. @default the machine's */
  readonly hosts?: string;
  /** Paths of further files, after the shipped ones. */
  readonly others?: readonly string[];
}

/**
 * collector-combined.yaml: NGINX's stock log format. The others send to several collectors: by a list, with a fourth, and by
 * DNS name.
 */
export type ShippedFile = 'collector-combined.yaml' | 'collectors.yaml' | 'collectors-4.yaml' | 'collectors-dns.yaml';

const GATES = '--feature-gates=stanza.synchronousLogEmitter';

const shippedArgs = (files: readonly ShippedFile[]): readonly string[] => [
  ...['collector.yaml', ...files].flatMap((name) => [
    '--config',
    fileURLToPath(new URL(`../../otel-config/${name}`, import.meta.url)),
  ]),
  GATES,
];

const configs = (paths: readonly string[]): readonly string[] => paths.flatMap((path) => ['--config', path]);

/** The shipped file for collectors behind one name, with the line in its comment that asks Kubernetes' API instead of DNS. */
export async function byKubernetes(namespace = 'NAMESPACE', port = 4317): Promise<string> {
  const shipped = await readFile(new URL('../../otel-config/collectors-dns.yaml', import.meta.url), 'utf8');
  const [, line = ''] = /^ *# +(k8s: .*)$/m.exec(shipped) ?? [];
  const ours = line.replace('NAMESPACE', namespace).replace('4317', String(port));
  return shipped.replace(/ dns:\n(?: {8}.*\n)+/, ` ${ours}\n`);
}

/** Starts the Collector with the shipped configuration; `dir` holds its offsets and queues. */
export async function startShippedOtelCollector(options: ShippedOptions): Promise<ShippedOtelCollector> {
  const { env, with: files = [], hosts, others = [] } = options;
  const filesNow = typeof files === 'function' ? files : () => files;
  const [grpc, metrics] = [await freePort(), await freePort()];
  const lanes = [await freePort(), await freePort(), await freePort(), await freePort()];
  const collector = await run(({ dir, otlpPort, healthPort }) =>
    Promise.resolve({
      args: [...shippedArgs(filesNow()), ...configs(others)],
      hosts,
      env: {
        OTELCOL_DATA_DIR: dir,
        OTELCOL_GRPC_PORT: String(grpc),
        OTELCOL_HTTP_PORT: String(otlpPort),
        OTELCOL_HEALTH_PORT: String(healthPort),
        OTELCOL_METRICS_PORT: String(metrics),
        ...Object.fromEntries(lanes.map((port, index) => [`OTELCOL_LANE_${index + 1}_PORT`, String(port)])),
        ...env(),
      },
    }),
  );
  return Object.assign(collector, { metricsUrl: `http://127.0.0.1:${metrics}/metrics` });
}

/**
 * Makes the Collector check the shipped configuration.
 *
 * @param others paths of files that follow those
 * @returns its output: empty if it accepts the configuration
 * @throws Error with its objections
 */
export async function validateShipped(
  files: readonly ShippedFile[],
  env: Readonly<Record<string, string>> = {},
  others: readonly string[] = [],
): Promise<string> {
  const args = ['validate', ...shippedArgs(files), ...configs(others)];
  const { stdout, stderr } = await promisify(execFile)(toolPath('otelcol'), args, { env: { ...process.env, ...env } });
  return stdout + stderr;
}
