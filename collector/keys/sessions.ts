import { hash, randomBytes } from 'node:crypto';

/** Name of the dashboard's login cookie. */
export const SESSION_COOKIE = 'clowder_otel_session';

/** A login that is idle for this long has ended. */
export const SESSION_IDLE_S = 12 * 3600;
/** Most simultaneous logins; beyond that, the least recently used one ends. */
const SESSIONS_MAX = 1000;

/** Logins of the dashboard, each for the key that it was made with. A restart ends them all. */
export interface Sessions {
  /** @returns the value of the cookie */
  open(key: string): string;
  /**
   * The key behind a cookie; undefined if the login has ended. The key's store decides whether the key is still valid.
   */
  keyOf(token: string): string | undefined;
  close(token: string): void;
}

export function createSessions(now: () => number): Sessions {
  /** By the hash of the cookie's value, the most recently used last. */
  const sessions = new Map<string, { readonly key: string; readonly usedMs: number }>();
  const idOf = (token: string): string => hash('sha256', token, 'base64url');
  return {
    open: (key) => {
      const token = randomBytes(32).toString('base64url');
      sessions.set(idOf(token), { key, usedMs: now() });
      for (const [oldest] of sessions) {
        if (sessions.size <= SESSIONS_MAX) break;
        sessions.delete(oldest);
      }
      return token;
    },
    keyOf: (token) => {
      const id = idOf(token);
      const session = sessions.get(id);
      sessions.delete(id);
      if (session === undefined || now() - session.usedMs > SESSION_IDLE_S * 1000) return undefined;
      sessions.set(id, { key: session.key, usedMs: now() });
      return session.key;
    },
    close: (token) => void sessions.delete(idOf(token)),
  };
}
