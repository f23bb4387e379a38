import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli, startCollector, type CollectorProcess } from '../../support/collector-process.ts';
import { form } from '../../support/form.ts';
import { tempDir } from '../../support/processes.ts';
import { waitFor } from '../../support/wait-for.ts';

const BATCHES = form({ short: 12, long: 240 });
const AT_ONCE = 200;

/** Views and downloads by several people in October, some of them double clicks, all sent by a program of the site. */
function batch(number: number): readonly object[] {
  return Array.from({ length: AT_ONCE }, (_, index) => {
    const nth = number * AT_ONCE + index;
    const isDownload = nth % 3 === 0;
    return {
      event: isDownload ? 'view.download' : 'view.resource',
      event_id: `fault-${nth}`,
      created: Date.UTC(2026, 9, 1) + nth * 17_000,
      resource_type: isDownload ? 'file' : 'dataset',
      resource_id: isDownload ? `f${nth % 40}` : `d${nth % 7}`,
      ...(isDownload && nth % 5 !== 0 && { dataset_id: `d${nth % 7}` }),
      ...(nth % 4 === 0 ? { user_id: `user-${nth % 11}` } : { client_id: `client-${nth % 13}` }),
      user_agent: nth % 9 === 0 ? 'python-requests/2.32.3' : 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0',
    };
  });
}

/** Sends until accepted, as every producer does: without an answer, the events are sent twice. */
const post = (collector: CollectorProcess, events: readonly object[]): Promise<boolean> =>
  waitFor(
    async () => {
      const answer = await fetch(`${collector.url}/api/v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(events),
      });
      return answer.status === 202;
    },
    { what: 'events to be taken' },
  );

/** The process that counts: the collector's only child, once it runs. */
const childOf = ({ pid }: CollectorProcess): Promise<number> =>
  waitFor(async () => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()) || undefined, {
    what: 'a process that counts',
  });

test('after kills of the collector and of the counting process, figures are those of the events alone', async () => {
  const dir = await tempDir('usage-faults');
  await using collector = await startCollector({
    amqpUrl: 'amqp://127.0.0.1:1',
    dataDir: dir.path,
    env: { USAGE: 'on' },
  });
  try {
    const all: object[] = [];
    for (let number = 0; number < BATCHES; number += 1) {
      const events = batch(number);
      all.push(...events);
      const sending = post(collector, events);
      if (number % 6 === 2) {
        await collector.kill('SIGKILL');
        await collector.start();
      }
      if (number % 6 === 5) process.kill(await childOf(collector), 'SIGKILL');
      await sending;
      // Accepted events are sent once more, as after a lost answer.
      if (number % 8 === 0) await post(collector, events);
    }
    const total = `${collector.url}/api/v1/stats?metric=events&by=reason&from=2026-10&to=2026-10`;
    await waitFor(
      async () => {
        const answer = await fetch(total);
        const { totals } = (await answer.json()) as { totals?: { events: number } };
        return totals?.events === all.length;
      },
      { what: 'all events to be counted' },
    );
    const archive = join(dir.path, 'events.ndjson');
    await writeFile(archive, all.map((event) => `${JSON.stringify(event)}\n`).join(''));
    const env = { DATA_DIR: dir.path };
    for (const kind of ['ir', 'rd1']) {
      const counted = await runCli(['report', kind, '--from', '2026-10'], env);
      expect(JSON.parse(counted)).toHaveProperty(kind === 'ir' ? 'Report_Items.0.Items.6' : 'report-datasets.6');
      expect(await runCli(['report', kind, '--from', '2026-10', '--events', archive], env)).toBe(counted);
    }
  } finally {
    await collector.stop();
    await dir.remove();
  }
});
