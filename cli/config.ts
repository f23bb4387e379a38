import { SETTINGS } from '../collector/config.ts';
import { redactAmqpUrl } from '../exporter/amqp-url.ts';
import type { GlobalOptions } from './main.ts';
import { printRows } from './output.ts';
import { settingsOf } from './settings.ts';

/** `config check`: prints every setting as it would be used. */
export function checkConfig(options: GlobalOptions): void {
  const settings: Record<string, unknown> = settingsOf(options);
  printRows(
    SETTINGS.map(({ name, description }) => {
      const value = settings[name];
      const shown = name === 'AMQP_URL' && typeof value === 'string' ? redactAmqpUrl(value) : value;
      return { name, value: shown === undefined ? null : String(shown), description };
    }),
    ['name', 'value', 'description'],
  );
}
