import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { toolPath } from '../support/tools.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SET = { RABBITMQ_PASSWORD: 'p', CLOWDER_OTEL_API_KEY: 'k' };
const configFormat = z.object({
  services: z.record(
    z.string(),
    z.looseObject({
      environment: z.record(z.string(), z.unknown()).optional(),
      ports: z.array(z.unknown()).optional(),
      networks: z.record(z.string(), z.unknown()).optional(),
      labels: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

/** The file as docker-compose reads it. */
function configOf(env: Readonly<Record<string, string>>, files: readonly string[] = ['docker-compose.yml']) {
  const options = { cwd: ROOT, encoding: 'utf8', env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' } as const;
  return configFormat.parse(
    parse(execFileSync(toolPath('docker-compose'), [...files.flatMap((file) => ['-f', file]), 'config'], options)),
  );
}

/** The port on the host, from the short or the long form. */
function portOf(port: unknown): string {
  const long = z.object({ published: z.coerce.string() }).safeParse(port).data;
  return (
    long?.published ??
    String(port)
      .replace(/^127\.0\.0\.1:/, '')
      .split(':')[0] ??
    ''
  );
}

test('docker-compose accepts the file, and settings reach the programs', () => {
  const { services } = configOf({ ...SET, CLOWDER_URL: 'http://clowder.example:9000' });
  expect(services['collector']?.environment?.['AMQP_URL']).toBe('amqp://clowder-otel:p@rabbitmq:5672/%2F');
  expect(services['otel-collector']?.environment?.['CLOWDER_OTEL_API_KEY']).toBe('k');
  expect(services['collector']?.environment?.['CLOWDER_OTEL_FIRST_KEY']).toBe('k');
  expect(services['proxy']?.environment?.['PROXY_TARGET']).toBe('http://clowder.example:9000');
});

test('variables set another broker and other ports', () => {
  const { services } = configOf({
    ...SET,
    RABBITMQ_SCHEME: 'amqps', RABBITMQ_USER: 'guest', RABBITMQ_HOST: 'broker.example:5671', RABBITMQ_VHOST: 'clowder',
    HTTP_PORT: '8088', COLLECTOR_PORT: '14318', OTLP_GRPC_PORT: '14317', RABBITMQ_MANAGEMENT_PORT: '15673', JAEGER_PORT: '26686',
  }); // prettier-ignore
  for (const name of ['collector', 'monitor', 'sinks'])
    expect(services[name]?.environment?.['AMQP_URL'] ?? 'of a profile').toMatch(
      /^(?:amqps:\/\/guest:p@broker\.example:5671\/clowder|of a profile)$/,
    );
  const published = Object.values(services).flatMap(({ ports = [] }) => ports.map(portOf));
  expect(published.toSorted()).toEqual(['14317', '14318', '15673', '26686', '8088']);
});

test('beside a Clowder v2, proxy and collector are in its network, and Traefik routes only to the proxy', () => {
  const files = ['docker-compose.yml', 'deploy/clowder-v2/beside.yml', 'deploy/clowder-v2/behind-traefik.yml'];
  const { services } = configOf({ ...SET, CLOWDER_NETWORK: 'their_net', TRAEFIK_ENTRYPOINT: 'websecure' }, files);
  expect(Object.keys(services['proxy']?.networks ?? {})).toEqual(['clowder2', 'default']);
  expect(Object.keys(services['collector']?.networks ?? {})).toEqual(['clowder2', 'default']);
  expect(services['proxy']?.labels).toMatchObject({ 'traefik.enable': 'true', 'traefik.docker.network': 'their_net' });
  expect(services['proxy']?.labels?.['traefik.http.routers.clowder-otel.entrypoints']).toBe('websecure');
  expect(services['collector']?.labels).toEqual({ 'traefik.enable': 'false' });
  // The collector uses Clowder's broker and does not depend on one of ours.
  expect(JSON.stringify(services['collector'])).not.toContain('depends_on');
});

test.each(Object.keys(SET))('docker-compose starts nothing without %s', (name) => {
  expect(() => configOf({ ...SET, [name]: '' })).toThrow('is not set');
});
