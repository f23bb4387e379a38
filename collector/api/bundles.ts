import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Reads a file that the build bundles. @throws Error if nothing was built */
export type ReadBundle = (name: string) => Promise<string>;

/** Next to the compiled program; in a checkout, the last build. */
const PLACE = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../../dist/dashboard/' : '../../dashboard/', import.meta.url)); // prettier-ignore

const read = new Map<string, Promise<string>>();

/** @param name a file in `dist/dashboard` */
export const readBundle: ReadBundle = (name) => {
  let text = read.get(name);
  if (text === undefined) {
    text = readFile(PLACE + name, 'utf8').catch((cause: unknown) => {
      read.delete(name);
      throw new Error(`${name} is not built: run "npm run build"`, { cause });
    });
    read.set(name, text);
  }
  return text;
};
