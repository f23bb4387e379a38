import { expect, test } from 'vitest';
import { world } from '../../test/support/intake-world.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { mapLog } from '../../taxonomy/map.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';

const NOW = Date.UTC(2026, 10, 29);
const FILE = '5f1e00000000000000000001';
const context = createMapContext({ clowder: 'v1', now: () => NOW });

/** A line of an access log: some of a file of 4000 bytes, or all of it, so many seconds after the first. */
function sent(
  range: string | undefined,
  afterS = 0,
  address = '192.0.2.7',
  file = FILE,
  isAll = true,
): readonly Candidate[] {
  const at = NOW - 3_600_000 + afterS * 1000;
  return mapLog(
    {
      timeUnixNano: BigInt(at) * 1_000_000n,
      observedTimeUnixNano: 0n,
      eventName: '',
      body: undefined,
      attributes: {
        'http.request.method': 'GET',
        'url.path': `/api/files/${file}/blob`,
        'http.response.status_code': range === undefined ? 200n : 206n,
        'client.address': address,
        'user_agent.original': 'aria2/1.37',
        'nginx.request_completion': isAll ? 'OK' : '-',
        ...(range !== undefined && { 'http.response.header.content-range': [`bytes ${range}/4000`] }),
      },
      resource: {},
      traceId: `${at.toString(16)}${range ?? ''}`.replaceAll('-', 'd').padStart(32, '0'),
      spanId: '00f067aa0ba902b7',
    },
    context,
  ).candidates;
}

const PIECES = ['0-999', '1000-1999', '2000-2999', '3000-3999'];

test.each<[what: string, observed: readonly (readonly Candidate[])[], downloads: number]>([
  ['the pieces of one download', PIECES.map((range) => sent(range)), 1],
  ['its pieces in another order', PIECES.toReversed().map((range) => sent(range)), 1],
  [
    'a download that broke off, and was resumed',
    [sent(undefined, 0, '192.0.2.7', FILE, false), sent('600-3999', 20)],
    1,
  ],
  ['a download that was resumed where nobody saw its beginning', [sent('600-3999')], 1],
  ["a player's probe, and the file", [sent('0-1'), sent('0-3999', 1)], 1],
  ['a probe alone', [sent('0-0')], 0],
  ['pieces of two viewers', [sent('0-999'), sent('0-999', 1, '198.51.100.9')], 2],
  ['pieces of two files', [sent('0-999'), sent('0-999', 1, '192.0.2.7', '5f1e00000000000000000002')], 2],
  ['pieces ten minutes apart', [sent('0-999'), sent('1000-1999', 600)], 2],
  ['whole downloads, each by itself', [sent(undefined), sent(undefined, 5)], 2],
  ['a whole download, and a piece of another', [sent(undefined), sent('0-999', 5)], 2],
])('%s: downloads that are counted', async (_what, observed, downloads) => {
  const { intake, ids } = world();
  for (const candidates of observed) await intake.submit(candidates);
  expect(ids()).toHaveLength(downloads);
});
