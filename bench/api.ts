import { createHash, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { runCli, startCollector } from '../test/support/collector-process.ts';
import { freePort, startProcess, tempDir } from '../test/support/processes.ts';
import { toolPath } from '../test/support/tools.ts';
import { answersOk } from '../test/support/wait-for.ts';
import { startBroker } from './broker.ts';
import type { Measure, Row } from './row.ts';
import { load } from './wrk.ts';

const SECONDS = 4;
/** Before the first round, so both sides run on optimised code: V8 keeps optimising for this long. */
const WARM_UP_SECONDS = 10;
const CONNECTIONS = 64;

const PEER_DIR = fileURLToPath(new URL('peer', import.meta.url));

async function startPeer(amqpUrl: string, key: string) {
  const url = `http://127.0.0.1:${await freePort()}`;
  const bind = url.replace('http://', '');
  const args = ['--workers', '2', '--bind', bind, '--log-level', 'warning', '--worker-tmp-dir', '/tmp', 'app:app'];
  const env = {
    AMQP_URL: amqpUrl,
    API_KEY_SHA256: createHash('sha256').update(key).digest('hex'),
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const running = await startProcess(toolPath('gunicorn'), args, {
    cwd: PEER_DIR,
    env,
    ready: () => answersOk(`${url}/healthz`),
  });
  return { url, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

async function addKey(dataDir: string): Promise<string> {
  const args = ['keys', 'add', '--name', 'bench', '--scope', 'ingest', '--rate', '1000000', '--json'];
  const { key } = JSON.parse(await runCli(args, { DATA_DIR: dataDir })) as { key: string };
  return key;
}

/** POST /api/v1/events, one event per request: ours against Flask, gunicorn with two workers and pika with confirms. */
export const api: Row = {
  name: 'api',
  unit: 'requests/s',
  target: 15,
  async start() {
    await using stack = new AsyncDisposableStack();
    const temp = stack.adopt(await tempDir('bench'), (dir) => dir.remove());
    const broker = stack.use(await startBroker());
    const peerKey = randomBytes(32).toString('base64url');
    const peer = stack.use(await startPeer(broker.url, peerKey));
    const key = await addKey(temp.path);
    const ours = stack.use(await startCollector({ amqpUrl: broker.url, dataDir: temp.path }));
    let round = 0;
    const measure =
      (base: string, bearer: string, seconds = SECONDS): Measure =>
      async () => {
        const args = [bearer, (round++).toString(16)];
        const url = `${base}/api/v1/events`;
        const done = await load({ script: 'post-events.lua', args, url, connections: CONNECTIONS, seconds });
        // Publish what was accepted before the other side's turn.
        await broker.reaches(done.requests);
        await broker.empty();
        return done.perSecond;
      };
    await measure(ours.url, key, WARM_UP_SECONDS)();
    await measure(peer.url, peerKey, WARM_UP_SECONDS)();
    const owned = stack.move();
    return {
      ours: measure(ours.url, key),
      peer: measure(peer.url, peerKey),
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};
