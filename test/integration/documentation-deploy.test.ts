import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { startCollector } from '../support/collector-process.ts';
import { startNginx } from '../support/nginx.ts';
import { freePort, startProcess, tempDir } from '../support/processes.ts';
import { startRabbitNode } from '../support/rabbitmq-node.ts';
import { toolPath } from '../support/tools.ts';
import { answersOk, waitFor } from '../support/wait-for.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const page = (name: string): string => readFileSync(join(ROOT, 'docs', `${name}.md`), 'utf8');
const blocks = (name: string, language: string): readonly string[] =>
  [...page(name).matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text = '']) => text);

/**
 * docker-compose reads files, profiles and variables for real, as it does before it starts anything. The commands that a
 * container would run are run here.
 */
const SHELL = `set -euo pipefail
clowder-otel() { "${process.execPath}" ${cli().join(' ')} "$@"; }
otelcol-contrib() { (cd "${ROOT}otel-config" && "${toolPath('otelcol')}" validate "$@"); }
docker-compose() {
  local options=() services
  while [[ $1 == --* ]]; do options+=("$1" "$2"); shift 2; done
  services=$(cd "${ROOT}" && command docker-compose "\${options[@]}" config --services)
  case "$*" in
    'run --rm --no-deps collector '*) shift 4; clowder-otel "$@" ;;
    'exec -T nginx '*) shift 3; "$@" ;;
    'exec collector node dist/cli/main.js '*) shift 4; clowder-otel "$@" ;;
    'up -d'|'up -d --build'|'build --pull'|'down -v') echo "$services" ;;
    *) echo "$* is nothing that can be run here" >&2; return 2 ;;
  esac
}
`;

async function run(commands: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-c', SHELL + commands], { env: { ...process.env, ...env } });
  return stdout;
}

describe('docs/deploy.md', () => {
  test('starts the demo, and has only commands that docker-compose accepts', async () => {
    const temp = await tempDir('docs-deploy');
    const env = { DATA_DIR: join(temp.path, 'data'), RABBITMQ_PASSWORD: 'p', CLOWDER_OTEL_API_KEY: 'k' };
    try {
      const [demo = ''] = blocks('deploy', 'sh');
      const output = await run(demo, { DATA_DIR: env.DATA_DIR });
      await (await startCollector({ amqpUrl: 'amqp://127.0.0.1:1', dataDir: env.DATA_DIR })).stop();
      expect(output.split('\n')).toEqual(expect.arrayContaining(['stand-in', 'traffic', 'nginx', 'jaeger']));
      const inline = [...page('deploy').matchAll(/`((?:\w+=\w+ )?docker-compose (?!instead)[^`]+)`/g)];
      expect(inline.length).toBeGreaterThan(5);
      for (const [, command = ''] of inline) await run(command, env);
    } finally {
      await temp.remove();
    }
  });

  test('binds a queue and reads the first event from it', async () => {
    await using broker = await startRabbitNode({ management: true });
    await broker.rabbitmqctl('add_user', 'clowder-otel', 'demo');
    await broker.rabbitmqctl('set_user_tags', 'clowder-otel', 'administrator');
    await broker.rabbitmqctl('set_permissions', 'clowder-otel', '.*', '.*', '.*');
    await using collector = await startCollector({ amqpUrl: broker.url });
    const [, api = ''] = blocks('deploy', 'sh');
    const here = api.replace('127.0.0.1:15672', new URL(broker.managementUrl).host);
    const get = here.indexOf('curl -sX POST $API/queues');
    const [setUp, read] = [here.slice(0, get), `${/^API=.*$/m.exec(here)?.[0]}\n${here.slice(get)}`];
    await waitFor(async () => (await fetch(`${collector.url}/readyz`).then((r) => r.text())).includes('"ready"'), { what: 'the exchanges' }); // prettier-ignore
    await waitFor(() => answersOk(broker.managementUrl), { what: 'the management API' });
    await run(setUp);
    await fetch(`${collector.url}/api/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ event: 'file.deleted', event_id: 'the-first', file_id: 'f' }),
    });
    await waitFor(async () => (await run(read)).includes('the-first'), { what: 'the event' });
    expect(JSON.parse(await run(read))).toMatchObject([{ routing_key: 'file.deleted', exchange: 'clowder.events' }]);
  });

  test('rotates the log without loss', async () => {
    await using nginx = await startNginx({ upstream: '127.0.0.1:1' });
    await fetch(nginx.url);
    const rotate = blocks('deploy', 'sh').find((block) => block.includes('clowder.json')) ?? '';
    const here = rotate.replaceAll('/var/log/nginx', nginx.logDir).replace('kill -USR1 1', `kill -USR1 ${nginx.pid}`);
    await run(here, { RABBITMQ_PASSWORD: 'p', CLOWDER_OTEL_API_KEY: 'k' });
    await waitFor(() => existsSync(join(nginx.logDir, 'clowder.json')), { what: 'a new log' });
    await fetch(nginx.url);
    await waitFor(async () => (await nginx.lines()).length === 1, { what: 'a line in it' });
    expect(await readFile(join(nginx.logDir, 'clowder.json.1'), 'utf8')).toMatch(/^\{.*\}\n$/);
  });
});

describe('docs/nginx.md', () => {
  test('has a configuration that an existing NGINX accepts, and that writes the log', async () => {
    const temp = await tempDir('docs-nginx');
    const upstream = createServer((_request, response) => void response.end('hello')).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const [port, address] = [await freePort(), upstream.address()];
    const [block = ''] = blocks('nginx', 'nginx');
    const here = block
      .replaceAll('/etc/nginx/', join(ROOT, 'otel-config/nginx/'))
      .replaceAll('/var/log/nginx', temp.path)
      .replace('127.0.0.1:8000', `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
      .replace('server {', `server { listen 127.0.0.1:${port};`);
    await mkdir(join(temp.path, 'conf'));
    await writeFile(join(temp.path, 'conf/nginx.conf'), `events {}\n${here}`);
    const user = process.getuid?.() === 0 ? 'user root;' : '';
    const args = ['-p', temp.path, '-c', 'conf/nginx.conf', '-e', 'stderr', '-g', `daemon off; pid nginx.pid; ${user}`];
    const running = await startProcess(toolPath('nginx'), args, { ready: () => answersOk(`http://127.0.0.1:${port}/files/1?key=canary`) }); // prettier-ignore
    try {
      const log = await waitFor(() => readFile(join(temp.path, 'clowder.json'), 'utf8'), { what: 'the log' });
      expect(log).toContain('"url.query":"key=REDACTED"');
    } finally {
      await running.kill();
      upstream.close();
      upstream.closeAllConnections();
      await temp.remove();
    }
  });

  test('has a command that the OTel Collector accepts', async () => {
    const commands = blocks('nginx', 'sh');
    expect(commands).toHaveLength(1);
    for (const command of commands) expect(await run(command)).toBe('');
  });
});
