import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, globSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ACTIONLINT_VERSION, buildActionlint } from './build-actionlint.ts';
import { buildGoSender } from './build-go-sender.ts';
import { buildHelm, HELM_VERSION } from './build-helm.ts';
import { buildJaeger, JAEGER_VERSION } from './build-jaeger.ts';
import { buildCollector } from './build-otelcol.ts';

/** What needs the tool: the integration tests or the benchmark. */
export type Purpose = 'test' | 'bench';

/** A program (or Python module) that tests or the benchmark need and npm does not install. */
export interface TestTool {
  readonly name: string;
  readonly neededBy: readonly Purpose[];
  /** The tool's path, or undefined if it is missing. Quick: it runs before every test. */
  readonly find: () => string | undefined;
  readonly get: { readonly apt: string } | { readonly build: (log: string) => void; readonly takes: string };
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Directory for the tools that we build: git-ignored, safe to delete. */
export const TOOLS_DIR = join(ROOT, '.cache', 'tools');
/** Debian's own Python, which apt's modules are for; it may not be the first on PATH. */
export const PYTHON = '/usr/bin/python3';

const MANIFEST = fileURLToPath(new URL('../otel-config/builder.yaml', import.meta.url));

const GO_SENDER = fileURLToPath(new URL('../test/fixtures/go-sender/', import.meta.url));
const GO_SENDER_BUILD = fileURLToPath(new URL('build-go-sender.ts', import.meta.url));

/** Path of a program that we build. Its name includes a hash of its sources, so that other sources give another program. */
function builtPath(name: string, ...sources: readonly string[]): string {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(readFileSync(source));
  return join(TOOLS_DIR, `${name}-${hash.digest('hex').slice(0, 12)}`);
}

const collectorPath = (): string => builtPath('otelcol', MANIFEST);
const goSenderPath = (): string =>
  builtPath('go-sender', join(GO_SENDER, 'main.go'), join(GO_SENDER, 'load.go'), GO_SENDER_BUILD);

export const HELM_PATH = join(TOOLS_DIR, `helm-${HELM_VERSION}`);
const ACTIONLINT_PATH = join(TOOLS_DIR, `actionlint-${ACTIONLINT_VERSION}`);
const JAEGER_PATH = join(TOOLS_DIR, `jaeger-${JAEGER_VERSION}`);

/** Each tool: who needs it, how to find it, where to get it. */
export const TEST_TOOLS = {
  rabbitmq: {
    name: 'RabbitMQ',
    neededBy: ['test', 'bench'],
    find: () => program('/usr/lib/rabbitmq/bin/rabbitmq-server'),
    get: { apt: 'rabbitmq-server' },
  },
  otelcol: {
    name: 'OpenTelemetry Collector',
    neededBy: ['test', 'bench'],
    find: () => program(collectorPath()),
    get: { build: (log) => buildCollector(MANIFEST, collectorPath(), log), takes: 'about 3 minutes, once' },
  },
  nginx: {
    name: 'NGINX',
    neededBy: ['test'],
    find: () => program('/usr/sbin/nginx', 'nginx'),
    get: { apt: 'nginx' },
  },
  logrotate: {
    name: 'logrotate',
    neededBy: ['test'],
    find: () => program('/usr/sbin/logrotate', 'logrotate'),
    get: { apt: 'logrotate' },
  },
  jaeger: {
    name: 'Jaeger',
    neededBy: ['test'],
    find: () => program(JAEGER_PATH),
    get: { build: (log) => buildJaeger(JAEGER_PATH, log), takes: 'about 5 minutes, once' },
  },
  helm: {
    name: 'Helm',
    neededBy: ['test'],
    find: () => program(HELM_PATH),
    get: { build: (log) => buildHelm(HELM_PATH, log), takes: 'about 4 minutes, once' },
  },
  actionlint: {
    name: 'actionlint',
    neededBy: ['test'],
    find: () => program(ACTIONLINT_PATH),
    get: { build: (log) => buildActionlint(ACTIONLINT_PATH, log), takes: 'about 1 minute, once' },
  },
  'go-sender': {
    name: 'server with the OpenTelemetry SDK of Go',
    neededBy: ['test', 'bench'],
    find: () => program(goSenderPath()),
    get: { build: (log) => buildGoSender(GO_SENDER, goSenderPath(), log), takes: 'about 1 minute, once' },
  },
  pika: {
    name: 'pika for Python',
    neededBy: ['test', 'bench'],
    find: () => pythonModule('pika'),
    get: { apt: 'python3-pika' },
  },
  postgresql: {
    name: 'PostgreSQL',
    neededBy: ['test'],
    // Debian puts the server's programs outside PATH, by version: the newest counts.
    find: () => program(...globSync('/usr/lib/postgresql/*/bin/postgres').toSorted().toReversed(), 'postgres'),
    get: { apt: 'postgresql' },
  },
  goaccess: {
    name: 'GoAccess',
    neededBy: ['bench'],
    find: () => program('/usr/bin/goaccess', 'goaccess'),
    get: { apt: 'goaccess' },
  },
  influxdb: {
    name: 'InfluxDB 1',
    neededBy: ['test'],
    find: () => program('/usr/bin/influxd', 'influxd'),
    get: { apt: 'influxdb' },
  },
  curl: {
    name: 'curl',
    neededBy: ['test'],
    find: () => program('curl'),
    get: { apt: 'curl' },
  },
  zsh: {
    name: 'zsh',
    neededBy: ['test'],
    find: () => program('zsh'),
    get: { apt: 'zsh' },
  },
  fish: {
    name: 'fish',
    neededBy: ['test'],
    find: () => program('fish'),
    get: { apt: 'fish' },
  },
  'systemd-analyze': {
    name: 'systemd-analyze',
    neededBy: ['test'],
    find: () => program('systemd-analyze'),
    get: { apt: 'systemd' },
  },
  'docker-compose': {
    name: 'docker-compose',
    neededBy: ['test'],
    find: () => program('docker-compose'),
    get: { apt: 'docker-compose' },
  },
  promtool: {
    name: 'promtool of Prometheus',
    neededBy: ['test'],
    find: () => program('/usr/bin/promtool', 'promtool'),
    get: { apt: 'prometheus' },
  },
  chromium: {
    name: 'Chromium',
    neededBy: ['test'],
    find: () => program('/usr/bin/chromium', 'chromium', 'chromium-browser', 'google-chrome'),
    get: { apt: 'chromium' },
  },
  flask: {
    name: 'Flask for Python',
    neededBy: ['bench'],
    find: () => pythonModule('flask'),
    get: { apt: 'python3-flask' },
  },
  gunicorn: {
    name: 'gunicorn',
    neededBy: ['bench'],
    find: () => program('/usr/bin/gunicorn', 'gunicorn'),
    get: { apt: 'gunicorn' },
  },
  wrk: {
    name: 'wrk',
    neededBy: ['bench'],
    find: () => program('wrk'),
    get: { apt: 'wrk' },
  },
} as const satisfies Record<string, TestTool>;

/** The first executable candidate: a path as it is, or a bare name anywhere on PATH. */
function program(...candidates: string[]): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  return candidates
    .flatMap((candidate) => (candidate.includes('/') ? [candidate] : directories.map((dir) => join(dir, candidate))))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function pythonModule(name: string): string | undefined {
  const script = `import importlib.util as util; print(util.find_spec('${name}').origin)`;
  const found = spawnSync(PYTHON, ['-c', script], { encoding: 'utf8' });
  return found.status === 0 ? found.stdout.trim() : undefined;
}
