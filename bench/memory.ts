import { request } from 'node:http';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { startProxyProcess } from '../test/support/proxy-process.ts';
import { residentMiB } from '../test/support/resident.ts';
import { startOtlpSink, startUpstream } from './proxy.ts';
import type { Row } from './row.ts';
import { load } from './wrk.ts';

const GIB = 1024 ** 3;
const TRANSFER_BYTES = 4 * GIB;
const PIECE = Buffer.alloc(256 * 1024, 'x');
const LOOK_EVERY_MS = 20;
/** Loads and optimises the proxy's code before its memory counts. */
const WARM_UP_SECONDS = 3;

/** Upper bounds in MiB (docs/design.md, "Speed"). */
const GROWTH_BOUND = 64;
const TOTAL_BOUND = 250;

interface Memory {
  /** How much the resident set grows at most during the transfers, in MiB. */
  readonly growth: number;
  /** Largest resident set, in MiB. */
  readonly total: number;
}

/** Uses a new proxy for a while, then transfers a 4 GiB upload and a 4 GiB download, one after the other. */
async function transfer(): Promise<Memory> {
  await using upstream = await startUpstream();
  await using sink = await startOtlpSink();
  await using proxy = await startProxyProcess({ target: upstream.url, otlpUrl: sink.url, flags: ['--clowder', 'v2'] });
  await load({ script: 'get-clowder.lua', args: [], url: proxy.url, connections: 16, seconds: WARM_UP_SECONDS });
  const before = await residentMiB(proxy.pid);
  let total = before;
  let looking: Promise<void> | undefined;
  async function lookOnce(): Promise<void> {
    total = Math.max(total, await residentMiB(proxy.pid));
    looking = undefined;
  }
  const look = setInterval(() => {
    looking ??= lookOnce();
  }, LOOK_EVERY_MS);
  try {
    await upload(`${proxy.url}/api/v2/datasets/64a1f0c2e4b0d3a9c8f7b6a5/files`, TRANSFER_BYTES);
    await download(`${proxy.url}/api/v2/files/64a1f0c2e4b0d3a9c8f7b6a5?bytes=${TRANSFER_BYTES}`, TRANSFER_BYTES);
  } finally {
    clearInterval(look);
    await looking;
  }
  return { growth: total - before, total };
}

async function upload(url: string, bytes: number): Promise<void> {
  const type = 'multipart/form-data; boundary=bench';
  const head = Buffer.from('--bench\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n');
  const tail = Buffer.from('\r\n--bench--\r\n');
  function* body(): Generator<Buffer> {
    yield head;
    for (let sent = 0; sent < bytes; sent += PIECE.length) yield PIECE;
    yield tail;
  }
  const length = head.length + bytes + tail.length;
  const sending = request(url, { method: 'POST', headers: { 'Content-Type': type, 'Content-Length': length } });
  const answered = once(sending, 'response');
  await pipeline(Readable.from(body()), sending);
  const [answer] = (await answered) as [Readable];
  const text = (await answer.toArray()).join('');
  if (!text.includes(`"bytes":${length}`)) throw new Error(`of ${length} bytes there arrived: ${text}`);
}

async function download(url: string, bytes: number): Promise<void> {
  const sending = request(url).end();
  const [answer] = (await once(sending, 'response')) as [Readable];
  let received = 0;
  const counting = new Writable({
    write(chunk: Buffer, _encoding, done) {
      received += chunk.length;
      done();
    },
  });
  await pipeline(answer, counting);
  if (received !== bytes) throw new Error(`of ${bytes} bytes there arrived ${received}`);
}

function memoryRow(name: string, bound: number, read: (memory: Memory) => number): Row {
  return {
    name,
    unit: 'MiB',
    target: 1,
    better: 'lower',
    maxRounds: 2,
    start: async () => ({
      // At least 1, as the ratio divides by it.
      ours: async () => Math.max(1, read(await transfer())),
      peer: async () => bound,
      [Symbol.asyncDispose]: async () => {},
    }),
  };
}

/** Growth of the proxy's memory during a 4 GiB upload and a 4 GiB download, against the bound. */
export const memory: Row = memoryRow('memory', GROWTH_BOUND, ({ growth }) => growth);

/** The proxy's total memory during these transfers. */
export const memoryTotal: Row = memoryRow('memory-total', TOTAL_BOUND, ({ total }) => total);
