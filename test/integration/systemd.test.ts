import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SETTINGS } from '../../collector/config.ts';
import { NODE_FLAGS } from '../support/cli.ts';
import { tempDir } from '../support/processes.ts';
import { toolPath } from '../support/tools.ts';

const UNITS = fileURLToPath(new URL('../../deploy/systemd', import.meta.url));
const names = readdirSync(UNITS).filter((name) => name.endsWith('.service'));
const read = (name: string): string => readFileSync(join(UNITS, name), 'utf8');

/** A root directory with the files that the units name. */
let root: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  root = await tempDir('systemd');
  const place = (path: string): string => {
    const directory = join(root.path, path);
    mkdirSync(directory, { recursive: true });
    return directory;
  };
  cpSync(UNITS, place('etc/systemd/system'), { recursive: true });
  cpSync(join(UNITS, 'clowder-otel.sysusers.conf'), join(place('etc/sysusers.d'), 'clowder-otel.conf'));
  cpSync(join(UNITS, 'clowder-otel.tmpfiles.conf'), join(place('etc/tmpfiles.d'), 'clowder-otel.conf'));
  for (const program of ['usr/bin/clowder-otel', 'bin/kill', 'usr/bin/kill']) {
    writeFileSync(join(place(program.replace(/\/[^/]+$/, '')), program.split('/').at(-1) ?? ''), '#!/bin/sh\n');
    chmodSync(join(root.path, program), 0o755);
  }
  writeFileSync(join(root.path, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(root.path, 'etc/group'), 'root:x:0:\n');
});
afterAll(() => root.remove());

const analyze = (...args: readonly string[]): { code: number | null; said: string } => {
  const { status, stdout, stderr } = spawnSync(toolPath('systemd-analyze'), [...args, `--root=${root.path}`], {
    encoding: 'utf8',
  });
  return { code: status, said: stdout + stderr };
};

test('there is a unit for each program', () => {
  expect(names.toSorted()).toEqual(
    ['collector', 'monitor', 'proxy', 'sink'].map((name) => `clowder-otel-${name}.service`),
  );
});

describe.each(names)('%s', (name) => {
  test('is accepted by systemd without a warning', () => {
    const { code, said } = analyze('verify', '--man=no', '--recursive-errors=no', `/etc/systemd/system/${name}`);
    expect(said.split('\n').filter((line) => line.includes('clowder-otel'))).toEqual([]);
    expect(code).toBe(0);
  });

  test('is hardened: its exposure is below 2.5', () => {
    const { code, said } = analyze(
      'security',
      '--offline=true',
      '--threshold=25',
      '--no-pager',
      `/etc/systemd/system/${name}`,
    );
    expect(said).toMatch(/Overall exposure level/);
    expect({ code, said: code === 0 ? '' : said }).toEqual({ code: 0, said: '' });
  });

  test('runs an existing command with existing settings', () => {
    const program = /^clowder-otel-(\w+)\.service$/.exec(name)?.[1] ?? '';
    expect(read(name)).toMatch(
      new RegExp(`^ExecStart=/usr/bin/clowder-otel ${program}( --config /etc/clowder-otel/monitor\\.yaml)?$`, 'm'),
    );
    const known = new Set(['SPOOL_DIR', ...SETTINGS.map((setting) => setting.name)]);
    for (const [, variable = ''] of read(name).matchAll(/^Environment=(\w+)=/gm)) expect(known).toContain(variable);
  });
});

test('every unit runs Node as every shipped start does, with options that Node accepts', () => {
  const common = read('clowder-otel-.service.d/10-common.conf');
  const options = /^Environment=NODE_OPTIONS=(.+)$/m.exec(common)?.[1] ?? '';
  expect(NODE_FLAGS).toContain(options);
  const { status } = spawnSync(process.execPath, ['--version'], { env: { NODE_OPTIONS: options } });
  expect(status).toBe(0);
});

test('systemd makes the user, and the directories that the user owns', () => {
  execFileSync('systemd-sysusers', [`--root=${root.path}`]);
  expect(readFileSync(join(root.path, 'etc/passwd'), 'utf8')).toMatch(
    /^clowder-otel:x:\d+:\d+:clowder-otel:\/var\/lib\/clowder-otel:/m,
  );
  const made = spawnSync(
    'systemd-tmpfiles',
    ['--create', '--prefix=/etc/clowder-otel', '--prefix=/var/lib/clowder-otel', `--root=${root.path}`],
    { encoding: 'utf8' },
  );
  expect(made.stderr).toBe('');
  const { stdout } = spawnSync(
    'stat',
    ['-c', '%a', join(root.path, 'etc/clowder-otel'), join(root.path, 'var/lib/clowder-otel')],
    { encoding: 'utf8' },
  );
  expect(stdout).toBe('750\n700\n');
});
