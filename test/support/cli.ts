import { join } from 'node:path';
import { packedPackage } from '../../tools/packed-package.ts';

/** Arguments of Node that run `clowder-otel` from the packed package, as `npm start` does. */
export const cli = (): readonly string[] => ['--enable-source-maps', join(packedPackage().path, 'dist/cli/main.js')];
