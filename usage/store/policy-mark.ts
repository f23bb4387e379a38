import type { Countries } from '../rules/addresses.ts';
import { policyId, POLICY_MARK, type Policy } from '../rules/policy.ts';
import type { UsageStore } from './usage-store.ts';

/** Records the policy that the store is judged by, so that a report can explain different figures. */
export async function markPolicy(store: UsageStore, policy: Policy, countries: Countries | undefined): Promise<void> {
  const id = policyId(policy, countries?.id);
  if ((await store.mark(POLICY_MARK)) !== id) await store.ingest([], { [POLICY_MARK]: id });
}
