import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { errorText } from '../error-text.ts';
import { blankUrls, whyUnreadable } from './blank.ts';

/** The settings that name TLS files in PEM form. */
export interface TlsFileNames<Name extends string> {
  readonly ca?: Name;
  readonly cert?: Name;
  readonly key?: Name;
}

type Paths<Name extends string> = { readonly [name in Name]?: string | undefined };

/**
 * What is wrong with the files: each must be readable, and certificate and key must both be set and match. No secrets.
 */
export function checkTlsFiles<Name extends string>(names: TlsFileNames<Name>, paths: Paths<Name>): readonly string[] {
  const all = Object.values<Name>({ ...names });
  const problems = all.flatMap((name) => unreadable(name, paths[name]));
  const { cert, key } = names;
  if (cert !== undefined && key !== undefined && (paths[cert] === undefined) !== (paths[key] === undefined))
    problems.push(`${cert} and ${key} go together: set both or neither`);
  const set = all.filter((name) => paths[name] !== undefined);
  if (problems.length > 0 || set.length === 0) return problems;
  const read = (part: string, name: Name | undefined): object => {
    const path = name === undefined ? undefined : paths[name];
    return path === undefined ? {} : { [part]: readFileSync(path) };
  };
  try {
    createSecureContext({ ...read('ca', names.ca), ...read('cert', names.cert), ...read('key', names.key) });
    return [];
  } catch (cause) {
    const shown = set.map((name) => `${name} was ${blankUrls(paths[name] ?? '')}`);
    return [`${shown.join(', ')}: must be PEM, and the key that of the certificate (${errorText(cause)})`];
  }
}

function unreadable(name: string, path: string | undefined): string[] {
  if (path === undefined) return [];
  try {
    readFileSync(path);
    return [];
  } catch (cause) {
    return [`${name} was ${blankUrls(path)}: must be a readable file (${whyUnreadable(cause)})`];
  }
}
