import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { NODE_FLAGS } from '../support/cli.ts';
import { freePort, startProcess, tempDir } from '../support/processes.ts';
import { answersOk } from '../support/wait-for.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const entrypoint = z.array(z.string()).parse(JSON.parse(/^ENTRYPOINT (.+)$/m.exec(dockerfile)?.[1] ?? ''));
const lock = z
  .object({ packages: z.record(z.string(), z.looseObject({ dev: z.boolean().default(false) })) })
  .parse(JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')));

let temp: Awaited<ReturnType<typeof tempDir>>;
/** /app of the image, and of the demo image. */
let image: string;
let demo: string;

/** Copies files of the repository as the COPY lines of a stage do. */
async function copied(stage: string, to: string): Promise<void> {
  const lines = dockerfile.split(/^FROM /m).find((text) => text.split('\n')[0]?.endsWith(` AS ${stage}`)) ?? '';
  for (const [, names = '', target = ''] of lines.matchAll(/^COPY (?!--from)(.+) (\S+)$/gm))
    for (const name of names.split(' '))
      await cp(join(ROOT, name), target.endsWith('/') ? join(to, basename(name)) : join(to, target), {
        recursive: true,
        filter: (source) => !source.endsWith('.test.ts'),
      });
}

/** Installs the lockfile's packages as `npm ci` does, with or without those for development. */
async function install(to: string, withDev: boolean): Promise<void> {
  for (const [path, { dev }] of Object.entries(lock.packages)) {
    if (path.lastIndexOf('node_modules/') !== 0 || (dev && !withDev)) continue;
    await mkdir(dirname(join(to, path)), { recursive: true });
    await symlink(join(ROOT, path), join(to, path)).catch(() => undefined);
  }
}

const run = async (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  (await promisify(execFile)(process.execPath, [...args], { cwd, env: { ...process.env, ...env } })).stdout;
const MAIN = 'dist/cli/main.js';

beforeAll(async () => {
  temp = await tempDir('image');
  [image, demo] = [join(temp.path, 'image'), join(temp.path, 'demo')];
  await mkdir(image);
  await mkdir(demo);
  await copied('build', demo);
  await install(demo, true);
  await run(demo, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--preserveSymlinks']);
  await copied('demo', demo);
  await cp(join(demo, 'dist'), join(image, 'dist'), { recursive: true });
  await copied('clowder-otel', image);
  await install(image, false);
});

afterAll(() => temp.remove());

describe('the files that the Dockerfile puts into the image, without any others,', () => {
  test.each([
    ['monitor', 'schema'],
    ['sink', 'list'],
    ['keys', 'add', '--name', 'a', '--scope', 'ingest'],
  ])('run %s %s', async (...args) => {
    expect(await run(image, [MAIN, ...args], { DATA_DIR: join(temp.path, 'data') })).not.toBe('');
  });

  test('are built by the command that this test built them with', () => {
    expect(dockerfile).toContain('\nRUN npm run build\n');
    expect(readFileSync(join(ROOT, 'package.json'), 'utf8')).toContain(
      '"build": "tsc -p tsconfig.build.json && node tools/bundle.ts"',
    );
  });

  test('run each program by one entry point, as every shipped start does', () => {
    expect(entrypoint).toEqual(['node', ...NODE_FLAGS, `/app/${MAIN}`]);
  });

  test('run the collector and the proxy until they are healthy', async () => {
    const flags = entrypoint.slice(1, -1);
    const [port, listen, admin] = [await freePort(), await freePort(), await freePort()];
    await using collector = await startProcess(process.execPath, [...flags, MAIN, 'collector'], {
      cwd: image,
      env: {
        PORT: String(port),
        GRPC_PORT: '0',
        DATA_DIR: join(temp.path, 'data'),
        AMQP_URL: 'amqp://127.0.0.1:1',
        LOG_LEVEL: 'warn',
      },
      ready: () => answersOk(`http://127.0.0.1:${port}/healthz`),
    });
    const args = ['--target', 'http://127.0.0.1:1', '--listen', `127.0.0.1:${listen}`, '--admin', `127.0.0.1:${admin}`];
    await using proxy = await startProcess(process.execPath, [...flags, MAIN, 'proxy', ...args], {
      cwd: image,
      ready: () => answersOk(`http://127.0.0.1:${admin}/healthz`),
    });
    expect([await collector.kill(), await proxy.kill()]).toEqual([
      { code: 0, signal: null },
      { code: 0, signal: null },
    ]);
  });

  test('run the stand-in and its visitors, in the demo image', async () => {
    const port = await freePort();
    await using standIn = await startProcess(process.execPath, ['test/stand-in/main.ts', '--port', String(port)], {
      cwd: demo,
      ready: (output) => output.includes('listening'),
    });
    const args = ['test/stand-in/visitors.ts', `http://127.0.0.1:${port}`, '--visits', '1', '--pause-ms', '0'];
    expect(await run(demo, args)).toBe('');
    expect((await standIn.kill()).code).toBe(0);
  });
});
