import type { Notification } from './notification.ts';

/** A way to notify somebody. */
export interface Notifier {
  /**
   * Resolves when the message was accepted.
   *
   * @throws NotifyError if it was not; any other error counts as temporary
   */
  deliver(notification: Notification, signal: AbortSignal): Promise<void>;
}

/** A message was not accepted; the text contains no secrets. */
export class NotifyError extends Error {
  override readonly name = 'NotifyError';
  readonly code: 'refused' | 'not_now';
  /** The pause that the other side asks for before another attempt, in milliseconds. */
  readonly afterMs: number | undefined;

  /** @param code `refused`: it will never be accepted; `not_now`: another attempt may succeed */
  constructor(code: NotifyError['code'], message: string, options?: ErrorOptions & { readonly afterMs?: number }) {
    super(message, options);
    this.code = code;
    this.afterMs = options?.afterMs;
  }
}
