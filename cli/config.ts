import { SETTINGS } from '../collector/config.ts';
import { BLANK, blankUrls, isSecretSetting } from '../runtime/config/blank.ts';
import type { GlobalOptions } from './global-options.ts';
import { printRows } from './output.ts';
import { settingsOf } from './settings.ts';

/** `config check`: prints every setting as it would be used. */
export function checkConfig(options: GlobalOptions): void {
  const settings: Record<string, unknown> = settingsOf(options);
  printRows(
    SETTINGS.map(({ name, description }) => {
      const value = settings[name];
      const shown = typeof value === 'string' || typeof value === 'number' ? String(value) : null;
      return { name, value: shown === null ? null : isSecretSetting(name) ? BLANK : blankUrls(shown), description };
    }),
    ['name', 'value', 'description'],
  );
}
