import { describe } from 'vitest';
import { ga4HarnessOf } from '../../support/sinks/ga4-server.ts';
import { sinkContract } from './contract.ts';

describe.each([
  ['as it is', false],
  ['with the validation server before every request', true],
])('%s', (_how, validate) => {
  sinkContract(ga4HarnessOf(validate));
});
