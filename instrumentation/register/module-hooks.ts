import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';

/** The part of import-in-the-middle/register-hooks.mjs used here. */
interface SyncHooks {
  register(options: { include: readonly string[] }): void;
  supportsSyncHooks(): boolean;
}

/** From a dependency of @opentelemetry/instrumentation, not one of ours. */
const SYNC_HOOKS = 'import-in-the-middle/register-hooks.mjs';
const ASYNC_HOOKS = 'import-in-the-middle/hook.mjs';
const EVALUATED = /^(?:-e|-p|-pe|--eval|--print)(?:=|$)/;

/**
 * Routes `import` of these packages through the instrumentations; `require` needs no hooks, and all other modules load as
 * before. Uses `module.registerHooks` if Node has it, else `module.register`, which newer Nodes warn about. Does nothing for
 * `node -e`: there the hooks of import-in-the-middle 3.6 break `require` of Node's own modules.
 *
 * @throws if Node refuses the hooks
 */
export function hookImports(packages: readonly string[]): void {
  if (process.execArgv.some((argument) => EVALUATED.test(argument))) return;
  // Must be the copy that @opentelemetry/instrumentation uses: another would not know its instrumentations.
  const require = createRequire(createRequire(import.meta.url).resolve('@opentelemetry/instrumentation'));
  const hooks: unknown = require(SYNC_HOOKS);
  if (isSyncHooks(hooks) && hooks.supportsSyncHooks()) {
    hooks.register({ include: packages });
  } else {
    register(pathToFileURL(require.resolve(ASYNC_HOOKS)), { data: { include: packages } });
  }
}

function isSyncHooks(module: unknown): module is SyncHooks {
  return typeof module === 'object' && module !== null && 'register' in module && 'supportsSyncHooks' in module;
}
