import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Secrets that are sent and must never come out. Each is unique and identified by what it was. */
export interface Canaries {
  /** Letters and digits, like tokens and passwords. */
  token(what: string): string;
  /** Like v1's API keys. */
  uuid(what: string): string;
  /** 24 hex digits: looks like a Clowder id, as a share link's does. */
  id(what: string): string;
  /** Registers another form of a secret, such as base64, and returns it. */
  alias(what: string, form: string): string;
  /** One line for each canary found in the texts: what it was, where it was found, and its context in the first text. */
  leaksIn(texts: Readonly<Record<string, string>>): readonly string[];
}

const CONTEXT = 60;

export function createCanaries(): Canaries {
  const known = new Map<string, string>();
  const add = (what: string, text: string): string => {
    known.set(text.toLowerCase(), what);
    return text;
  };
  return {
    token: (what) => add(what, `Cnry9${randomBytes(12).toString('hex')}`),
    uuid: (what) => add(what, randomUUID()),
    id: (what) => add(what, randomBytes(12).toString('hex')),
    alias: add,
    leaksIn(texts) {
      const lower = Object.entries(texts).map(([where, text]) => ({ where, text: text.toLowerCase() }));
      return [...known].flatMap(([canary, what]) => {
        const [first, ...others] = lower.filter(({ text }) => text.includes(canary));
        if (first === undefined) return [];
        const at = first.text.indexOf(canary);
        const around = first.text.slice(Math.max(0, at - CONTEXT), at + canary.length + CONTEXT / 2);
        const where = [first, ...others].map((one) => one.where).join(', ');
        return [`${what} in ${where}: ${around.replaceAll(/[^\x20-\x7e]+/g, ' ')}`];
      });
    },
  };
}

/** The contents of all files in a directory, including SQLite's pages and WAL. */
export async function contentOfFiles(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  // latin1 maps every byte to a character and keeps ASCII text as it is.
  const contents = await Promise.all(files.map((file) => readFile(file, 'latin1')));
  return contents.join('\n');
}
