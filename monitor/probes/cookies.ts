import { isOver, readSetCookie } from '../../taxonomy/http/set-cookie.ts';

interface Cookie {
  readonly value: string;
  readonly path: string;
  readonly secure: boolean;
}

/**
 * The cookies of one check: a server that sets some on a redirect wants them back on the next hop. Each host gets only
 * its own.
 */
export class Cookies {
  readonly #byHost = new Map<string, Map<string, Cookie>>();

  /** @param lines Set-Cookie headers, read as far as a check needs */
  take({ hostname, pathname }: URL, lines: readonly string[]): void {
    const jar = this.#byHost.get(hostname) ?? new Map<string, Cookie>();
    this.#byHost.set(hostname, jar);
    for (const line of lines) {
      const cookie = readSetCookie(line);
      if (cookie === undefined) continue;
      const { name, value, attributes } = cookie;
      if (isOver(cookie, Date.now())) jar.delete(name);
      else
        jar.set(name, {
          value,
          path: attributes.get('path') ?? (pathname.replace(/\/[^/]*$/, '') || '/'),
          secure: attributes.has('secure'),
        });
    }
  }

  /** The header for a request; undefined if there is nothing to send. */
  headerFor({ hostname, pathname, protocol }: URL): string | undefined {
    const pairs = [...(this.#byHost.get(hostname) ?? [])].flatMap(([name, { value, path, secure }]) =>
      (!secure || protocol === 'https:') && isBelow(pathname, path) ? [`${name}=${value}`] : [],
    );
    return pairs.length === 0 ? undefined : pairs.join('; ');
  }
}

const isBelow = (pathname: string, path: string): boolean =>
  pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
