/** Settings by name, from an environment, a file or a command line. */
export type Given = Readonly<Record<string, unknown>>;
export type Environment = Readonly<Record<string, string | undefined>>;

/** Empty means unset, everywhere: no value, `NAME=`, `NAME: ""`, `NAME:` and only blanks. */
export function isUnset(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** The text of a variable, without blanks around it; undefined if it is unset. */
export function textOf(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return isUnset(value) ? undefined : value?.trim();
}

/** The first source that sets the setting; undefined if none does. */
export function sourceOf<Source extends string>(
  name: string,
  sources: Readonly<Record<Source, Given>>,
): Source | undefined {
  const names = Object.keys(sources) as Source[];
  return names.find((source) => Object.hasOwn(sources[source], name) && !isUnset(sources[source][name]));
}

/** The values of these names: the first source that sets a name wins. */
export function givenOf(names: readonly string[], ...sources: readonly Given[]): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const name of names) {
    const source = sources.find((one) => Object.hasOwn(one, name) && !isUnset(one[name]));
    if (source !== undefined) given[name] = source[name];
  }
  return given;
}
