import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { SETTINGS } from '../../collector/config.ts';
import { PROXY_FLAGS } from '../../proxy/flags.ts';
import { loadMonitorConfig } from '../../monitor/config/load.ts';
import { SINKS } from '../../sinks/registry.ts';
import { loadSinks } from '../../sinks/settings/load.ts';
import { loadProcessSettings } from '../../sinks/settings/process.ts';
import { usageSettings } from '../../usage/ask/settings.ts';

const path = (name: string): URL => new URL(`../../${name}`, import.meta.url);
const read = (name: string): string => readFileSync(path(name), 'utf8');

const serviceFormat = z.object({
  image: z.string(),
  build: z.object({ context: z.string(), target: z.string() }).optional(),
  profiles: z.array(z.string()).optional(),
  restart: z.string(),
  command: z.union([z.string(), z.array(z.string())]).optional(),
  entrypoint: z.array(z.string()).optional(),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), z.unknown())]).optional(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  env_file: z.array(z.string()).optional(),
  mem_limit: z.string(),
  read_only: z.boolean().default(false),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
});
const COMPOSE = read('docker-compose.yml');
const compose = z
  .object({ services: z.record(z.string(), serviceFormat), volumes: z.record(z.string(), z.null()) })
  .parse(parse(COMPOSE, { merge: true }));
const services = Object.entries(compose.services);
const dockerfile = read('Dockerfile');

function service(name: string): z.infer<typeof serviceFormat> {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}
/** As docker-compose reads it if no variable is set. */
const defaulted = (text: string): string => text.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1').replaceAll(/\$\{\w+:\?[^}]*\}/g, 'set'); // prettier-ignore

/** Variables that a configuration file reads, with their defaults. */
const variablesOf = (text: string): Map<string, string> =>
  new Map([...text.matchAll(/\$\{env:(\w+)(?::-([^}]*))?\}/g)].map(([, name = '', value = '']) => [name, value]));
const otelConfig = read('otel-config/collector.yaml');
const otelVariables = variablesOf(otelConfig);

describe('every service', () => {
  test.each(services)('%s has limits, restarts, and has a fixed version', (name, one) => {
    expect(one.mem_limit).toMatch(/^\d+[mg]$/);
    expect(one.restart).toBe(name === 'otel-collector-volume' ? 'no' : 'unless-stopped');
    expect(one.image).toMatch(/:[\w.-]*\d/);
  });

  test.each(services)('%s names only existing services, volumes and files', (_name, one) => {
    const needed = Array.isArray(one.depends_on) ? one.depends_on : Object.keys(one.depends_on ?? {});
    expect(needed.filter((other) => compose.services[other] === undefined)).toEqual([]);
    for (const volume of one.volumes) {
      const [source = ''] = defaulted(volume).split(':');
      const isThere = source.startsWith('./') ? existsSync(path(source)) : Object.hasOwn(compose.volumes, source);
      expect([source, isThere]).toEqual([source, true]);
    }
  });
});

test('the collector has memory for itself and for the process that counts usage, in Compose and in Kubernetes', () => {
  // That process takes the memory of its store, and about as much beside it (bench: usage-memory).
  const store = usageSettings.USAGE_MEMORY_BYTES.parse(undefined);
  const needed = 2 * store + 512 * 1024 ** 2;
  const values = z
    .object({ collector: z.object({ resources: z.object({ limits: z.object({ memory: z.string() }) }) }) })
    .parse(parse(read('deploy/helm/clowder-otel/values.yaml')));
  for (const limit of [service('collector').mem_limit, values.collector.resources.limits.memory]) {
    const [, amount = '', unit = ''] = /^(\d+)([mg])i?$/i.exec(limit) ?? [];
    expect(Number(amount) * 1024 ** (unit.toLowerCase() === 'g' ? 3 : 2)).toBeGreaterThanOrEqual(needed);
  }
});

