import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, startProcess, tempDir } from '../test/support/processes.ts';
import { startProxyProcess } from '../test/support/proxy-process.ts';
import { toolPath } from '../test/support/tools.ts';
import { answersOk } from '../test/support/wait-for.ts';
import { startOtlpSink, startUpstream } from './proxy.ts';
import type { Measure, Row } from './row.ts';
import { load } from './wrk.ts';

const SECONDS = 5;
const CONNECTIONS = 64;
/** Of both proxies. */
const WORKERS = Number(process.env['BENCH_WORKERS'] ?? 2);
const WARM_UP_SECONDS = 3;

/** NGINX as a plain reverse proxy: as many workers as ours, keep-alive on both sides, no log, nothing of ours. */
const configuration = (port: number, upstream: string, dir: string): string => `
daemon off;
pid ${dir}/nginx.pid;
worker_processes ${WORKERS};
${process.getuid?.() === 0 ? 'user root;' : ''}
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${dir}/temp;`).join('\n  ')}
  upstream clowder { server ${upstream}; keepalive ${CONNECTIONS}; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 1000000000;
    location / {
      proxy_pass http://clowder;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`;

async function startPlainNginx(upstream: string): Promise<{ url: string } & AsyncDisposable> {
  const temp = await tempDir('nginx-peer');
  const port = await freePort();
  await mkdir(join(temp.path, 'temp'));
  const file = join(temp.path, 'nginx.conf');
  await writeFile(file, configuration(port, new URL(upstream).host, temp.path));
  const url = `http://127.0.0.1:${port}`;
  const running = await startProcess(toolPath('nginx'), ['-p', temp.path, '-c', file, '-e', 'stderr'], {
    ready: () => answersOk(`${url}/`),
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      await running.kill();
      await temp.remove();
    },
  };
}

/** @param pauseMs average pause of each connection between two requests; 0: none */
const wrk = (url: string, seconds: number, pauseMs = 0): ReturnType<typeof load> =>
  load({ script: 'get-clowder.lua', args: [String(pauseMs)], url, connections: CONNECTIONS, seconds });

/** Starts both proxies in front of one upstream and warms them up; `measures` says what to measure of each. */
async function startBoth(
  measures: (ours: string, direct: string) => Promise<(url: string) => Measure>,
): ReturnType<Row['start']> {
  await using stack = new AsyncDisposableStack();
  const upstream = stack.use(await startUpstream());
  const sink = stack.use(await startOtlpSink());
  const ours = stack.use(
    await startProxyProcess({
      target: upstream.url,
      otlpUrl: sink.url,
      flags: ['--clowder', 'v2', '--workers', String(WORKERS)],
    }),
  );
  const peer = stack.use(await startPlainNginx(upstream.url));
  for (const { url } of [ours, peer]) await wrk(url, WARM_UP_SECONDS);
  const measure = await measures(ours.url, upstream.url);
  const owned = stack.move();
  return {
    ours: measure(ours.url),
    peer: measure(peer.url),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The proxy with all capture on, against NGINX as a reverse proxy. */
export const nginx: Row = {
  name: 'nginx',
  unit: 'requests/s',
  target: 0.5,
  start: () => startBoth(() => Promise.resolve((url) => async () => (await wrk(url, SECONDS)).perSecond)),
};

/** What each adds to the 99th percentile of response times, at half of our own maximum load. */
export const nginxP99: Row = {
  name: 'nginx-p99',
  unit: 'µs added',
  target: 0.5,
  better: 'lower',
  start: () =>
    startBoth(async (ours, direct) => {
      const { perSecond } = await wrk(ours, SECONDS);
      const pauseMs = (CONNECTIONS * 1000) / (perSecond / 2);
      return (url) => async () => {
        const alone = await wrk(direct, SECONDS, pauseMs);
        const through = await wrk(url, SECONDS, pauseMs);
        return Math.max(1, through.p99Us - alone.p99Us);
      };
    }),
};
