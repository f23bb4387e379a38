import type { Notification } from './notification.ts';

/** A way to tell somebody. */
export interface Notifier {
  /**
   * Resolves when the message was taken.
   *
   * @throws NotifyError where it was not; any other error counts as one that may pass
   */
  deliver(notification: Notification, signal: AbortSignal): Promise<void>;
}

/** A message was not taken; the text holds no secrets. */
export class NotifyError extends Error {
  override readonly name = 'NotifyError';
  readonly code: 'refused' | 'not_now';
  /** How long the other side asks to wait before another try, in milliseconds. */
  readonly afterMs: number | undefined;

  /** @param code `refused`: it never will be taken; `not_now`: another try may pass */
  constructor(code: NotifyError['code'], message: string, options?: ErrorOptions & { readonly afterMs?: number }) {
    super(message, options);
    this.code = code;
    this.afterMs = options?.afterMs;
  }
}
