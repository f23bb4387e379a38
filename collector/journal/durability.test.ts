import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { openJournal } from './journal.ts';

const MODULE = new URL('./journal.ts', import.meta.url).href;
const LINES = 5;
/** Appends for ever, eight changes at a time, and prints the number of each acknowledged change. */
const WRITER = `
  import { openJournal } from ${JSON.stringify(MODULE)};
  const journal = await openJournal({ dir: process.argv[1], maxBytes: 1e9 });
  let next = 0;
  async function run() {
    for (;;) {
      const change = next++;
      await journal.write({ append: Array.from({ length: ${LINES} }, (_, n) => JSON.stringify({ change, n, pad: 'x'.repeat(500) })) });
      // Waits where its reader is late; writeSync would end the program with EAGAIN.
      process.stdout.write(change + '\\n');
    }
  }
  await Promise.all(Array.from({ length: 8 }, run));
`;

it('the journal keeps every acknowledged change whole when its process is killed while writing', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'clowder-otel-durability-'));
  try {
    const writer = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', WRITER, dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(writer, 'exit');
    const acknowledged: number[] = [];
    for await (const line of createInterface({ input: writer.stdout })) {
      acknowledged.push(Number(line));
      if (acknowledged.length === 300) writer.kill('SIGKILL');
    }
    expect(await exited).toEqual([null, 'SIGKILL']);

    const journal = await openJournal({ dir, maxBytes: 1e9 });
    const found = new Set<number>();
    for (const { lines } of journal.scan({ direction: 'asc' })) {
      const events = lines.map((line): { change: number; n: number } => JSON.parse(line));
      // Changes may share a row; each is whole within it.
      for (let at = 0; at < events.length; at += LINES) {
        const change = events[at]?.change ?? -1;
        expect(events.slice(at, at + LINES).map((one) => [one.change, one.n])).toEqual(
          Array.from({ length: LINES }, (_, n) => [change, n]),
        );
        found.add(change);
      }
    }
    expect(acknowledged.filter((change) => !found.has(change))).toEqual([]);
    await journal.write({ append: ['1'] });
    await journal.close();
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
