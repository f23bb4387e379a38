import { createHmac } from 'node:crypto';
import type { FieldValue } from '../sink.ts';
import { FIELD_CLASSES, isFixedField, isKnownField } from './field-classes.ts';
import type { FieldClass } from '../../taxonomy/event-fields.ts';
import { TRUNCATIONS } from './truncate.ts';

export const PRIVACY_ACTIONS = ['keep', 'drop', 'hash', 'truncate'] as const;
export type PrivacyAction = (typeof PRIVACY_ACTIONS)[number];

/** What happens to each named field; `actionOf` decides for all others. */
export type PrivacyPolicy = Readonly<Record<string, PrivacyAction>>;

/** What third parties get by default. An unknown field may be about anyone. */
export const THIRD_PARTY_DEFAULTS: Readonly<Record<FieldClass | 'unknown', PrivacyAction>> = {
  thing: 'keep',
  person: 'drop',
  trail: 'drop',
  words: 'drop',
  place: 'truncate',
  unknown: 'drop',
};

/**
 * Returns what happens to a field: as the operator says; otherwise, a third party gets what the class allows; otherwise the
 * field is kept.
 */
export function actionOf(field: string, policy: PrivacyPolicy, thirdParty: boolean): PrivacyAction {
  if (isFixedField(field)) return 'keep';
  const said = Object.hasOwn(policy, field) ? policy[field] : undefined;
  if (said !== undefined) return said;
  if (!thirdParty) return 'keep';
  return THIRD_PARTY_DEFAULTS[isKnownField(field) ? FIELD_CLASSES[field] : 'unknown'];
}

/** Returns what remains of a value; undefined for nothing. */
export type FieldPolicy = (value: FieldValue) => FieldValue | undefined;

/** @param secret key for the hashes, which prevents guessing values; required if a field is hashed */
export function fieldPolicy(field: string, action: PrivacyAction, secret: string | undefined): FieldPolicy {
  if (action === 'keep') return (value) => value;
  if (action === 'hash' && secret !== undefined)
    return (value) => (isNobody(String(value)) ? value : hashOf(String(value), secret));
  if (action === 'truncate') {
    const truncate = TRUNCATIONS[field];
    // If there is no way to truncate a field, nothing of it may pass.
    return (value) => (truncate === undefined ? undefined : truncate(String(value)));
  }
  return () => undefined;
}

/** Whether this is Clowder v1's id for users who are not logged in: 24 zeros. A hash of it would look like a person. */
export const isNobody = (userId: string): boolean => /^0{24}$/.test(userId);

/** HMAC-SHA-256, hex. A value has the same hash in every field, so an author can be matched to a user. */
export function hashOf(value: string, secret: string): string {
  return createHmac('sha256', secret).update(value).digest('hex');
}
