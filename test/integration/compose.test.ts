import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { toolPath } from '../support/tools.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SET = { RABBITMQ_PASSWORD: 'p', CLOWDER_OTEL_API_KEY: 'k' };
const configFormat = z.object({
  services: z.record(z.string(), z.object({ environment: z.record(z.string(), z.unknown()).optional() })),
});

/** The file as docker-compose understands it. */
function configOf(env: Readonly<Record<string, string>>) {
  const options = { cwd: ROOT, encoding: 'utf8', env: { PATH: process.env['PATH'], ...env }, stdio: 'pipe' } as const;
  return configFormat.parse(parse(execFileSync(toolPath('docker-compose'), ['config'], options)));
}

test('docker-compose takes the file, and what is set reaches the programs', () => {
  const { services } = configOf({ ...SET, CLOWDER_URL: 'http://clowder.example:9000' });
  expect(services['collector']?.environment?.['AMQP_URL']).toBe('amqp://clowder-otel:p@rabbitmq:5672/');
  expect(services['otel-collector']?.environment?.['CLOWDER_OTEL_API_KEY']).toBe('k');
  expect(services['collector']?.environment?.['CLOWDER_OTEL_FIRST_KEY']).toBe('k');
  expect(services['proxy']?.environment?.['PROXY_TARGET']).toBe('http://clowder.example:9000');
});

test.each(Object.keys(SET))('docker-compose starts nothing without %s', (name) => {
  expect(() => configOf({ ...SET, [name]: '' })).toThrow('is not set');
});
