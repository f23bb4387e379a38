import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { startNginx } from '../support/nginx.ts';
import { toolPath } from '../support/tools.ts';
import { waitFor } from '../support/wait-for.ts';

const RULE = new URL('../../otel-config/nginx/logrotate.conf', import.meta.url);
const run = promisify(execFile);

test('the logrotate rule moves the log, makes NGINX begin another, compresses a day later, and loses no line', async () => {
  const clowder = createServer((_request, response) => response.end('page')).listen(0, '127.0.0.1');
  await once(clowder, 'listening');
  const address = clowder.address();
  const upstream = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  try {
    await using nginx = await startNginx({ upstream });
    const { logDir } = nginx;
    const rule = join(logDir, '..', 'logrotate.conf');
    const ours = (await readFile(RULE, 'utf8'))
      .replaceAll('/var/log/nginx', logDir)
      .replaceAll('/run/nginx.pid', join(logDir, '..', 'nginx.pid'))
      // Debian users that the test machine may lack.
      .replace('create 0640 www-data adm', 'create 0640');
    await writeFile(rule, ours, { mode: 0o644 });
    const rotate = () => run(toolPath('logrotate'), ['--force', '--state', join(logDir, '..', 'state'), rule]);
    const textOf = async (name: string): Promise<string> => {
      const content = await readFile(join(logDir, name)).catch(() => Buffer.alloc(0));
      return (name.endsWith('.gz') ? gunzipSync(content) : content).toString('utf8');
    };
    const visit = async (path: string): Promise<void> => {
      expect((await fetch(`${nginx.url}${path}`)).status).toBe(200);
      await waitFor(async () => (await textOf('clowder.json')).includes(`"${path}"`), { what: `the line of ${path}` });
    };

    await visit('/one');
    await rotate();
    await visit('/two');
    await rotate();
    await visit('/three');
    const names = (await readdir(logDir)).filter((name) => name.startsWith('clowder')).toSorted();
    expect(names).toEqual(['clowder.json', 'clowder.json.1', 'clowder.json.2.gz']);
    const texts = await Promise.all(names.map(textOf));
    expect(texts.map((text) => [...text.matchAll(/"url.path":"([^"]*)"/g)].map(([, path]) => path))).toEqual([
      ['/three'],
      ['/two'],
      ['/one'],
    ]);
  } finally {
    clowder.close();
  }
});
