import { AsyncLocalStorage } from 'node:async_hooks';
import ipaddr from 'ipaddr.js';

/** Who sent the request that is being handled. */
export interface Sender {
  /** Name of the API key; undefined where no key was made. */
  readonly key: string | undefined;
  /** Whether it may speak for a capture: its key has that scope, or no key was made. */
  readonly captures: boolean;
  /** Of the other end of the connection. */
  readonly address: string | undefined;
}

const senders = new AsyncLocalStorage<Sender>();

/** Handles a request as that of the sender: what is kept of it says so. */
export function handleAs<T>(sender: Sender, handle: () => T): T {
  return senders.run(sender, handle);
}

/** Name of the key with which the request that is being handled came; undefined where no key was made. */
export const producerNow = (): string | undefined => senders.getStore()?.key;

/** Whether the request that is being handled may speak for a capture. */
export const maySpeakForCaptures = (): boolean => senders.getStore()?.captures ?? true;

/**
 * The sender in words, for an operator who asks whose record it was; '' where no request is being handled.
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

/** Where an address is, and not whose: this machine, a network of ours, or anywhere. */
export function addressClass(address: string): 'loopback' | 'private' | 'public' | 'unknown' {
  if (!ipaddr.isValid(address)) return 'unknown';
  const range = ipaddr.process(address).range();
  return range === 'loopback' ? 'loopback' : PRIVATE_RANGES.has(range) ? 'private' : 'public';
}