test("every program of ours starts by the image's entry point", () => {
  const ours = services.filter(([, one]) => one.build?.target === 'clowder-otel');
  expect(ours.map(([name]) => name).toSorted()).toEqual(['collector', 'monitor', 'proxy', 'sinks']);
  expect(ours.map(([, one]) => one.entrypoint)).toEqual(ours.map(() => undefined));
});

test('a Clowder of ours starts only if its profile is requested', () => {
  const profiles = Map.groupBy(services, ([, one]) => one.profiles?.join() ?? '');
  expect(new Set(profiles.keys())).toEqual(new Set(['', 'monitor', 'sinks', 'demo', 'clowder-v1', 'clowder-v2']));
  expect(
    profiles
      .get('')
      ?.map(([name]) => name)
      .toSorted(),
  ).toEqual(['collector', 'jaeger', 'nginx', 'otel-collector', 'otel-collector-volume', 'proxy', 'rabbitmq']);
});

test('no volume is declared without a service that uses it', () => {
  const used = new Set(services.flatMap(([, one]) => one.volumes.map((volume) => volume.split(':')[0])));
  expect(Object.keys(compose.volumes).filter((name) => !used.has(name))).toEqual([]);
});

test('ports are open only to this machine, except the one for clients', () => {
  const open = services.flatMap(([, one]) => one.ports).filter((port) => !port.startsWith('127.0.0.1:'));
  expect(open).toEqual(['${HTTP_PORT:-80}:80']);
});

test('no secret has a default, and those that the main services need must be set', () => {
  const needed = ['RABBITMQ_PASSWORD', 'CLOWDER_OTEL_API_KEY'];
  const secrets = [...COMPOSE.matchAll(/\$\{(\w*(?:PASSWORD|KEY|SECRET))(:[-?])([^}]*)\}/g)];
  expect(secrets.map(([, name]) => name)).toEqual(expect.arrayContaining(needed));
  for (const [, name = '', how, text] of secrets) {
    if (needed.includes(name)) expect(how).toBe(':?');
    else expect([name, how, text]).toEqual([name, ':-', '']);
  }
  for (const [name, one] of services)
    for (const [variable, value] of Object.entries(one.environment))
      if (/PASS|SECRET|API_KEY/.test(variable)) expect(`${name} ${variable} ${value}`).toMatch(/ \$\{/);
});

test('.env.example has every variable that is read without a default', () => {
  const asked = [...COMPOSE.matchAll(/\$\{(\w+)(?::\?[^}]*|:-)\}/g)].map(([, name]) => name);
  const offered = [...read('.env.example').matchAll(/^(\w+)=/gm)].map(([, name]) => name);
  expect([...new Set(asked)].filter((name) => !offered.includes(name))).toEqual([]);
  expect(offered.filter((name) => !COMPOSE.includes(`\${${name}:`))).toEqual([]);
});

describe('the monitor', () => {
  const one = service('monitor');
  const environment = Object.fromEntries(Object.entries(one.environment).map(([name, value]) => [name, defaulted(value)])); // prettier-ignore
  const [file = '', mounted = ''] = defaulted(one.volumes[0] ?? '').split(':');
  const config = loadMonitorConfig(fileURLToPath(path(file)), environment);

  test('runs the mounted file, with every variable that it gets', () => {
    expect(one.command).toEqual(['monitor', '--config', mounted]);
    expect(config.probes.map((probe) => 'url' in probe && probe.url)).toEqual([
      environment['CLOWDER_URL'],
      environment['AMQP_URL'],
    ]);
    const { SPOOL_DIR, MONITOR_ADMIN, OTEL_EXPORTER_OTLP_ENDPOINT, ...others } = environment;
    expect(config.spoolDir).toBe(SPOOL_DIR);
    expect(`${config.admin?.host}:${config.admin?.port}`).toBe(MONITOR_ADMIN);
    expect(OTEL_EXPORTER_OTLP_ENDPOINT).toBe(service('proxy').environment['OTEL_EXPORTER_OTLP_ENDPOINT']);
    expect(Object.keys(others).toSorted()).toEqual(['AMQP_URL', 'CLOWDER_URL']);
  });

  test('has a health check if it listens, and keeps its readings in a volume that it may write to', () => {
    expect(one.healthcheck?.test.join()).toContain(`http://${environment['MONITOR_ADMIN']}/healthz`);
    expect(one.volumes).toContain(`monitor:${config.spoolDir}`);
    expect(dockerfile).toMatch(new RegExp(`chown node:node.* ${config.spoolDir}( |\\n)`));
    expect(one.read_only).toBe(true);
  });
});

