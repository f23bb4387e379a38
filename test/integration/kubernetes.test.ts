import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { SETTINGS } from '../../collector/config.ts';
import { PROXY_FLAGS } from '../../proxy/flags.ts';
import { loadMonitorConfig } from '../../monitor/config/load.ts';
import { loadProcessSettings } from '../../sinks/settings/process.ts';
import { objectionsTo } from '../support/kubernetes-schemas.ts';
import { toolPath } from '../support/tools.ts';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const CHART = fileURLToPath(new URL('../../deploy/helm/clowder-otel', import.meta.url));
const BROKER = 'broker.url=amqp://u:p@rabbitmq:5672/%2F';

/** What the chart renders with these values, for a release called clowder-otel. */
function rendered(...values: readonly string[]): readonly unknown[] {
  const set = [BROKER, ...values].flatMap((value) => ['--set', value]);
  const text = execFileSync(toolPath('helm'), ['template', 'clowder-otel', CHART, ...set], { encoding: 'utf8' });
  return parseAllDocuments(text)
    .map((document): unknown => {
      const [error] = document.errors;
      if (error !== undefined) throw error;
      return document.toJS();
    })
    .filter((document) => document !== null);
}

const everything = rendered('monitor.enabled=true', 'sinks.enabled=true');
/** Everything that can be switched on. */
const more = rendered(
  'monitor.enabled=true', 'sinks.enabled=true', 'sinks.names={amplitude,ga4}', 'networkPolicy.enabled=true', 'broker.tlsSecret=b',
  'collector.grpcTlsSecret=g', 'proxy.tlsSecret=p', 'proxy.autoscaling.enabled=true', 'proxy.ingress.enabled=true',
  'proxy.ingress.host=clowder.example.org', 'proxy.ingress.tlsSecret=i', 'collector.env.JOURNAL_MAX_BYTES=2GiB', 'agent.enabled=false',
); // prettier-ignore

const reference = z.strictObject({ name: z.string(), key: z.string() });
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string(), port: z.string() }),
  periodSeconds: z.int().optional(),
  timeoutSeconds: z.int().optional(),
  failureThreshold: z.int().optional(),
});
const security = z.strictObject({
  runAsUser: z.int().optional(),
  allowPrivilegeEscalation: z.literal(false),
  readOnlyRootFilesystem: z.literal(true),
  capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
});
const container = z.strictObject({
  name: z.string(),
  image: z.string().regex(/:[\w.-]*\d/),
  args: z.array(z.string()),
  env: z.array(
    z.union([
      z.strictObject({ name: z.string(), value: z.string() }),
      z.strictObject({ name: z.string(), valueFrom: z.strictObject({ secretKeyRef: reference }) }),
    ]),
  ),
  envFrom: z
    .array(
      z.union([
        z.strictObject({ configMapRef: z.strictObject({ name: z.string() }) }),
        z.strictObject({ secretRef: z.strictObject({ name: z.string() }) }),
      ]),
    )
    .default([]),
  ports: z.array(z.strictObject({ name: z.string().max(15), containerPort: z.int() })),
  livenessProbe: probe,
  readinessProbe: probe.optional(),
  startupProbe: probe.optional(),
  resources: z.strictObject({
    requests: z.strictObject({ cpu: z.string(), memory: z.string() }),
    limits: z.strictObject({ memory: z.string() }),
  }),
  imagePullPolicy: z.string().optional(),
  securityContext: security,
  volumeMounts: z
    .array(z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() }))
    .default([]),
});
const workload = z.looseObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.enum(['StatefulSet', 'Deployment', 'DaemonSet']),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    replicas: z.int().optional(),
    serviceName: z.string().optional(),
    selector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.strictObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
      spec: z.looseObject({
        automountServiceAccountToken: z.literal(false),
        containers: z.tuple([container]),
        volumes: z.array(z.looseObject({ name: z.string() })).default([]),
      }),
    }),
    volumeClaimTemplates: z.array(z.looseObject({ metadata: z.strictObject({ name: z.string() }) })).default([]),
  }),
});
const service = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    selector: z.record(z.string(), z.string()),
    ports: z.array(z.strictObject({ name: z.string(), port: z.int(), targetPort: z.string() })),
  }),
});
const configMap = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata: z.looseObject({ name: z.string() }),
  data: z.record(z.string(), z.string()),
});
const kindOf = (one: unknown): string => z.looseObject({ kind: z.string() }).parse(one).kind;
const nameOf = (one: unknown): string => z.looseObject({ metadata: z.looseObject({ name: z.string() }) }).parse(one).metadata.name; // prettier-ignore
const ofKind = (...kinds: string[]): unknown[] => everything.filter((one) => kinds.includes(kindOf(one)));
const workloads = ofKind('StatefulSet', 'Deployment', 'DaemonSet').map((one) => workload.parse(one));
const services = ofKind('Service').map((one) => service.parse(one));
const configMaps = ofKind('ConfigMap').map((one) => configMap.parse(one));

