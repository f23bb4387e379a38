import { join } from 'node:path';
import { packedPackage } from '../../tools/packed-package.ts';

/** With which every shipped start of a program runs Node: what Node forgets at once takes 16 MiB at most, and all of it 250. */
export const NODE_FLAGS = ['--enable-source-maps', '--max-semi-space-size=16'] as const;

/** Arguments of Node that run `clowder-otel` from the packed package, as `npm start` does. */
export const cli = (): readonly string[] => [...NODE_FLAGS, join(packedPackage().path, 'dist/cli/main.js')];
