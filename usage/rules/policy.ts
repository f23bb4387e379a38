import { hash } from 'node:crypto';
import { entriesOf } from '../../runtime/config/values.ts';

/** From how much on a day of one user is flagged: no person has it. */
export interface BehaviourLimits {
  /** More different datasets than that. */
  readonly datasets: number;
  /** More downloads than that. */
  readonly downloads: number;
  /** As many views and downloads or more, at a steady rate. */
  readonly steady: number;
}

/** What a site decides of counting. A change holds for what happened before, too. */
export interface Policy {
  /** Own staff and tests: ids or names of users. */
  readonly users: readonly string[];
  /** Addresses and networks. */
  readonly networks: readonly string[];
  /** Parts of user agents, in small letters. */
  readonly agents: readonly string[];
  readonly behaviour: BehaviourLimits;
}

export const BEHAVIOUR_LIMITS: BehaviourLimits = { datasets: 200, downloads: 1000, steady: 100 };
export const DEFAULT_POLICY: Policy = { users: [], networks: [], agents: [], behaviour: BEHAVIOUR_LIMITS };

/** The settings that a policy is made of. */
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

/** The mark of a store under which it has the policy that it was judged by. */
export const POLICY_MARK = 'policy';
/** Tells one policy, with its table of countries, from another. */
export const policyId = (policy: Policy, countries: string | undefined): string =>
  hash('sha256', JSON.stringify([policy, countries]), 'hex').slice(0, 16);
