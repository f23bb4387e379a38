/** Options that every command has. */
export interface GlobalOptions {
  readonly config?: string;
}
