import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { packedPackage } from '../../tools/packed-package.ts';
import { startProcess, tempDir } from '../support/processes.ts';
import { PRELOAD } from '../support/registered-server.ts';

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const { home, path } = packedPackage();
const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as {
  name: string;
  bin: Readonly<Record<string, string>>;
  exports: Readonly<Record<string, string>>;
};
const SUBPATHS = Object.keys(manifest.exports).map((subpath) => manifest.name + subpath.slice(1));
const CODE = SUBPATHS.filter((subpath) => !subpath.endsWith('.json'));

/** A user's program that names every part of the package. */
const CONSUMER = `
${CODE.map((subpath, index) => `import * as part${index} from '${subpath}';`).join('\n')}
export const parts = [${CODE.map((_subpath, index) => `part${index}`).join(', ')}];
import { clowderEvents } from 'clowder-otel/instrumentation';
export const id: string = clowderEvents.fileUploaded({ fileId: 'f', bytes: 1 });
// @ts-expect-error -- a file has a number of bytes
clowderEvents.fileUploaded({ fileId: 'f', bytes: 'many' });
`;

const node = (...args: readonly string[]) => promisify(execFile)(process.execPath, [...args], { cwd: home });

test('the package has parts to test', () => {
  expect(SUBPATHS).toContain('clowder-otel/register');
  expect(CODE.length).toBeGreaterThan(3);
});

test.each(CODE)('%s can be imported and required', async (subpath) => {
  await node('--input-type=module', '--eval', `await import('${subpath}'); process.exit(0)`);
  await node('--input-type=commonjs', '--eval', `require('${subpath}'); process.exit(0)`);
});

test('the command runs under its name in package.json', async () => {
  const { stdout } = await node(join(path, manifest.bin['clowder-otel'] ?? ''), '--help');
  expect(stdout).toMatch(/^Usage: clowder-otel/);
});

test('files for development are not in it', async () => {
  await expect(node('--eval', `require.resolve('${manifest.name}/dist/cli/main.js')`)).rejects.toThrow(
    'ERR_PACKAGE_PATH_NOT_EXPORTED',
  );
  await expect(node('--eval', "require.resolve('vitest')")).rejects.toThrow('MODULE_NOT_FOUND');
  expect(() => readFileSync(join(path, 'dist/.tsbuildinfo'))).toThrow('ENOENT');
});

test.each(['grpc', 'http/protobuf', 'http/json'])(
  'a program with the preload starts and ends on its own with %s',
  async (protocol) => {
    await using program = await startProcess(
      process.execPath,
      [...PRELOAD, '--input-type=module', '--eval', "console.log('the program ran')"],
      // Nothing listens there: unsent telemetry must not keep a program from ending.
      { cwd: home, env: { OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' } },
    );
    const { code } = await program.exited;
    expect({ code, ran: program.output().includes('the program ran') && program.output() }).toEqual({
      code: 0,
      ran: expect.stringContaining('the program ran'),
    });
  },
);

test('its types compile in a strict program that checks declarations too', async () => {
  await using stack = new AsyncDisposableStack();
  const [consumer, types] = [await tempDir('consumer'), await tempDir('types')];
  stack.defer(consumer.remove);
  stack.defer(types.remove);
  await symlink(join(home, 'node_modules'), join(consumer.path, 'node_modules'));
  await symlink(join(MODULES, '@types', 'node'), join(types.path, 'node'));
  await writeFile(join(consumer.path, 'package.json'), '{ "type": "module" }');
  await writeFile(join(consumer.path, 'consumer.ts'), CONSUMER);
  await writeFile(
    join(consumer.path, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2024',
        lib: ['es2024'],
        module: 'nodenext',
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
        typeRoots: [types.path],
      },
      files: ['consumer.ts'],
    }),
  );
  const { stdout } = await promisify(execFile)(process.execPath, [join(MODULES, 'typescript/bin/tsc')], {
    cwd: consumer.path,
  }).catch((error: unknown) => error as { stdout: string });
  expect(stdout).toBe('');
});
