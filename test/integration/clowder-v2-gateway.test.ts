import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort, startProcess, tempDir } from '../support/processes.ts';
import { toolPath } from '../support/tools.ts';
import { answersOk } from '../support/wait-for.ts';

const GATEWAY = new URL('../../deploy/clowder-v2/gateway.conf', import.meta.url);

test('the gateway sends each path of v2 to its server, matching whole segments', async () => {
  await using stack = new AsyncDisposableStack();
  const temp = await tempDir('gateway');
  stack.defer(temp.remove);
  const serve = async (name: string): Promise<string> => {
    const server = createServer((request, response) => response.end(`${name} ${request.url}`)).listen(0, '127.0.0.1');
    stack.defer(() => void server.close());
    await once(server, 'listening');
    const address = server.address();
    return `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  };
  const port = await freePort();
  const conf = (await readFile(GATEWAY, 'utf8'))
    .replace('listen 9000', `listen 127.0.0.1:${port}`)
    .replaceAll('clowder2-backend:80', await serve('backend'))
    .replaceAll('clowder2-frontend:80', await serve('frontend'))
    .replaceAll('keycloak:8080', await serve('keycloak'));
  await mkdir(join(temp.path, 'temp'));
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${join(temp.path, 'temp')};`)
    .join(' ');
  await writeFile(join(temp.path, 'nginx.conf'), `events {} http { ${paths} ${conf} }`);
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const running = await startProcess(
    toolPath('nginx'),
    [
      '-p',
      temp.path,
      '-c',
      join(temp.path, 'nginx.conf'),
      '-e',
      'stderr',
      '-g',
      `daemon off; pid ${join(temp.path, 'pid')}; ${user}`,
    ],
    { ready: () => answersOk(`http://127.0.0.1:${port}/`) },
  );
  stack.defer(() => void running.kill());
  const cases = {
    '/api/v2/files/1?key=a': 'backend',
    '/api': 'backend',
    '/docs': 'backend',
    '/docs/oauth2-redirect': 'backend',
    '/keycloak/realms/clowder': 'keycloak',
    '/apikeys': 'frontend',
    '/documents': 'frontend',
    '/keycloakish': 'frontend',
    '/datasets/1': 'frontend',
    '/': 'frontend',
  };
  for (const [path, server] of Object.entries(cases))
    expect(await (await fetch(`http://127.0.0.1:${port}${path}`)).text()).toBe(`${server} ${path}`);
});
