import { clowderEvents, withExtraction } from '../../instrumentation/index.ts';

/** An extractor that never ends: `extraction-program.ts FILE_ID JOB_ID`, to be run with the preload. */
const [fileId = '', jobId = ''] = process.argv.slice(2);

await withExtraction({ extractor: 'ncsa.tiles', version: '2.1', fileId, jobId, queued: true }, async (x) => {
  x.working('tiling');
  clowderEvents.fileUploaded({ fileId: `${fileId}-tile`, bytes: 1 });
  // Something to wait for, so that the process does not end by itself.
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
});
