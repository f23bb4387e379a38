import { join } from 'node:path';
import { packedPackage } from '../../tools/packed-package.ts';

/** The Node flags of every shipped start: young objects may take 8 MiB per semi-space. */
export const NODE_FLAGS = ['--enable-source-maps', '--max-semi-space-size=8'] as const;

/** Node's arguments to run `clowder-otel` from the packed package, as `npm start` does. */
export const cli = (): readonly string[] => [...NODE_FLAGS, join(packedPackage().path, 'dist/cli/main.js')];
