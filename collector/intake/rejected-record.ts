import type { Rejection } from '../../taxonomy/map/candidate.ts';
import { ATTRIBUTE_OF_FIELD } from '../../taxonomy/attributes.ts';
import { isSecretName, redactText } from '../../taxonomy/redaction.ts';
import { cut } from '../../taxonomy/text.ts';
import type { RejectedRecord } from '../journal/journal.ts';
import { senderInWords } from '../keys/sender.ts';

const RECORD_MAX = 65_536;
const TEXT_MAX = 8192;
const MESSAGE_MAX = 4096;

/** The record of an event that can never be accepted, bounded and without secrets. */
export function toRejectedRecord(
  { code, message, record, service }: Rejection,
  origin: string,
  atMs: number,
): Omit<RejectedRecord, 'id'> {
  const sender = senderInWords(service);
  return { atMs, origin, sender, code, message: cut(message, MESSAGE_MAX), record: bounded(record) };
}

function bounded(record: unknown): string {
  const text = JSON.stringify(record, (name, value: unknown) => kept(name, value)) ?? 'null';
  return text.length > RECORD_MAX ? JSON.stringify({ truncated: cut(text, RECORD_MAX) }) : text;
}

/** Fields of events stay, even if their names look secret, because the record may be replayed. */
function kept(name: string, value: unknown): unknown {
  if (isSecretName(name) && !Object.hasOwn(ATTRIBUTE_OF_FIELD, name)) return 'REDACTED';
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? redactText(cut(value, TEXT_MAX)) : value;
}
