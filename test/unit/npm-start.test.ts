import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NODE_FLAGS } from '../support/cli.ts';
import { waitFor } from '../support/wait-for.ts';

const ROOT = new URL('../../', import.meta.url);
/** Runs in place of the collector: writes its process id, and the signal that it gets. */
const PROGRAM = `
const { writeFileSync } = require('node:fs');
process.on('SIGTERM', () => { writeFileSync('told', 'SIGTERM'); process.exit(0); });
setInterval(() => {}, 1000);
writeFileSync('started', String(process.pid));
`;

test('killing "npm start" also ends the collector', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'clowder-otel-start-'));
  try {
    const { scripts } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
      scripts: { start: string };
    };
    writeFileSync(
      join(dir, 'package.json'),
      JSON.stringify({ name: 'started', version: '1.0.0', scripts: { start: scripts.start } }),
    );
    mkdirSync(join(dir, 'dist/cli'), { recursive: true });
    writeFileSync(join(dir, 'dist/cli/main.js'), PROGRAM);
    const npm = spawn('npm', ['start'], { cwd: dir, stdio: 'ignore' });
    await waitFor(() => existsSync(join(dir, 'started')), { what: 'the program to run' });
    npm.kill('SIGTERM');
    await once(npm, 'exit');
    await waitFor(() => existsSync(join(dir, 'told')), { what: 'the program to get the signal' });
    expect(readFileSync(join(dir, 'told'), 'utf8')).toBe('SIGTERM');
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('"npm start" runs Node as every shipped start does', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { scripts: { start: string } };
  expect(scripts.start).toBe(`exec node ${NODE_FLAGS.join(' ')} dist/cli/main.js collector`);
});

test('Node 20 starts npm without hundreds of lines about engines, as .npmrc makes npm print only errors', () => {
  expect(readFileSync(new URL('.npmrc', ROOT), 'utf8')).toMatch(/^loglevel=error$/m);
});
