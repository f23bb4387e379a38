/** The configuration is wrong. The message names every wrong setting, its value and what it may be. No secrets. */
export class ConfigError extends Error {
  readonly code = 'invalid_config';
  override readonly name = 'ConfigError';

  /** @param problems a sentence each @param what where they are, e.g. the path of a file */
  static of(problems: readonly string[], what = 'The configuration'): ConfigError {
    return new ConfigError(`${what} is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}
