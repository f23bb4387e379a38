import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeInstrumentationPackage } from '../../tools/instrumentation-package.ts';
import { packedPackage } from '../../tools/packed-package.ts';
import { tempDir } from '../support/processes.ts';

const MOST_MB = 40;
const run = promisify(execFile);
let home: Awaited<ReturnType<typeof tempDir>>;

/** Packs the package and installs it with its dependencies into an empty directory, as a user does. */
beforeAll(async () => {
  home = await tempDir('instrumentation-package');
  const made = makeInstrumentationPackage(join(home.path, 'made'), join(packedPackage().path, 'dist'));
  await run('npm', ['pack', '--silent', '--pack-destination', home.path], { cwd: made });
  const tarball = (await readdir(home.path)).find((name) => name.endsWith('.tgz')) ?? '';
  await writeFile(join(home.path, 'package.json'), '{ "type": "module" }');
  await run('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', `./${tarball}`], {
    cwd: home.path,
  });
});
afterAll(() => home.remove());

/** Bytes that a directory takes on disk, in whole blocks per file. */
async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).blocks * 512;
  return bytes;
}

/** Runs a user's program. */
const program = async (text: string, env: Readonly<Record<string, string>> = {}, ...args: readonly string[]) =>
  run(process.execPath, [...args, '--input-type=module', '--eval', text], {
    cwd: home.path,
    env: { ...process.env, ...env },
  });

test(`takes less than ${MOST_MB} MB with everything that it needs`, async () => {
  expect((await sizeOf(join(home.path, 'node_modules'))) / 1e6).toBeLessThan(MOST_MB);
});

test("does not depend on the other programs' packages", () => {
  const manifest = JSON.parse(
    readFileSync(join(home.path, 'node_modules/clowder-otel-instrumentation/package.json'), 'utf8'),
  ) as { dependencies: object };
  for (const name of ['@duckdb/node-api', 'pg', 'nodemailer', 'amqplib', 'hono', 'pino'])
    expect(manifest.dependencies).not.toHaveProperty(name);
});

test('sends events, and has their types', async () => {
  const { stdout } = await program(
    "import { clowderEvents, withExtraction } from 'clowder-otel-instrumentation'; import { EVENT_TYPES } from 'clowder-otel-instrumentation/taxonomy'; console.log(typeof withExtraction, EVENT_TYPES.length, clowderEvents.fileUploaded({ fileId: 'f', bytes: 1 }))",
  );
  expect(stdout).toMatch(/^function \d+ \S+\n$/);
});

describe.each(['http/protobuf', 'http/json', 'grpc'])('with %s', (protocol) => {
  test('instruments a program that was started with it, and says why it cannot send', async () => {
    const env = { OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
    const text =
      "import { clowderEvents } from 'clowder-otel-instrumentation'; clowderEvents.fileUploaded({ fileId: 'f', bytes: 1 }); console.log('ran')";
    const { stdout, stderr } = await program(text, env, '--import', 'clowder-otel-instrumentation/register');
    expect(stdout).toBe('ran\n');
    expect(stderr).toMatch(/ECONNREFUSED/);
  });
});

test('also sets up the SDK from a declarative configuration file', async () => {
  const file = join(home.path, 'otel.yaml');
  await writeFile(
    file,
    'file_format: "1.0"\ntracer_provider:\n  processors:\n    - simple:\n        exporter:\n          console: {}\n',
  );
  const { stdout } = await program(
    "console.log('ran')",
    { OTEL_CONFIG_FILE: file },
    '--import',
    'clowder-otel-instrumentation/register',
  );
  expect(stdout).toContain('ran');
});
