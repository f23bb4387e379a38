import { fileSink } from './file.ts';
import type { SinkDefinition } from './sink.ts';

/** Every kind of service that events can go to, in the order in which `sink list` shows them. */
export const SINKS: readonly SinkDefinition<unknown>[] = [fileSink];
