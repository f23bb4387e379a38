import { clowderEvents, withExtraction } from '../../instrumentation/index.ts';
import { setUpTelemetry } from '../../instrumentation/telemetry/set-up.ts';

/** An extractor that never ends: `extraction-program.ts FILE_ID JOB_ID`, with the standard OTEL_* names. */
const [fileId = '', jobId = ''] = process.argv.slice(2);
setUpTelemetry({ serviceName: 'extraction-program' });

await withExtraction({ extractor: 'ncsa.tiles', version: '2.1', fileId, jobId, queued: true }, async (x) => {
  x.working('tiling');
  clowderEvents.fileUploaded({ fileId: `${fileId}-tile`, bytes: 1 });
  // Something to wait for, so that the process does not end by itself.
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
});
