import { createHmac } from 'node:crypto';
import type { FieldValue } from '../sink.ts';
import { FIELD_CLASSES, isFixedField, isKnownField } from './field-classes.ts';
import type { FieldClass } from '../../taxonomy/event-fields.ts';
import { TRUNCATIONS } from './truncate.ts';

export const PRIVACY_ACTIONS = ['keep', 'drop', 'hash', 'truncate'] as const;
export type PrivacyAction = (typeof PRIVACY_ACTIONS)[number];

/** What becomes of fields; of one that is not named, what follows from its class. */
export type PrivacyPolicy = Readonly<Record<string, PrivacyAction>>;

/** What a third party gets if the operator does not say otherwise. A field that nobody knows may be about anybody. */
export const THIRD_PARTY_DEFAULTS: Readonly<Record<FieldClass | 'unknown', PrivacyAction>> = {
  thing: 'keep',
  person: 'drop',
  trail: 'drop',
  words: 'drop',
  place: 'truncate',
  unknown: 'drop',
};

/** What becomes of a field: the operator's word, else the class's for a third party, else nothing. */
export function actionOf(field: string, policy: PrivacyPolicy, thirdParty: boolean): PrivacyAction {
  if (isFixedField(field)) return 'keep';
  const said = Object.hasOwn(policy, field) ? policy[field] : undefined;
  if (said !== undefined) return said;
  if (!thirdParty) return 'keep';
  return THIRD_PARTY_DEFAULTS[isKnownField(field) ? FIELD_CLASSES[field] : 'unknown'];
}

/** What is left of a value; undefined: nothing. */
export type FieldPolicy = (value: FieldValue) => FieldValue | undefined;

/** @param secret keys the hashes: without it nobody can find out a value by trying; required if a field is hashed */
export function fieldPolicy(field: string, action: PrivacyAction, secret: string | undefined): FieldPolicy {
  if (action === 'keep') return (value) => value;
  if (action === 'hash' && secret !== undefined)
    return (value) => (isNobody(String(value)) ? value : hashOf(String(value), secret));
  if (action === 'truncate') {
    const truncate = TRUNCATIONS[field];
    // Without a way to shorten it, nothing of it may pass.
    return (value) => (truncate === undefined ? undefined : truncate(String(value)));
  }
  return () => undefined;
}

/** Clowder v1's user if nobody is logged in: 24 zeros are nobody's secret, and their hash would be somebody. */
export const isNobody = (userId: string): boolean => /^0{24}$/.test(userId);

/** HMAC-SHA-256, hex. The same value has the same hash in every field: an author is found again as a user. */
export function hashOf(value: string, secret: string): string {
  return createHmac('sha256', secret).update(value).digest('hex');
}
