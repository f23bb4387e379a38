import { InvalidArgumentError } from 'commander';

/** Value of an option that counts. @throws InvalidArgumentError */
export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be an integer from 1 on.');
  return value;
}
