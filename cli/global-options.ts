/** Options of every command that reads settings. */
export interface GlobalOptions {
  readonly config?: string;
}
