import { Agent } from 'node:http';
import { downloaded, pageView, uploaded, viewed, containerEvent } from '../stand-in/scenarios/events.ts';
import { del, file, get, inJson, post, type ExpectedEvent, type Got, type Sent } from '../stand-in/scenarios/scenario.ts'; // prettier-ignore
import { seedId, STALLS_AFTER } from '../stand-in/seeds.ts';
import { sendRecorded, type Exchange } from './recording-client.ts';

/** One kind of request: what is sent about the resources of a number, and the events that must result for each observer. */
interface Kind {
  readonly name: string;
  readonly sent: (number: number) => Sent;
  readonly status: number;
  /** For the proxy, which sees everything. */
  readonly events: (number: number, got: Got) => readonly ExpectedEvent[];
  /** Fields that the access log does not contain, and so its events lack. */
  readonly unlogged?: readonly string[];
  /** @default IPv4 */
  readonly family?: 6;
}

const DATASET = seedId('dataset', 5000);
const CLIENT_KINDS = { curl: 'api', browser: 'browser', pyclowder: 'extractor', bot: 'bot' } as const;
const by = { agent: 'browser' } as const;
const blob = (n: number): string => `/api/files/${seedId('file', n)}/blob`;
const none = (): readonly ExpectedEvent[] => [];
const whole = (n: number) => ({ resource_id: seedId('file', n), file_name: `file-${n}.txt`, bytes: 1000 + n }) as const;
/** An answer of unknown length is sent in chunks, whose framing NGINX counts too. */
const CHUNKED = ['bytes'];

/** From top to bottom: what a visitor, a script, an extractor or a robot does, right and wrong. */
const KINDS: readonly Kind[] = [
  { name: "a file's page", status: 200, sent: (n) => get(`/files/${seedId('file', n)}`, by), events: (n) => [viewed('file', seedId('file', n))] },
  { name: 'a page with a key', status: 200, sent: (n) => get(`/datasets/${seedId('dataset', n)}?key=canary-${n}&space=&key=canary`, by),
    events: (n) => [viewed('dataset', seedId('dataset', n), { url: `/datasets/${seedId('dataset', n)}?key=REDACTED&space=&key=REDACTED` })] },
  { name: 'a page that is a list', status: 200, sent: (n) => get(`/datasets?page=${n}`, by), events: () => [pageView()] },
  { name: 'a page by IPv6', status: 200, family: 6, sent: (n) => get(`/spaces/${seedId('space', n)}`, by), events: (n) => [viewed('space', seedId('space', n))] },
  { name: 'a download', status: 200, sent: (n) => get(blob(n)), events: (n) => [downloaded('file', whole(n))], unlogged: CHUNKED },
  { name: 'a download by IPv6', status: 200, family: 6, sent: (n) => get(blob(n)), events: (n) => [downloaded('file', whole(n))], unlogged: CHUNKED },
  { name: 'a download from the page', status: 200, sent: (n) => get(`/files/${seedId('file', n)}/blob`, { ...by, headers: { 'sec-fetch-dest': 'image' } }),
    events: (n) => [downloaded('file', { ...whole(n), tracked: false })], unlogged: CHUNKED },
  { name: "an extractor's download", status: 200, sent: (n) => get(`/api/files/${seedId('file', n)}?key=canary-${n}`, { agent: 'pyclowder' }),
    events: (n) => [downloaded('file', { ...whole(n), url: `/api/files/${seedId('file', n)}?key=REDACTED` })], unlogged: CHUNKED },
  { name: "a robot's download", status: 200, sent: (n) => get(blob(n), { agent: 'bot' }), events: (n) => [downloaded('file', whole(n))], unlogged: CHUNKED },
  { name: 'the piece from byte 0', status: 206, sent: (n) => get(blob(n), { headers: { range: 'bytes=0-99' } }),
    events: (n) => [downloaded('file', { ...whole(n), bytes: 100, range: `bytes 0-99/${1000 + n}`, complete: false })] },
  { name: 'another piece', status: 206, sent: (n) => get(blob(n), { headers: { range: 'bytes=100-199' } }),
    events: (n) => [downloaded('file', { ...whole(n), bytes: 100, range: `bytes 100-199/${1000 + n}`, complete: false })] },
  { name: 'a download that is left', status: 200, sent: (n) => get(`/api/files/${seedId('file', n, 'stalling')}/blob`, { leaveAfterBytes: STALLS_AFTER }),
    events: (n) => [downloaded('file', { resource_id: seedId('file', n, 'stalling'), file_name: `file-${n}.txt`, bytes: STALLS_AFTER, complete: false })], unlogged: CHUNKED },
  { name: 'an upload', status: 200, sent: (n) => post(`/api/uploadToDataset/${DATASET}?key=canary-${n}`, { parts: [file('File', `up-${n}.txt`, 10 + (n % 90_000))] }),
    events: (n, got) => [uploaded({ file_id: inJson(got, 'id'), file_name: `up-${n}.txt`, bytes: 10 + (n % 90_000), content_type: 'text/plain', dataset_id: DATASET })],
    unlogged: ['file_id', 'resource_id', 'resource_name', 'file_name', 'bytes', 'content_type'] },
  { name: 'a dataset that is deleted', status: 200, sent: (n) => del(`/api/datasets/${seedId('dataset', n)}`),
    events: (n) => [containerEvent('dataset.deleted', { resource_id: seedId('dataset', n) })] },
  { name: 'a file that is not there', status: 404, sent: () => get('/api/files/5f00000000000000000000ff/blob?key=canary'), events: none },
  { name: 'a Clowder that fails', status: 500, sent: (n) => get(`/api/files/${seedId('file', n, 'broken')}/blob`), events: none },
  { name: 'a page that may not be seen', status: 303, sent: (n) => get(`/files/${seedId('file', n, 'private')}`, by), events: none },
  { name: 'HEAD', status: 404, sent: (n) => ({ method: 'HEAD', path: blob(n) }), events: none },
  { name: 'a stylesheet', status: 200, sent: () => get('/assets/stylesheets/main.css', by), events: none },
  { name: 'a description', status: 200, sent: (n) => get(`/api/files/${seedId('file', n)}/metadata`), events: none },
]; // prettier-ignore

