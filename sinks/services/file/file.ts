import { z } from 'zod';
import { valueOf } from '../../../runtime/config/schema.ts';
import { size } from '../../../runtime/config/values.ts';
import { openArchive } from './archive.ts';
import { checkDirectory } from './check-directory.ts';
import type { BatchLimits, SinkDefinition } from '../../sink.ts';

const config = z.strictObject({
  directory: z.string().min(1).describe('Directory of the archive; it is made if it is missing'),
  max_bytes: valueOf(size({ least: 1024 }))
    .default(256 * 1024 ** 2)
    .describe('Size at which a file is closed and the next begun'),
});

type Config = z.infer<typeof config>;

const LIMITS: BatchLimits = { maxEvents: 2000, maxBytes: 8 * 1024 ** 2 };
/**
 * Number of last events remembered, to write none twice. A killed collector republishes what it had not noted as published, and
 * a killed broker has lost acknowledgements. At full speed, each of these goes back tens of thousands of events.
 */
const KNOWN_IDS = 250_000;

/** The archive: NDJSON files, closed by day or by size, and then gzipped. */
export const fileSink: SinkDefinition<Config> = {
  name: 'file',
  description: 'NDJSON files, rotated by day and size, gzipped: the archive',
  config,
  variables: { SINK_FILE_DIRECTORY: 'directory', SINK_FILE_MAX_BYTES: 'max_bytes' },
  thirdParty: false,
  dedupes: true,
  limits: () => LIMITS,
  async open({ directory, max_bytes: maxBytes }, { log, now }) {
    const archive = openArchive({ directory, maxBytes, knownIds: KNOWN_IDS, log, now });
    return {
      check: () => checkDirectory(directory),
      async send(batch) {
        await archive.append(batch.map(({ fields }) => fields));
        return { kind: 'accepted' };
      },
      close: () => archive.close(),
    };
  },
};
