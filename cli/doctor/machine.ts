import { existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { checkGrpc } from '../../collector/config.ts';
import { openJournalReader } from '../../collector/journal/journal.ts';
import { startProblems } from '../../collector/start-problems.ts';
import { checkBrokers } from '../../runtime/amqp/broker-settings.ts';
import { failed, ok, skipped, warning, worstOf, type Finding } from './finding.ts';
import { collectorUrl } from '../collector-url.ts';
import type { Site } from './site.ts';

const MIB = 1024 ** 2;
/** Below this, the collector soon accepts nothing more. */
const LEAST_FREE_BYTES = 100 * MIB;
/** A larger difference between clocks puts events on wrong days and breaks traces. */
const SKEW_MS = 60_000;

export function checkSettings({ settings }: Site): readonly Finding[] {
  const problems = [...checkBrokers(settings), ...checkGrpc(settings), ...startProblems(settings)];
  return worstOf(
    problems.map((problem) =>
      failed(problem, 'Correct it: "config check" shows the settings in force and where each comes from'),
    ),
    ok("The collector's settings are valid"),
  );
}

export function checkDisk({ settings }: Site): readonly Finding[] {
  const dir = resolve(settings.DATA_DIR);
  const place = existsSync(dir) ? dir : dirname(dir);
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const mayGrow = Math.max(0, settings.JOURNAL_MAX_BYTES - sizeOf(join(dir, 'journal.db')));
  const found = `${place} has ${mib(free)} free; the journal may grow by ${mib(mayGrow)}`;
  if (free < LEAST_FREE_BYTES)
    return [failed(found, 'Free some space there: on a full disk, producers get 503 and nothing new is accepted')];
  return [free < mayGrow ? warning(found, 'Free some space there, or lower JOURNAL_MAX_BYTES') : ok(found)];
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const mib = (bytes: number): string => `${Math.floor(bytes / MIB).toLocaleString('en')} MiB`;

/** Compares this machine's clock with those of the programs that answer, and with the journal's last time. */
export async function checkClock({ settings, management, proxy, now, ask }: Site): Promise<readonly Finding[]> {
  const others = { RabbitMQ: management, 'the collector': collectorUrl(settings, '/healthz'), 'the proxy': proxy };
  const compared = await Promise.all(
    Object.entries(others).map(async ([name, url]) => {
      const answer = url === undefined ? undefined : await ask(withoutUser(url));
      return answer === undefined || 'problem' in answer || answer.dateMs === undefined
        ? []
        : [{ name, aheadMs: answer.dateMs - now() }];
    }),
  );
  const last = lastJournaled(settings.DATA_DIR);
  const clocks = compared.flat();
  if (last !== undefined && last > now())
    clocks.push({ name: 'the latest event of the journal', aheadMs: last - now() });
  const findings = clocks
    .filter(({ aheadMs }) => Math.abs(aheadMs) > SKEW_MS)
    .map(({ name, aheadMs }) =>
      failed(
        `The clock of ${name} is ${Math.round(Math.abs(aheadMs) / 1000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`,
        'Synchronise both by NTP (timedatectl set-ntp true; chronyc tracking): otherwise events get wrong times, and ids are remembered for too long or too short',
      ),
    );
  if (clocks.length === 0)
    return [skipped("No other program answers, so there is no clock to compare this machine's with")];
  return worstOf(findings, ok(`This machine's clock agrees with ${clocks.map(({ name }) => name).join(', ')}`));
}

function withoutUser(url: URL): URL {
  const bare = new URL(url);
  [bare.username, bare.password] = ['', ''];
  return bare;
}

/** When the latest batch was journaled. */
function lastJournaled(dir: string): number | undefined {
  if (!existsSync(join(dir, 'journal.db'))) return undefined;
  const reader = openJournalReader(dir);
  try {
    return reader.read(reader.lastRow() - 1, 1)[0]?.atMs;
  } finally {
    reader.close();
  }
}
