import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { USER_AGENTS } from './scenarios/scenario.ts';
import { seedId } from './seeds.ts';

/**
 * Visitors of a stand-in Clowder v1, for the demo: `node test/stand-in/visitors.ts http://nginx [--visits 10] [--pause-ms
 * 500]`. Without --visits it runs until it is ended.
 */
const { values, positionals } = parseArgs({
  options: { visits: { type: 'string', default: 'Infinity' }, 'pause-ms': { type: 'string', default: '500' } },
  allowPositionals: true,
});
const [base = 'http://127.0.0.1:8080'] = positionals;
const visits = Number(values.visits);
const pauseMs = Number(values['pause-ms']);
if (!(visits > 0) || !(pauseMs >= 0)) {
  console.error('--visits must be a number above 0, and --pause-ms one of milliseconds');
  process.exit(2);
}

interface Asked {
  readonly agent: keyof typeof USER_AGENTS;
  readonly path: string;
  readonly init?: RequestInit;
}

const DATASET = seedId('dataset', 1);

/** The requests of one visit, in order: a person looks around and uploads; an extractor and a search engine follow. */
function asked(visit: number): readonly Asked[] {
  const file = seedId('file', 1 + (visit % 50));
  const form = new FormData();
  form.append('File', new Blob([`visit ${visit}`]), `visit-${visit}.txt`);
  return [
    { agent: 'browser', path: '/' },
    { agent: 'browser', path: `/datasets/${DATASET}` },
    { agent: 'browser', path: `/files/${file}` },
    { agent: 'browser', path: `/api/files/${file}/blob` },
    { agent: 'browser', path: `/api/uploadToDataset/${DATASET}`, init: { method: 'POST', body: form } },
    { agent: 'pyclowder', path: `/api/files/${file}?key=demo` },
    { agent: 'bot', path: `/files/${file}` },
    { agent: 'browser', path: '/files/there-is-none' },
  ];
}

process.once('SIGTERM', () => process.exit(0));
process.once('SIGINT', () => process.exit(0));
for (let visit = 0; visit < visits; visit += 1) {
  for (const { agent, path, init } of asked(visit)) {
    try {
      const answer = await fetch(base + path, { ...init, headers: { 'user-agent': USER_AGENTS[agent] } });
      await answer.arrayBuffer();
    } catch (error) {
      console.error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
    await sleep(pauseMs);
  }
}