describe('the sinks', () => {
  const one = service('sinks');
  const loaded = (environment: Readonly<Record<string, string>>) => {
    const ofProcess = loadProcessSettings(environment, {});
    const { sinks, problems } = loadSinks({ definitions: SINKS, environment, section: {}, canHash: true });
    return { settings: ofProcess.settings, sinks, problems: [...ofProcess.problems, ...problems] };
  };

  test('run the archive without changes, with every variable that they get', () => {
    const { settings, sinks, problems } = loaded(one.environment);
    const { AMQP_URL, SINK_ADMIN, SINK_FILE_DIRECTORY, ...others } = one.environment;
    expect([one.command, others, problems]).toEqual([['sink'], {}, []]);
    expect(settings?.AMQP_URL).toBe(AMQP_URL);
    expect(`${settings?.SINK_ADMIN?.host}:${settings?.SINK_ADMIN?.port}`).toBe(SINK_ADMIN);
    expect(sinks).toMatchObject([{ definition: { name: 'file' }, config: { directory: SINK_FILE_DIRECTORY } }]);
  });

  test('are offered only variables that they know', () => {
    const file = read(defaulted(one.env_file?.[0] ?? ''));
    const offered = [...file.matchAll(/^#(\w+)=$/gm)].map(([, name = '']) => name);
    const known = new Set([...SINKS.flatMap(({ variables }) => Object.keys(variables)), 'SINK_HASH_SECRET']);
    expect(offered.length).toBeGreaterThan(3);
    expect(offered.filter((name) => !known.has(name))).toEqual([]);
    // None is set, so no sink sends anything without a setting.
    expect(file).not.toMatch(/^\w/m);
  });

  test('have a health check where they listen, and keep the archive in a volume that they may write to', () => {
    const { SINK_ADMIN, SINK_FILE_DIRECTORY = '' } = one.environment;
    expect(one.healthcheck?.test.join()).toContain(`http://${SINK_ADMIN}/healthz`);
    expect(one.volumes).toEqual([`sinks:${SINK_FILE_DIRECTORY}`]);
    expect(dockerfile).toMatch(new RegExp(`chown node:node.* ${SINK_FILE_DIRECTORY}( |\\n)`));
    expect(one.read_only).toBe(true);
  });
});

describe('a Clowder that starts with the stack', () => {
  test.each([
    [{ CLOWDER_SECRET: 's', CLOWDER_KEY: 'k' }, 127],
    [{ CLOWDER_SECRET: 's', CLOWDER_KEY: '' }, 1],
    [{ CLOWDER_SECRET: '', CLOWDER_KEY: 'k' }, 1],
  ])('of version 1 does not start with an empty secret: %j', (env, status) => {
    const [program = '', ...args] = z.array(z.string()).parse(service('clowder-v1').command);
    const words = args.map((word) => word.replaceAll('$$', '$'));
    // Clowder itself is missing here, which gives 127.
    expect(spawnSync(program, words, { env: { PATH: process.env['PATH'], ...env } }).status).toBe(status);
  });

  test('of version 2 has its realm imported, with the client and the addresses that its backend names', () => {
    const keycloak = service('keycloak');
    const backend = service('clowder2-backend').environment;
    expect(keycloak.command).toContain('--import-realm');
    expect(keycloak.volumes).toEqual(['./deploy/clowder-v2/realm.json:/opt/keycloak/data/import/realm.json:ro']);
    const text = read('deploy/clowder-v2/realm.json');
    const named = new Set([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name));
    expect([...named].filter((name) => keycloak.environment[name] === undefined)).toEqual([]);
    const realm: unknown = JSON.parse(text.replaceAll(/\$\{(\w+)\}/g, (_all, name: string) => keycloak.environment[name] ?? '')); // prettier-ignore
    expect(realm).toMatchObject({
      realm: backend['auth_realm'],
      enabled: true,
      attributes: { frontendUrl: `${backend['auth_base']}/keycloak` },
      clients: [{ clientId: backend['auth_client_id'], enabled: true, redirectUris: [backend['auth_redirect_uri']] }],
    });
    for (const url of ['auth_url', 'auth_register_url', 'auth_token_url', 'oauth2_scheme_auth_url'])
      expect(backend[url]).toContain(`/keycloak/realms/${backend['auth_realm']}/protocol/openid-connect/`);
  });
});

describe('our programs', () => {
  const known = new Set<string>([
    ...SETTINGS.map(({ name }) => name),
    ...PROXY_FLAGS.map(({ setting }) => setting),
    'OTEL_EXPORTER_OTLP_ENDPOINT',
  ]);

  test.each(['collector', 'proxy'])('%s gets only settings that it has, and may write only where it must', (name) => {
    const one = service(name);
    expect(Object.keys(one.environment).filter((variable) => !known.has(variable))).toEqual([]);
    expect(one.read_only).toBe(true);
    expect(one.healthcheck).toBeDefined();
  });

  test('the proxy runs with flags that it has', () => {
    const command = service('proxy').command;
    if (!Array.isArray(command)) throw new Error('the command of the proxy is not a list');
    const flags = new Set(PROXY_FLAGS.map(({ flag }) => flag.split(' ')[0]));
    expect(command[0]).toBe('proxy');
    expect(command.filter((word) => word.startsWith('--') && !flags.has(word))).toEqual([]);
  });

  test('the journal is where the image allows writing it', () => {
    const { DATA_DIR = '' } = service('collector').environment;
    expect(service('collector').volumes).toEqual([`journal:${DATA_DIR}`]);
    expect(dockerfile).toContain(`DATA_DIR=${DATA_DIR}`);
    expect(dockerfile).toMatch(new RegExp(`chown node:node.* ${DATA_DIR}( |\\n)`));
  });

  test('each finds the others where they listen', () => {
    const [proxy, collector, nginx] = [service('proxy'), service('collector'), service('nginx')];
    const otel = service('otel-collector').environment;
    expect(nginx.environment['CLOWDER_UPSTREAM']).toBe('proxy:8000');
    expect(proxy.environment['PROXY_LISTEN']).toBe('0.0.0.0:8000');
    expect(proxy.environment['OTEL_EXPORTER_OTLP_ENDPOINT']).toBe(
      `http://otel-collector:${otelVariables.get('OTELCOL_HTTP_PORT')}`,
    );
    expect(otel['CLOWDER_OTEL_URL']).toBe(`http://collector:${collector.environment['PORT']}`);
    expect(otel['JAEGER_OTLP_URL']).toBe(`http://jaeger:${service('jaeger').environment['JAEGER_OTLP_PORT']}`);
    expect(defaulted(collector.environment['AMQP_URL'] ?? '')).toBe('amqp://clowder-otel:set@rabbitmq:5672/%2F');
    expect(defaulted(service('rabbitmq').environment['RABBITMQ_DEFAULT_USER'] ?? '')).toBe('clowder-otel');
    expect(proxy.healthcheck?.test.join()).toContain(proxy.environment['PROXY_ADMIN']);
    expect(collector.healthcheck?.test.join()).toContain(`:${collector.environment['PORT']}/healthz`);
    expect(dockerfile).toContain(`:${collector.environment['PORT']}/healthz`);
  });

  test('extractors use the proxy', () => {
    expect(service('clowder-v1').environment['RABBITMQ_CLOWDERURL']).toBe('http://proxy:8000');
    expect(service('clowder2-backend').environment['API_HOST']).toBe('http://proxy:8000');
  });
});

describe('NGINX', () => {
  const template = read('otel-config/nginx/templates/clowder.conf.template');

  test('gets every variable of its template, and no others', () => {
    const named = new Set([...template.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => name));
    expect(new Set(Object.keys(service('nginx').environment))).toEqual(named);
  });

  test('finds every file that it includes, and writes only where it may', () => {
    const { volumes, environment } = service('nginx');
    const mounted = volumes.map((volume) => volume.split(':')[1]);
    for (const [, file = ''] of `${read('otel-config/nginx/nginx.conf')}${template}`.matchAll(
      /^\s*include ([\w.-]+);/gm,
    ))
      expect(mounted).toContain(`/etc/nginx/${file}`);
    expect(mounted).toContain(environment['NGINX_LOG_DIR']);
    expect(COMPOSE).toContain(`tmpfs: [/etc/nginx/conf.d, ${environment['NGINX_CACHE_DIR']}, /run, /tmp]`);
    expect(service('nginx').healthcheck?.test.join()).toContain(`:${environment['NGINX_STATUS_PORT']}/stub_status`);
  });
});

describe('the OTel Collector', () => {
  const one = service('otel-collector');

  test('gets variables that its configuration reads', () => {
    expect(Object.keys(one.environment).filter((name) => !otelVariables.has(name))).toEqual([]);
  });

  test('reads the log that NGINX writes, and keeps offsets and queues in a volume that it may write to', () => {
    expect(one.volumes).toContain(`nginx-log:${one.environment['NGINX_LOG_DIR']}:ro`);
    expect(service('nginx').volumes).toContain(`nginx-log:${service('nginx').environment['NGINX_LOG_DIR']}`);
    expect(one.volumes).toContain(`otelcol:${one.environment['OTELCOL_DATA_DIR']}`);
    expect(service('otel-collector-volume').volumes).toContain(`otelcol:${one.environment['OTELCOL_DATA_DIR']}`);
  });

  test('runs the mounted file, with the feature gate that the file needs', () => {
    expect(one.command).toContain('/etc/otelcol/collector.yaml');
    expect(one.volumes).toContain('./otel-config/collector.yaml:/etc/otelcol/collector.yaml:ro');
    const gate = /--feature-gates=\S+/.exec(otelConfig)?.[0];
    expect(one.command).toContain(gate);
  });
});

describe('the image', () => {
  test('is built from files that the repository has and .dockerignore allows', () => {
    const admitted = read('.dockerignore').split('\n').filter((line) => line.startsWith('!')).map((line) => line.slice(1)); // prettier-ignore
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    expect(copied.length).toBeGreaterThan(8);
    for (const name of copied) {
      expect([name, existsSync(path(name))]).toEqual([name, true]);
      expect(admitted).toContain(name);
    }
  });

  test('has the Node version of package.json, runs as node, and gets its signals without a shell', () => {
    const { devDependencies } = z
      .object({ devDependencies: z.object({ node: z.string() }) })
      .parse(JSON.parse(read('package.json')));
    const bases = [...dockerfile.matchAll(/^FROM node:([\d.]+)-/gm)].map(([, version]) => version);
    expect(new Set(bases)).toEqual(new Set([devDependencies.node.replace('^', '')]));
    const final = dockerfile.slice(dockerfile.lastIndexOf('FROM '));
    expect(final).toContain('\nUSER node\n');
    expect(final).toMatch(/\nENTRYPOINT \["node", .*"\/app\/dist\/cli\/main\.js"\]\nCMD \["collector"\]/);
    for (const [, one] of services.filter(([, { build }]) => build !== undefined))
      expect(dockerfile).toContain(` AS ${one.build?.target}\n`);
  });
});
