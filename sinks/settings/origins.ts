import type { z } from 'zod';
import { redactText } from '../../taxonomy/redaction.ts';

/** The settings of one sink, and which variable each came from, where it was not the file. */
export class Origins {
  readonly #section: string;
  readonly #value: Record<string, unknown>;
  readonly #variables = new Map<string, string>();

  /** @param section where they stand in the file, e.g. `sinks.amplitude` */
  constructor(section: string, given: Readonly<Record<string, unknown>>) {
    this.#section = section;
    this.#value = { ...given };
  }

  get value(): Readonly<Record<string, unknown>> {
    return this.#value;
  }

  /** Sets what a variable says; one that is empty counts as unset. @returns whether it says something */
  set(variable: string, path: readonly string[], text: string | undefined): boolean {
    const [head, tail] = path;
    if (text === undefined || text === '' || head === undefined) return false;
    this.#variables.set(path.join('.'), variable);
    const inner = this.#value[head];
    this.#value[head] =
      tail === undefined ? text : { ...(typeof inner === 'object' ? inner : undefined), [tail]: text };
    return true;
  }

  /** Name of the variable, or the place in the file. */
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
      // Text of a variable stands for the whole of a list or map.
      if (typeof value !== 'object' || value === null) return value;
      value = Reflect.get(value, key);
    }
    return value;
  }
}

const SECRET = /key|secret|token|passw|credential|signature|headers|dsn/i;
const SHOWN_LENGTH = 200;
/** User and password of a URL. */
const USER_INFO = /:\/\/[^/@\s]*@/g;

/** One sentence: where, what it was, what it may be. A setting whose name sounds like a secret is not shown. */
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
  const hidden = issue.path.some((key) => SECRET.test(String(key)));
  return `${name} was ${hidden ? '***' : show(value)}: ${issue.message}`;
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return redactText(text.replace(USER_INFO, '://***@')).slice(0, SHOWN_LENGTH);
}
