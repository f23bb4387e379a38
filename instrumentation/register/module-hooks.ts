import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';

/** The part of import-in-the-middle/register-hooks.mjs that is used. */
interface SyncHooks {
  register(options: { include: readonly string[] }): void;
  supportsSyncHooks(): boolean;
}

/** Of a package of @opentelemetry/instrumentation's, not of ours. */
const SYNC_HOOKS = 'import-in-the-middle/register-hooks.mjs';
const ASYNC_HOOKS = 'import-in-the-middle/hook.mjs';
const EVALUATED = /^(?:-e|-p|-pe|--eval|--print)(?:=|$)/;

/**
 * Has `import` of these packages pass through the instrumentations; `require` does without hooks. All other modules load
 * as ever. By `module.registerHooks` where Node can, else by `module.register`, which newer Nodes warn of. Not for
 * `node -e`: there the hooks of import-in-the-middle 3.6 break `require` of Node's own modules.
 *
 * @throws where Node refuses
 */
export function hookImports(packages: readonly string[]): void {
  if (process.execArgv.some((argument) => EVALUATED.test(argument))) return;
  // The very copy that @opentelemetry/instrumentation uses: another would not know its instrumentations.
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