/** What was done, and what must then be in RabbitMQ. */
export interface Done {
  readonly byProxy: readonly ExpectedEvent[];
  /** The same events as the access log alone shows them. */
  readonly byLog: readonly ExpectedEvent[];
  /** Every request, as the web server must have seen it. */
  readonly exchanges: readonly Exchange[];
}

/** Concurrent requests, and so connections per address family. */
const AT_ONCE = 16;

/**
 * Sends this many requests, of each kind in turn, about resources numbered from `first`.
 *
 * @throws Error if Clowder answers differently than expected
 */
export async function makeTraffic(port: number, first: number, count: number): Promise<Done> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const done: Done[] = [];
  const numbers = Array.from({ length: count }, (_one, index) => first + index).values();
  const work = async (): Promise<void> => {
    for (const number of numbers) done.push(await makeOne(agent, port, number));
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    agent.destroy();
  }
  return together(done);
}

/** The results of several runs combined. */
export const together = (runs: readonly Done[]): Done => ({
  byProxy: runs.flatMap(({ byProxy }) => byProxy),
  byLog: runs.flatMap(({ byLog }) => byLog),
  exchanges: runs.flatMap(({ exchanges }) => exchanges),
});

async function makeOne(agent: Agent, port: number, number: number): Promise<Done> {
  const kind = KINDS[number % KINDS.length];
  if (kind === undefined) throw new Error('there is no kind of request');
  const sent = kind.sent(number);
  const address = kind.family === 6 ? '::1' : '127.0.0.1';
  const { got, exchange } = await sendRecorded({ agent, address, port }, sent);
  if (got.status !== kind.status) throw new Error(`${kind.name} (${number}): ${got.status} ${got.text.slice(0, 200)}`);
  const common = { client_kind: CLIENT_KINDS[sent.agent ?? 'curl'] };
  const seenBy = (source: 'proxy' | 'nginx', event: ExpectedEvent): ExpectedEvent =>
    Object.assign({ source, ...common }, event.event.startsWith('view.') && { url: sent.path }, event);
  const events = kind.events(number, got);
  return {
    byProxy: events.map((event) => seenBy('proxy', event)),
    byLog: events.map((event) => without(seenBy('nginx', event), kind.unlogged ?? [])),
    exchanges: [exchange],
  };
}

const without = (event: ExpectedEvent, names: readonly string[]): ExpectedEvent =>
  Object.fromEntries(Object.entries(event).filter(([name]) => !names.includes(name))) as ExpectedEvent;
