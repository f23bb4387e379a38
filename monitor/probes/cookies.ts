interface Cookie {
  readonly value: string;
  readonly path: string;
  readonly secure: boolean;
}

/** The cookies of one check: what a server sets on a redirect it wants back on the next hop. Each host gets its own alone. */
export class Cookies {
  readonly #byHost = new Map<string, Map<string, Cookie>>();

  /** @param lines of Set-Cookie (RFC 6265, 5.2), as far as a check needs them */
  take({ hostname, pathname }: URL, lines: readonly string[]): void {
    const jar = this.#byHost.get(hostname) ?? new Map<string, Cookie>();
    this.#byHost.set(hostname, jar);
    for (const line of lines) {
      const [pair = '', ...rest] = line.split(';');
      const equals = pair.indexOf('=');
      const name = pair.slice(0, Math.max(0, equals)).trim();
      if (name === '') continue;
      const attributes = new Map(
        rest.map((one) => {
          const [key = '', ...value] = one.split('=');
          return [key.trim().toLowerCase(), value.join('=').trim()] as const;
        }),
      );
      if (isOver(attributes)) jar.delete(name);
      else
        jar.set(name, {
          value: pair.slice(equals + 1).trim(),
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

function isOver(attributes: ReadonlyMap<string, string>): boolean {
  const [maxAge, expires] = [attributes.get('max-age'), attributes.get('expires')];
  if (maxAge !== undefined) return Number(maxAge) <= 0;
  return expires !== undefined && Date.parse(expires) <= Date.now();
}

const isBelow = (pathname: string, path: string): boolean =>
  pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
