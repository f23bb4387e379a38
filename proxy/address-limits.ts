import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import ipaddr from 'ipaddr.js';
import { UpstreamError } from './upstream/index.ts';

/** The client behind an address: an IPv4 address as it is; for IPv6 its /64, which belongs to one host or household. */
function addressGroup(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  if (!address.includes(':')) return address;
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  return parsed instanceof ipaddr.IPv6 ? `${parsed.parts.slice(0, 4).join(':')}/64` : parsed.toString();
}

/** Counts the connections of each client address and closes those above the limit. */
export function limitConnections(most: number, onRefused: () => void): (connection: Duplex) => void {
  const open = new Map<string, number>();
  return function limitConnection(socket) {
    // A socket read a second time is already counted.
    if (!(socket instanceof Socket)) return;
    const group = addressGroup(socket.remoteAddress);
    const before = open.get(group) ?? 0;
    if (before >= most) {
      onRefused();
      socket.destroy();
      return;
    }
    open.set(group, before + 1);
    socket.once('close', () => lower(open, group));
  };
}

/** A request that waits until its client address has fewer requests under way. */
export interface Arrival {
  /**
   * The address group whose place the request holds; undefined if it holds none. `AddressPlaces` writes it here: a map of
   * short-lived requests would keep each in memory until the next full garbage collection.
   */
  place: string | undefined;
  /** The request may go on. Called at once or later. */
  admitted(): void;
  failed(error: UpstreamError, stale: boolean): void;
}

/** Limits the requests of one client address that are under way at once; further ones wait, in order of arrival. */
export class AddressPlaces {
  readonly #most: number;
  readonly #waitMs: number;
  readonly #counts = new Map<string, number>();
  /** Waiting requests by address, each with the timer that ends its wait. */
  readonly #waiting = new Map<string, Map<Arrival, NodeJS.Timeout | undefined>>();

  /**
   * @param most requests of one address; 0 for no limit
   * @param waitMs longest wait of a request; 0 for no limit
   */
  constructor(most: number, waitMs: number) {
    this.#most = most;
    this.#waitMs = waitMs;
  }

  enter(address: string | undefined, arrival: Arrival): void {
    if (this.#most === 0) return arrival.admitted();
    const group = addressGroup(address);
    if ((this.#counts.get(group) ?? 0) < this.#most) return this.#admit(group, arrival);
    const arrivals = this.#waiting.get(group) ?? new Map<Arrival, NodeJS.Timeout | undefined>();
    this.#waiting.set(group, arrivals);
    arrivals.set(
      arrival,
      this.#waitMs === 0 ? undefined : setTimeout(() => this.#refuse(group, arrival), this.#waitMs),
    );
  }

  /** Call when the request is over or no longer waits. */
  leave(address: string | undefined, arrival: Arrival): void {
    if (this.#most === 0) return;
    const group = arrival.place;
    if (group === undefined) {
      this.#forget(addressGroup(address), arrival);
      return;
    }
    arrival.place = undefined;
    lower(this.#counts, group);
    const next = this.#waiting.get(group)?.keys().next().value;
    if (next === undefined) return;
    this.#forget(group, next);
    this.#admit(group, next);
  }

  #admit(group: string, arrival: Arrival): void {
    arrival.place = group;
    this.#counts.set(group, (this.#counts.get(group) ?? 0) + 1);
    arrival.admitted();
  }

  #refuse(group: string, arrival: Arrival): void {
    this.#forget(group, arrival);
    arrival.failed(new UpstreamError('busy', 'too many requests of one client address are under way'), false);
  }

  #forget(group: string, arrival: Arrival): void {
    const arrivals = this.#waiting.get(group);
    clearTimeout(arrivals?.get(arrival));
    arrivals?.delete(arrival);
    if (arrivals?.size === 0) this.#waiting.delete(group);
  }
}

function lower(counts: Map<string, number>, group: string): void {
  const now = (counts.get(group) ?? 0) - 1;
  if (now > 0) counts.set(group, now);
  else counts.delete(group);
}
