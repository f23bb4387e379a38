/** The configuration is wrong; the message names every setting that is, what it was and what it may be. No secrets. */
export class ConfigError extends Error {
  readonly code = 'invalid_config';
  override readonly name = 'ConfigError';

  /** @param problems a sentence each @param what is wrong, e.g. the path of a file */
  static of(problems: readonly string[], what = 'The configuration'): ConfigError {
    return new ConfigError(`${what} is wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  }
}
