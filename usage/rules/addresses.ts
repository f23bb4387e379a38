import { hash } from 'node:crypto';
import { isOneOf } from '../../runtime/config/networks.ts';
import type { Policy } from './policy.ts';

/** What an address says of whoever came from it. */
export interface AddressVerdict {
  /** ISO 3166-1, two capital letters; null where nobody knows. */
  readonly country: string | null;
  /** Whether it is of a network that is not counted. */
  readonly excluded: boolean;
}

/** A table of countries. */
export interface Countries {
  /** Tells one table from another. */
  readonly id: string;
  readonly countryOf: (address: string) => string | undefined;
}

/** Judges addresses; once each, and again where its `id` changes. */
export interface AddressJudge {
  readonly id: string;
  /** Whether it says anything of any address. */
  readonly isNeeded: boolean;
  readonly judge: (address: string) => AddressVerdict;
}

export function addressJudge({ networks }: Pick<Policy, 'networks'>, countries?: Countries): AddressJudge {
  const isExcluded = isOneOf(networks);
  return {
    id: hash('sha256', JSON.stringify([networks, countries?.id]), 'hex').slice(0, 16),
    isNeeded: networks.length > 0 || countries !== undefined,
    judge: (address) => ({ country: countries?.countryOf(address) ?? null, excluded: isExcluded(address) }),
  };
}
