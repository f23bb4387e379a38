import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { JOURNAL_FILE, openForWriting } from './schema.ts';

const workers: EventEmitter[] = [];

/** A writer that opens normally, never answers, and ends when the test says so. */
class SilentWorker extends EventEmitter {
  readonly postMessage = vi.fn<(message: unknown) => void>();

  constructor() {
    super();
    workers.push(this);
    setImmediate(() => this.emit('message', { outcomes: [], stats: {} }));
  }
}

vi.doMock('node:worker_threads', () => ({ Worker: SilentWorker }));
const { openJournal } = await import('./journal.ts');

let dir: string;

beforeEach(() => {
  workers.length = 0;
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-fatal-'));
  openForWriting(join(dir, JOURNAL_FILE)).close();
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('a journal whose writer ends refuses all writes, waiting and later ones, and reports it once', async () => {
  const onFatal = vi.fn<(error: Error) => void>();
  const journal = await openJournal({ dir, maxBytes: 1000, onFatal });
  const waiting = [journal.write({ append: ['1'] }), journal.write({ append: ['2'] })];
  workers[0]?.emit('error', new Error('out of memory'));
  workers[0]?.emit('exit', 1);
  for (const write of waiting) {
    await expect(write).rejects.toMatchObject({ code: 'journal_unavailable', message: 'out of memory' });
  }
  await expect(journal.write({ append: ['3'] })).rejects.toMatchObject({ code: 'journal_unavailable' });
  expect(onFatal).toHaveBeenCalledTimes(1);
  await journal.close();
});

it('a journal whose writer ends while it closes leaves no write waiting for ever', async () => {
  const onFatal = vi.fn<(error: Error) => void>();
  const journal = await openJournal({ dir, maxBytes: 1000, onFatal });
  const write = journal.write({ append: ['1'] });
  const closed = journal.close();
  workers[0]?.emit('exit', 1);
  await expect(write).rejects.toMatchObject({ code: 'journal_unavailable' });
  await closed;
  expect(onFatal).toHaveBeenCalledTimes(1);
});
