/**
 * What a page's Content-Security-Policy requires of a script from its own site that posts to its own site.
 *
 * @param policies values of the header @param host of the page, as in its address
 * @returns the nonce that the script must have; '' if it needs none; undefined if the page would not run it
 */
export function nonceFor(policies: readonly string[], host: string): string | undefined {
  const parsed = policies.flatMap((value) => value.split(',')).map(directivesOf);
  const isPosting = parsed.every((policy) => {
    const sources = policy.get('connect-src') ?? policy.get('default-src');
    return sources === undefined || allowsOwn(sources, host);
  });
  if (!isPosting || parsed.some((policy) => policy.get('sandbox')?.includes('allow-scripts') === false))
    return undefined;
  const lists = parsed
    .map((policy) => policy.get('script-src-elem') ?? policy.get('script-src') ?? policy.get('default-src'))
    .filter((sources) => sources !== undefined);
  const nonces = lists.map(noncesOf);
  const common = nonces.find((some) => some.length > 0)?.find((nonce) => nonces.every((some) => some.includes(nonce)));
  if (common !== undefined) return common;
  return lists.every((sources) => !sources.includes("'strict-dynamic'") && allowsOwn(sources, host)) ? '' : undefined;
}

type Policy = ReadonlyMap<string, readonly string[]>;

/** If a directive occurs twice, the first counts (CSP 3, section 2.2.1). */
function directivesOf(policy: string): Policy {
  const directives = new Map<string, readonly string[]>();
  for (const directive of policy.split(';')) {
    const [name = '', ...sources] = directive.trim().split(/\s+/);
    if (name !== '' && !directives.has(name.toLowerCase())) directives.set(name.toLowerCase(), sources);
  }
  return directives;
}

const noncesOf = (sources: readonly string[]): readonly string[] =>
  sources.flatMap((source) => /^'nonce-([A-Za-z0-9+/_-]+={0,2})'$/i.exec(source)?.[1] ?? []);

/** Whether the sources include the page's own site. Sources with a path or a port wildcard are not examined. */
function allowsOwn(sources: readonly string[], host: string): boolean {
  return sources.some((source) => {
    const plain = source.toLowerCase();
    return (
      plain === "'self'" ||
      plain === '*' ||
      plain === 'https:' ||
      plain.replace(/^https?:\/\//, '') === host.toLowerCase()
    );
  });
}
