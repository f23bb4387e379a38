import type { z } from 'zod';
import { isSecretSetting, shown } from '../../runtime/config/blank.ts';
import { isUnset } from '../../runtime/config/source.ts';

/** The settings of one sink, and the variable that each came from, if not the file. */
export class Origins {
  readonly #section: string;
  readonly #value: Record<string, unknown>;
  readonly #variables = new Map<string, string>();

  /** @param section its place in the file, e.g. `sinks.amplitude` */
  constructor(section: string, given: Readonly<Record<string, unknown>>) {
    this.#section = section;
    this.#value = set(given);
  }

  get value(): Readonly<Record<string, unknown>> {
    return this.#value;
  }

  /** Sets a setting from a variable; an empty variable counts as unset. @returns whether the variable was set */
  set(variable: string, path: readonly string[], text: string | undefined): boolean {
    const [head, tail] = path;
    if (isUnset(text) || head === undefined) return false;
    this.#variables.set(path.join('.'), variable);
    const inner = this.#value[head];
    this.#value[head] =
      tail === undefined ? text : { ...(typeof inner === 'object' ? inner : undefined), [tail]: text };
    return true;
  }

  /** Returns the name of the variable, or the place in the file. */
  nameOf(path: readonly PropertyKey[]): string {
    for (let length = path.length; length > 0; length -= 1) {
      const variable = this.#variables.get(path.slice(0, length).map(String).join('.'));
      if (variable !== undefined) return variable;
    }
    return [this.#section, ...path.map(String)].join('.');
  }

  valueAt(path: readonly PropertyKey[]): unknown {
    let value: unknown = this.#value;
    for (const key of path) {
      // A variable's text stands for the whole list or map.
      if (typeof value !== 'object' || value === null) return value;
      value = Reflect.get(value, key);
    }
    return value;
  }
}

/** Explains an issue in one sentence: where, what it was, what it may be. Hides the values of settings that sound secret. */
export function explainIssue(
  issue: z.core.$ZodIssue,
  origins: Origins,
  variables: Readonly<Record<string, string>>,
): string {
  const value = origins.valueAt(issue.path);
  const name = origins.nameOf(issue.path);
  if (issue.code === 'unrecognized_keys')
    return `${[name, ''].join('.')}${issue.keys.join(', ')}: there is no such setting`;
  if (value === undefined) {
    const variable = Object.keys(variables).find((one) => variables[one] === issue.path.map(String).join('.'));
    return `${name} is missing${variable === undefined ? '' : `: set ${variable}, or ${name} in the file`}`;
  }
  const hidden = issue.path.some((key) => isSecretSetting(String(key)));
  return `${name} was ${shown(value, hidden)}: ${issue.message}`;
}

/** Returns what is set in a section of the file, at any depth. */
function set(section: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(section).flatMap(([name, value]) =>
      isUnset(value) ? [] : [[name, isMap(value) ? set(value) : value]],
    ),
  );
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
