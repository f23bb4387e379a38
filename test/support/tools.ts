import { TEST_TOOLS } from '../../tools/test-tools.ts';

export { PYTHON } from '../../tools/test-tools.ts';

/**
 * Path of a test tool's program.
 *
 * @throws Error if the tool is missing: `node tools/setup.ts` installs it
 */
export function toolPath(tool: keyof typeof TEST_TOOLS): string {
  const { name, find } = TEST_TOOLS[tool];
  const path = find();
  if (path === undefined)
    throw new Error(`${name} is missing: run \`node tools/setup.ts\` and \`node tools/setup.ts bench\``);
  return path;
}
