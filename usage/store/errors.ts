/** The store cannot be used; the message says what to do. */
export class UsageStoreError extends Error {
  override readonly name = 'UsageStoreError';
  readonly code: 'newer_version' | 'in_use' | 'unusable';

  constructor(code: UsageStoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