describe("Kubernetes' own schemas", () => {
  test.each([...everything, ...more].map((one) => [`${kindOf(one)} ${nameOf(one)}`, one] as const))('accept %s', (_name, one) => {
    expect(objectionsTo(one)).toEqual([]);
  }); // prettier-ignore

  const pod = { name: 'a', image: 'b:1', ports: [{ containerPort: 1 }], resources: { limits: { memory: '1Gi' } } };
  const deployment = (changed: object, spec: object = {}) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'a', labels: { any: 'label' } },
    spec: { selector: {}, template: { spec: { containers: [{ ...pod, ...changed }] } }, ...spec },
  });

  test.each([
    ['nothing that is valid', deployment({}), /^$/],
    ['a field with another name', deployment({ livenesProbe: {} }), /containers\/0\/livenesProbe is a field that no schema/],
    ['a field in another place', { ...deployment({}), replicas: 1 }, /^\/replicas is a field that no schema knows$/],
    ['a value of another type', deployment({ ports: [{ containerPort: '80' }] }), /containerPort must be integer/],
    ['a quantity that is none', deployment({ resources: { limits: { memory: 'much' } } }), /match format "quantity"/],
    ['a field that is missing', deployment({}, { selector: undefined }), /must have required property selector/],
    ['a value that is not in the list', deployment({ imagePullPolicy: 'Sometimes' }), /imagePullPolicy must be equal to one/],
    ['an unknown kind', { apiVersion: 'v1', kind: 'Deployment' }, /^no schema is known for v1 Deployment$/],
  ])('object to %s', (_what, one, objection) => {
    expect(objectionsTo(one).join('\n')).toMatch(objection);
  }); // prettier-ignore
});

test('no object is of a kind that these tests ignore', () => {
  const ofSecrets = ofKind('Secret');
  expect(workloads.length + services.length + configMaps.length + ofSecrets.length).toBe(everything.length);
  const namesOf = (list: readonly { metadata: { name: string } }[]): readonly string[] =>
    list.map(({ metadata }) => metadata.name).toSorted();
  // Besides its own service, a workload may have one that gives its pods names.
  expect(namesOf(workloads)).toEqual(namesOf(services).filter((name) => !name.endsWith('-pods')));
});

