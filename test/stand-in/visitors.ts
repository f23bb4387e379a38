import { setTimeout as sleep } from 'node:timers/promises';
import { seedId } from './seeds.ts';

/** Visitors of a stand-in Clowder v1, for the demo: `node test/stand-in/visitors.ts http://nginx`. Runs until it is ended. */
const base = process.argv[2] ?? 'http://127.0.0.1:8080';
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const DATASET = seedId('dataset', 1);

/** What one visit asks for, in order. */
const asked = (visit: number): readonly [string, RequestInit?][] => {
  const file = seedId('file', 1 + (visit % 50));
  const form = new FormData();
  form.append('File', new Blob([`visit ${visit}`]), `visit-${visit}.txt`);
  return [
    ['/'],
    [`/datasets/${DATASET}`],
    [`/files/${file}`],
    [`/api/files/${file}/blob`],
    [`/api/uploadToDataset/${DATASET}`, { method: 'POST', body: form }],
  ];
};

process.once('SIGTERM', () => process.exit(0));
process.once('SIGINT', () => process.exit(0));
for (let visit = 0; ; visit += 1) {
  for (const [path, init] of asked(visit)) {
    try {
      const answer = await fetch(base + path, { ...init, headers: { 'user-agent': BROWSER } });
      await answer.arrayBuffer();
    } catch (error) {
      console.error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    }
    await sleep(500);
  }
}
