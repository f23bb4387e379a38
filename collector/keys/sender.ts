import { AsyncLocalStorage } from 'node:async_hooks';
import ipaddr from 'ipaddr.js';

/** The sender of the current request. */
export interface Sender {
  /** Name of the API key; undefined if no key has been made. */
  readonly key: string | undefined;
  /** Whether it may speak for a capture: its key has that scope, or no key has been made. */
  readonly captures: boolean;
  /** Address of the peer. */
  readonly address: string | undefined;
}

const senders = new AsyncLocalStorage<Sender>();

/** Handles a request on behalf of the sender, who is recorded with everything that is stored. */
export function handleAs<T>(sender: Sender, handle: () => T): T {
  return senders.run(sender, handle);
}

/** Name of the current request's key; undefined if no key has been made. */
export const producerNow = (): string | undefined => senders.getStore()?.key;

/** Whether the current request may speak for a capture. */
export const maySpeakForCaptures = (): boolean => senders.getStore()?.captures ?? true;

/**
 * The sender in words, for an operator who asks where a record came from; '' outside a request.
 *
 * @param service `service.name` that the record states
 */
export function senderInWords(service: string | undefined): string {
  const sender = senders.getStore();
  return [
    sender?.key !== undefined && `key ${sender.key}`,
    service !== undefined && `service ${service.slice(0, 256)}`,
    sender?.address !== undefined && `${addressClass(sender.address)} address`,
  ]
    .filter((part) => part !== false)
    .join(', ');
}

const PRIVATE_RANGES: ReadonlySet<string> = new Set(['private', 'uniqueLocal', 'linkLocal', 'carrierGradeNat']);

/** The class of an address, not its owner: this machine, a private network, or the internet. */
export function addressClass(address: string): 'loopback' | 'private' | 'public' | 'unknown' {
  if (!ipaddr.isValid(address)) return 'unknown';
  const range = ipaddr.process(address).range();
  return range === 'loopback' ? 'loopback' : PRIVATE_RANGES.has(range) ? 'private' : 'public';
}
