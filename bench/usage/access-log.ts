import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';

const FIRST_MS = Date.UTC(2026, 9, 1);
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'python-requests/2.32.3',
];

/** Typical use of Clowder 1: one quarter pages of datasets and files, one eighth downloads, the rest what pages load. */
const PATHS: readonly ((id: string, nth: number) => string)[] = [
  (id) => `GET /datasets/${id} HTTP/1.1`,
  (id) => `GET /files/${id} HTTP/1.1`,
  (id) => `GET /api/files/${id}/blob HTTP/1.1`,
  (_id, nth) => `GET /assets/javascripts/lib-${nth % 40}.js HTTP/1.1`,
  () => 'GET /assets/stylesheets/main.css HTTP/1.1',
  (id) => `GET /api/previews/${id} HTTP/1.1`,
  () => 'GET /assets/images/logo.png HTTP/1.1',
  (id) => `GET /api/datasets/${id}/comments HTTP/1.1`,
];

/** Writes an access log in the format `combined`, three lines per second. */
export async function writeAccessLog(path: string, lines: number): Promise<void> {
  const out = createWriteStream(path);
  for (let nth = 0; nth < lines; nth += 1) if (!out.write(line(nth))) await once(out, 'drain');
  out.end();
  await finished(out);
}

function line(nth: number): string {
  const id = ((nth * 2_654_435_761) % 50_000).toString(16).padStart(24, '6');
  const client = (nth * 7919) % 20_000;
  const request = (PATHS[nth % PATHS.length] ?? PATHS[0])?.(id, nth);
  const agent = AGENTS[client % AGENTS.length];
  return `10.${client % 250}.${Math.floor(client / 250)}.7 - - [${time(FIRST_MS + Math.floor(nth / 3) * 1000)}] "${request}" 200 ${1000 + (nth % 90_000)} "https://clowder.example.org/datasets" "${agent}"\n`;
}

function time(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}