describe.each(workloads.map((one) => [one.metadata.name, one] as const))('%s', (_name, { spec }) => {
  const { labels } = spec.template.metadata;
  const [one] = spec.template.spec.containers;
  const ports = one.ports.map(({ name }) => name);

  test('is selected by its own labels, and by a service whose ports it has', () => {
    expect(labels).toMatchObject(spec.selector.matchLabels);
    const found = services.find(({ spec: { selector } }) => JSON.stringify(selector) === JSON.stringify(labels));
    expect(ports).toEqual(
      expect.arrayContaining(found?.spec.ports.map(({ targetPort }) => targetPort) ?? ['a service']),
    );
  });

  test('is probed on ports that it has, and mounts volumes that it has', () => {
    for (const asked of [one.livenessProbe, one.readinessProbe, one.startupProbe])
      if (asked !== undefined) expect(ports).toContain(asked.httpGet.port);
    const volumes = [...spec.template.spec.volumes, ...spec.volumeClaimTemplates.map(({ metadata }) => metadata)];
    expect(volumes.map(({ name }) => name).toSorted()).toEqual(
      [...new Set(one.volumeMounts.map(({ name }) => name))].toSorted(),
    );
  });

  test('refers to its secrets, and has only settings that the program knows', () => {
    const given = one.env.map(({ name }) => name);
    for (const entry of one.env)
      if (/API_KEY|PASSWORD|AMQP_URL/.test(entry.name)) expect(entry).toHaveProperty('valueFrom');
    const shared = one.envFrom.flatMap((from) =>
      'secretRef' in from
        ? []
        : Object.keys(
            configMaps.find(({ metadata }) => metadata.name === from.configMapRef.name)?.data ?? { none: '' },
          ),
    );
    const known = new Set<string>([
      ...SETTINGS.map(({ name }) => name),
      ...PROXY_FLAGS.map(({ setting }) => setting),
      // Checked against the programs below.
      'CLOWDER_URL',
      'SPOOL_DIR',
      'MONITOR_ADMIN',
      'SINK_ADMIN',
      ...[...read('otel-config/collector.yaml').matchAll(/\$\{env:(\w+)/g)].map(([, name = '']) => name),
    ]);
    expect([...given, ...shared].filter((name) => !known.has(name))).toEqual([]);
  });
});

test('services are called by their real names and ports', () => {
  const urls = workloads.flatMap(({ spec }) => spec.template.spec.containers[0].env.flatMap((entry) => ('value' in entry ? [entry.value] : []))); // prettier-ignore
  const ours = new Set(urls.flatMap((url) => /^http:\/\/(clowder-otel-[a-z]+:\d+)$/.exec(url)?.[1] ?? []));
  expect(ours).toEqual(new Set(['clowder-otel-collector:4318', 'clowder-otel-agent:4319']));
  const offered = services.flatMap(({ metadata, spec }) => spec.ports.map(({ port }) => `${metadata.name}:${port}`));
  expect(offered).toEqual(expect.arrayContaining([...ours]));
});

test('the one journal has one collector, on a volume where the collector looks for it', () => {
  const collector = workloads.find(({ metadata }) => metadata.name === 'clowder-otel-collector');
  const [one] = collector?.spec.template.spec.containers ?? [];
  expect(collector?.kind).toBe('StatefulSet');
  expect(collector?.spec.replicas).toBe(1);
  // It gives each pod a name.
  expect(collector?.spec.serviceName).toBe('clowder-otel-collector-pods');
  expect(one?.env).toContainEqual({ name: 'DATA_DIR', value: '/var/lib/clowder-otel' });
  expect(one?.volumeMounts).toContainEqual({ name: 'journal', mountPath: '/var/lib/clowder-otel' });
});

/** A workload's container and the values of its variables. */
function containerOf(name: string) {
  const one = workloads.find(({ metadata }) => metadata.name === name)?.spec.template.spec.containers[0];
  if (one === undefined) throw new Error(`there is no workload ${name}`);
  return { ...one, values: Object.fromEntries(one.env.map((entry) => [entry.name, 'value' in entry ? entry.value : 'amqp://x'])) }; // prettier-ignore
}

test('the monitor reads its file where it is mounted, and listens and writes where it may', () => {
  const { args, values, ports, volumeMounts } = containerOf('clowder-otel-monitor');
  const config = loadMonitorConfig(fileURLToPath(new URL('../../deploy/monitor.yaml', import.meta.url)), values);
  expect(args).toEqual(['monitor', '--config', `${volumeMounts.find(({ name }) => name === 'config')?.mountPath}/monitor.yaml`]); // prettier-ignore
  expect(config.spoolDir).toBe(volumeMounts.find(({ name }) => name === 'spool')?.mountPath);
  expect(config.admin).toEqual({ host: '0.0.0.0', port: ports[0]?.containerPort });
});

test('the sinks listen where they are probed', () => {
  const { args, values, ports } = containerOf('clowder-otel-sinks');
  const { settings, problems } = loadProcessSettings(values, {});
  expect([args, problems]).toEqual([['sink'], []]);
  expect(settings?.SINK_ADMIN).toEqual({ host: '0.0.0.0', port: ports[0]?.containerPort });
});

describe('the chart', () => {
  const objects = JSON.stringify(everything);

  test('passes helm lint without a message', () => {
    const { status, stdout, stderr } = spawnSync(toolPath('helm'), ['lint', '--strict', '--quiet', '--set', BROKER, CHART], { encoding: 'utf8' }); // prettier-ignore
    expect({ status, said: `${stdout}${stderr}`.replaceAll(/^.*found symbolic link.*\n/gm, '') }).toEqual({
      status: 0,
      said: '',
    });
  });

  test('says what is missing if no broker is named, and which value is unknown', () => {
    const { stderr } = spawnSync(toolPath('helm'), ['template', 'x', CHART], { encoding: 'utf8' });
    expect(stderr).toMatch(/broker\.url is missing: set it to amqp:/);
    const wrong = spawnSync(
      toolPath('helm'),
      ['template', 'x', CHART, '--set', BROKER, '--set', 'clowder.version=v3'],
      { encoding: 'utf8' },
    );
    expect(wrong.stderr).toMatch(/version/);
  });

  test("makes every Secret and ConfigMap that it refers to, except the sinks' Secret, which the site makes", () => {
    const made = new Map(everything.map((one) => [`${kindOf(one)} ${nameOf(one)}`, JSON.stringify(one)]));
    const referred = [...objects.matchAll(/"secretKeyRef":\{"name":"([^"]+)","key":"([^"]+)"\}/g)];
    expect(referred.length).toBeGreaterThan(2);
    for (const [, name = '', key = ''] of referred) expect(made.get(`Secret ${name}`)).toContain(`"${key}":`);
    for (const [, name = ''] of objects.matchAll(/"config(?:MapRef|Map)":\{"name":"([^"]+)"\}/g))
      expect([...made.keys()]).toContain(`ConfigMap ${name}`);
    expect(read('docs/kubernetes.md')).toContain('a Secret `clowder-otel-sinks`');
  });

  test('uses the Secret of the site if one is named, and makes none', () => {
    const own = rendered('existingSecret=ours');
    expect(own.filter((one) => kindOf(one) === 'Secret')).toEqual([]);
    expect(JSON.stringify(own)).toContain('"secretKeyRef":{"name":"ours","key":"amqp-url"}');
  });

  test('makes the collector accept the key of its agents', () => {
    const fromSecret = { valueFrom: { secretKeyRef: { name: 'clowder-otel', key: 'api-key' } } };
    expect(objects).toContain(JSON.stringify({ name: 'CLOWDER_OTEL_FIRST_KEY', ...fromSecret }));
    expect(objects).toContain(JSON.stringify({ name: 'CLOWDER_OTEL_API_KEY', ...fromSecret }));
  });

  test('gives the OTel Collector and the monitor the files of the repository', () => {
    const dataOf = (name: string): Readonly<Record<string, string>> | undefined =>
      configMaps.find(({ metadata }) => metadata.name === name)?.data;
    expect(dataOf('clowder-otel-agent')).toEqual({ 'collector.yaml': read('otel-config/collector.yaml') });
    expect(dataOf('clowder-otel-monitor')).toEqual({ 'monitor.yaml': read('deploy/monitor.yaml') });
  });

  test('can switch on TLS, scaling, Ingress, sinks one by one, and a route that bypasses the agent', () => {
    const text = JSON.stringify(more);
    expect(text).toContain('{"name":"PROXY_TLS_CERT_FILE","value":"/etc/clowder-otel-tls/tls.crt"}');
    expect(text).toContain('{"name":"GRPC_TLS_KEY_FILE","value":"/etc/clowder-otel-tls/tls.key"}');
    expect(text).toContain('{"name":"AMQP_CA_FILE","value":"/etc/clowder-otel-broker/ca.crt"}');
    expect(text).toContain('{"name":"JOURNAL_MAX_BYTES","value":"2GiB"}');
    expect(text).toContain('{"name":"OTEL_EXPORTER_OTLP_ENDPOINT","value":"http://clowder-otel-collector:4318"}');
    expect(more.map((one) => `${kindOf(one)} ${nameOf(one)}`)).toEqual(
      expect.arrayContaining([
        'HorizontalPodAutoscaler clowder-otel-proxy',
        'Ingress clowder-otel-proxy',
        'Deployment clowder-otel-sink-amplitude',
        'Deployment clowder-otel-sink-ga4',
        'NetworkPolicy clowder-otel-collector',
      ]),
    );
  });

  test('sends each request to the same one of several collectors', () => {
    const text = JSON.stringify(rendered('collector.replicas=3'));
    expect(text).toContain('"COLLECTORS":"several"');
    expect(text).toContain('"--config","/etc/otelcol/collectors.yaml"');
    for (const [at, pod] of [0, 1, 2].entries())
      expect(text).toContain(
        `{"name":"CLOWDER_OTEL_URL_${at + 1}","value":"http://clowder-otel-collector-${pod}.clowder-otel-collector-pods:4318"}`,
      );
  });

  test('sends to as many collectors as there are if they are found by name', () => {
    const text = JSON.stringify(rendered('collector.replicas=5', 'collector.foundBy=dns'));
    expect(text).toContain('"COLLECTORS":"several"');
    expect(text).toContain('"--config","/etc/otelcol/collectors-dns.yaml"');
    expect(text).toContain('{"name":"CLOWDER_OTEL_COLLECTORS","value":"clowder-otel-collector-pods"}');
    expect(() => rendered('collector.replicas=5')).toThrow(/must be one of 1, 3/);
    expect(() => rendered('collector.foundBy=dns', 'collector.grpcTlsSecret=tls')).toThrow(/no certificate names/);
  });

  test('tells the Prometheus operator about every /metrics on request', () => {
    const monitor = rendered('serviceMonitor.enabled=true').find((one) => kindOf(one) === 'ServiceMonitor');
    expect(monitor).toMatchObject({
      apiVersion: 'monitoring.coreos.com/v1',
      spec: {
        selector: { matchLabels: { 'app.kubernetes.io/part-of': 'clowder-otel' } },
        endpoints: [{ port: 'metrics' }, { port: 'http' }],
      },
    });
  });

  test('has every value that the page names', () => {
    const values = read('deploy/helm/clowder-otel/values.yaml');
    const named = [
      ...read('docs/kubernetes.md').matchAll(
        /`((?:proxy|collector|agent|monitor|sinks|broker|serviceMonitor|networkPolicy)\.(?!yaml)[a-zA-Z.]+)/g,
      ),
    ];
    expect(named.length).toBeGreaterThan(10);
    for (const [, name = ''] of named) expect(values).toMatch(new RegExp(`\\b${name.split('.').at(-1)}:`));
  });
});
