import { hash } from 'node:crypto';
import { isOneOf } from '../../runtime/config/networks.ts';
import type { Policy } from './policy.ts';

/** Verdict on an address. */
export interface AddressVerdict {
  /** ISO 3166-1, two capital letters; null if unknown. */
  readonly country: string | null;
  /** Whether the address is in an excluded network. */
  readonly excluded: boolean;
}

/** A table of countries. */
export interface Countries {
  /** Differs for each table. */
  readonly id: string;
  readonly countryOf: (address: string) => string | undefined;
}

/** Judges each address once, and again if `id` changes. */
export interface AddressJudge {
  readonly id: string;
  /** Whether any address can get a verdict. */
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
