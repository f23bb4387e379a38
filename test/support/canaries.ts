import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Secrets that are sent and must come out nowhere: each of them unique, and known by what it was. */
export interface Canaries {
  /** Letters and digits, as tokens and passwords are. */
  token(what: string): string;
  /** As v1's API keys are. */
  uuid(what: string): string;
  /** 24 hex digits: looks like an id of Clowder, as a share link's does. */
  id(what: string): string;
  /** What a secret looks like in another form, such as base64; it is returned. */
  alias(what: string, form: string): string;
  /** A line for each canary that some text has: what it was, in which texts, and around it in the first of them. */
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

/** Everything in the files of a directory, whatever they are: SQLite's pages and its WAL too. */
export async function contentOfFiles(directory: string): Promise<string> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  // latin1: every byte is a character, and text in ASCII stays itself.
  const contents = await Promise.all(files.map((file) => readFile(file, 'latin1')));
  return contents.join('\n');
}
