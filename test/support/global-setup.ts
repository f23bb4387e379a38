import { packPackage } from '../../tools/packed-package.ts';
import { MissingToolError, setUpTools } from '../../tools/setup.ts';

/**
 * Vitest's global set-up of the integration tests: the test tools are there, or one line says which is not;
 * and so is the package, which is what the programs of the tests run from.
 */
export default function setup(): void {
  try {
    setUpTools('test');
  } catch (error) {
    if (error instanceof MissingToolError) delete error.stack;
    throw error;
  }
  packPackage();
}
