import { hash } from 'node:crypto';
import { entriesOf } from '../../runtime/config/values.ts';

/** Limits from which a user's day is flagged: no person reaches them. */
export interface BehaviourLimits {
  /** Flagged above this many different datasets. */
  readonly datasets: number;
  /** Flagged above this many downloads. */
  readonly downloads: number;
  /** Flagged from this many views and downloads on, if they come at a steady rate. */
  readonly steady: number;
}

/** A site's rules for counting. A change also applies to earlier events. */
export interface Policy {
  /** Own staff and tests: ids or names of users. */
  readonly users: readonly string[];
  /** Addresses and networks. */
  readonly networks: readonly string[];
  /** Parts of user agents, in lower case. */
  readonly agents: readonly string[];
  readonly behaviour: BehaviourLimits;
}

export const BEHAVIOUR_LIMITS: BehaviourLimits = { datasets: 200, downloads: 1000, steady: 100 };
export const DEFAULT_POLICY: Policy = { users: [], networks: [], agents: [], behaviour: BEHAVIOUR_LIMITS };

/** The settings for a policy. */
export interface PolicySettings {
  readonly USAGE_EXCLUDE_USERS?: string | undefined;
  readonly USAGE_EXCLUDE_NETWORKS?: string | undefined;
  readonly USAGE_EXCLUDE_AGENTS?: string | undefined;
  readonly USAGE_MANY_DATASETS: number;
  readonly USAGE_MANY_DOWNLOADS: number;
  readonly USAGE_STEADY_EVENTS: number;
}

export const policyOf = (settings: PolicySettings): Policy => ({
  users: entriesOf(settings.USAGE_EXCLUDE_USERS),
  networks: entriesOf(settings.USAGE_EXCLUDE_NETWORKS),
  agents: entriesOf(settings.USAGE_EXCLUDE_AGENTS).map((agent) => agent.toLowerCase()),
  behaviour: {
    datasets: settings.USAGE_MANY_DATASETS,
    downloads: settings.USAGE_MANY_DOWNLOADS,
    steady: settings.USAGE_STEADY_EVENTS,
  },
});

/** Name of the store's mark for the policy that it was judged by. */
export const POLICY_MARK = 'policy';
/** Differs for each policy with its table of countries. */
export const policyId = (policy: Policy, countries: string | undefined): string =>
  hash('sha256', JSON.stringify([policy, countries]), 'hex').slice(0, 16);
