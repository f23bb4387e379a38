import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { openKeyStore } from '../../collector/keys/store.ts';
import { failed, ok, warning, worstOf, type Finding } from './finding.ts';
import { collectorUrl } from '../collector-url.ts';
import type { Answer, Site } from './site.ts';

/** Checks that keys exist, that the given one is accepted, and that no sender uses a wrong one. */
export async function checkKeys({ settings, key, ask, now }: Site): Promise<readonly Finding[]> {
  const inUse = keysInUse(settings.DATA_DIR, now());
  const findings: Finding[] = [];
  if (key !== undefined) {
    const answer = await ask(collectorUrl(settings, '/v1/logs'), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: '{"resourceLogs":[]}',
    });
    if (!('problem' in answer) && answer.status !== 200)
      findings.push(
        failed(
          `The given key is refused: ${detailOf(answer.body) ?? `the collector answered ${answer.status}`}`,
          'Make one with "clowder-otel keys add --name NAME --scope ingest", and give it to the senders',
        ),
      );
  }
  const refused = refusedOf(await ask(collectorUrl(settings, '/metrics')));
  if (refused > 0)
    findings.push(
      warning(
        `Requests refused because of their key since the collector started: ${refused}`,
        'Find the sender whose key is missing, wrong or revoked ("keys list"; clowder_otel_refused_keys_total says why)',
      ),
    );
  return worstOf(
    findings,
    ok(inUse === 0 ? 'No key has been made: only programs on this machine are let in' : `Keys in use: ${inUse}`),
  );
}

function keysInUse(dir: string, nowMs: number): number {
  if (!existsSync(join(dir, 'keys.db'))) return 0;
  const store = openKeyStore(dir);
  try {
    return store.list().filter(({ revokedAtMs = Number.POSITIVE_INFINITY }) => revokedAtMs > nowMs).length;
  } finally {
    store.close();
  }
}

function detailOf(body: unknown): string | undefined {
  const said = z.looseObject({ detail: z.string().optional(), message: z.string().optional() }).safeParse(body).data;
  return said?.detail ?? said?.message;
}

function refusedOf(answer: Answer): number {
  const text = 'problem' in answer || typeof answer.body !== 'string' ? '' : answer.body;
  const counts = [...text.matchAll(/^clowder_otel_refused_keys_total\{[^}]*\} (\d+)/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}
