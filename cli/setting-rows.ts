import { BLANK, blankUrls, isSecretSetting } from '../runtime/config/blank.ts';
import { readConfigFile } from '../runtime/config/file.ts';
import { sourceOf, type Given } from '../runtime/config/source.ts';
import { printAddress } from '../runtime/config/values.ts';
import { printRows, type Row } from './output.ts';

/** The programs that `config check` can check. */
export const CHECKED_PROGRAMS = ['collector', 'proxy', 'sink', 'monitor'] as const;
export type CheckedProgram = (typeof CHECKED_PROGRAMS)[number];

/** A setting in force, and its source. */
interface SettingRow extends Row {
  readonly name: string;
  readonly value: string | null;
  /** `environment`, the path of the file, or `default`; null if unset. */
  readonly from: string | null;
  readonly description: string;
}

export interface Described {
  readonly name: string;
  readonly description: string;
}

/** Settings in the file that `--config` names. @throws ConfigError */
export const fileOf = (config: string | undefined): Given => (config === undefined ? {} : readConfigFile(config));

export interface SettingsInForce {
  /** Path of the file, if there is one. */
  readonly config: string | undefined;
  readonly settings: readonly Described[];
  /** Values by the settings' names. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The file's settings, by the same names. @default as the file names them */
  readonly inFile?: Given;
}

/** Rows for `printSettingRows`: the settings in force, with secrets hidden. */
export function settingRows({
  config,
  settings,
  values,
  inFile = fileOf(config),
}: SettingsInForce): readonly SettingRow[] {
  const sources: Readonly<Record<string, Given>> = { environment: process.env, [config ?? 'file']: inFile };
  return settings.map(({ name, description }) => {
    const value = shownValue(name, values[name]);
    return { name, value, from: sourceOf(name, sources) ?? (value === null ? null : 'default'), description };
  });
}

export function printSettingRows(rows: readonly SettingRow[]): void {
  printRows(rows, ['name', 'value', 'from', 'description']);
}

/** As people write it, without secrets; null if unset. */
function shownValue(name: string, value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (isSecretSetting(name)) return BLANK;
  if (value instanceof URL) return blankUrls(value.href);
  if (Array.isArray(value)) return value.join(',');
  if (isAddress(value)) return printAddress(value);
  return blankUrls(typeof value === 'string' ? value : JSON.stringify(value));
}

function isAddress(value: unknown): value is { host: string; port: number } {
  return typeof value === 'object' && value !== null && 'host' in value && 'port' in value;
}
