import { expect, test, vi } from 'vitest';
import { clowderEvents } from './clowder-events.ts';
import { withExtraction } from './extraction.ts';

test('without an SDK, one loud message says that nothing is sent and how to start it, and the work is done', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const job = { extractor: 'ncsa.tiles', fileId: '5f1e00000000000000000001' };
  for (const answer of [1, 2]) expect(await withExtraction(job, () => answer)).toBe(answer);
  clowderEvents.fileDeleted({ fileId: job.fileId });
  const said = write.mock.calls.map(([text]) => String(text));
  write.mockRestore();
  expect(said).toEqual([
    expect.stringMatching(/^clowder-otel: no event is sent: .* "node --import clowder-otel\/register …".*\n$/),
  ]);
});
