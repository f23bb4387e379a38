import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCollector } from '../test/support/collector-process.ts';
import { startProcess, tempDir } from '../test/support/processes.ts';
import { waitFor } from '../test/support/wait-for.ts';
import { startBroker, type TakenMessage } from './broker.ts';
import { download, traceRequest } from './otlp-body.ts';
import type { Row } from './row.ts';

const SPANS = 512;
const REQUESTS = 100;
const EVENTS = SPANS * REQUESTS;
const CONNECTIONS = 4;

const PEER = fileURLToPath(new URL('peer/publish.ts', import.meta.url));

function post(agent: Agent, url: string, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-protobuf', 'content-length': body.length };
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${url} answered ${response.statusCode}`)),
      );
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

async function postAll(agent: Agent, url: string, bodies: readonly Buffer[]): Promise<void> {
  const rest = bodies.values();
  const worker = async (): Promise<void> => {
    for (const body of rest) await post(agent, url, body);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

async function save(file: string, messages: readonly TakenMessage[]): Promise<void> {
  const out = createWriteStream(file);
  for (const message of messages) out.write(`${JSON.stringify(message)}\n`);
  out.end();
  await once(out, 'finish');
}

async function allConfirmed(url: string): Promise<boolean> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return /^clowder_otel_unconfirmed_messages 0$/m.test(metrics);
}

/**
 * From OTLP to a confirm by RabbitMQ, with every span an event. The peer is amqplib alone, publishing the same messages: those
 * that our collector published, taken from the queue.
 */
export const publish: Row = {
  name: 'publish',
  unit: 'events/s',
  target: 0.8,
  async start() {
    await using stack = new AsyncDisposableStack();
    const temp = stack.adopt(await tempDir('bench'), (dir) => dir.remove());
    const broker = stack.use(await startBroker());
    const collector = stack.use(await startCollector({ amqpUrl: broker.url }));
    const agent = stack.adopt(new Agent({ keepAlive: true }), (open) => open.destroy());
    const messages = join(temp.path, 'messages');

    /** Milliseconds from the first POST until the last message is in the queue and confirmed. */
    const run = async (requests: number): Promise<number> => {
      const bodies = Array.from({ length: requests }, () => traceRequest(Array.from({ length: SPANS }, download)));
      const start = performance.now();
      await postAll(agent, `${collector.url}/v1/traces`, bodies);
      await broker.reaches(requests * SPANS);
      await waitFor(() => allConfirmed(collector.url), { everyMs: 5, what: 'the last confirm' });
      return performance.now() - start;
    };
    await run(REQUESTS);
    await save(messages, await broker.take(EVENTS));
    await broker.empty();

    const owned = stack.move();
    return {
      ours: async () => {
        const ms = await run(REQUESTS);
        await broker.empty();
        return (EVENTS * 1000) / ms;
      },
      peer: async () => {
        const peer = await startProcess(process.execPath, [PEER, broker.url, messages]);
        const { code } = await peer.exited;
        if (code !== 0) throw new Error(`the peer exited with ${code}: ${peer.output()}`);
        await broker.reaches(EVENTS);
        await broker.empty();
        return (EVENTS * 1000) / Number(peer.output());
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  },
};
