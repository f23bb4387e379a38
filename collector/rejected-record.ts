import type { Rejection } from '../taxonomy/map.ts';
import { redactText } from '../taxonomy/redaction.ts';
import type { RejectedRecord } from './journal/journal.ts';

const RECORD_MAX = 65_536;
const TEXT_MAX = 8192;
const MESSAGE_MAX = 4096;

/** What is kept of an event that can never be accepted: bounded, and without secrets. */
export function toRejectedRecord(
  { code, message, record }: Rejection,
  origin: string,
  atMs: number,
): Omit<RejectedRecord, 'id'> {
  return { atMs, origin, code, message: message.slice(0, MESSAGE_MAX), record: bounded(record) };
}

function bounded(record: unknown): string {
  const text = JSON.stringify(record, (_key, value: unknown) => kept(value)) ?? 'null';
  return text.length > RECORD_MAX ? JSON.stringify({ truncated: text.slice(0, RECORD_MAX) }) : text;
}

function kept(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'string' ? redactText(value.slice(0, TEXT_MAX)) : value;
}
