import { withExtraction } from '../../instrumentation/index.ts';
import { setUpTelemetry } from '../../instrumentation/telemetry/set-up.ts';

/** Two extractions of one file, of which the second fails: `two-extractions-program.ts FILE_ID DATASET_ID`. */
const [fileId = '', datasetId = ''] = process.argv.slice(2);
const telemetry = setUpTelemetry({ serviceName: 'ncsa.tiles' });
const job = { extractor: 'ncsa.tiles', version: '2.1', fileId, datasetId };

await withExtraction({ ...job, jobId: 'good', queued: true }, async (x) => {
  x.working('tiling');
  await Promise.resolve();
  x.working('storing 4 tiles');
});
await withExtraction({ ...job, jobId: 'bad' }, () => {
  throw new RangeError('no such tile: token=canary-token');
}).catch(() => undefined);
await telemetry.shutdown();
