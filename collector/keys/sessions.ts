import { hash, randomBytes } from 'node:crypto';

/** Name of the cookie that a browser has once somebody logged in to the dashboard. */
export const SESSION_COOKIE = 'clowder_otel_session';

/** A login that nobody uses for so long is over. */
export const SESSION_IDLE_S = 12 * 3600;
/** Logins at once; beyond, the one that was used longest ago is over. */
const SESSIONS_MAX = 1000;

/** Logins of the dashboard, each for the key that it was made with; a restart of the collector ends them all. */
export interface Sessions {
  /** @returns what the cookie says from now on */
  open(key: string): string;
  /** The key behind a cookie; undefined where the login is over. Whether the key is still good is its store's to say. */
  keyOf(token: string): string | undefined;
  close(token: string): void;
}

export function createSessions(now: () => number): Sessions {
  /** By the hash of what the cookie says, the one used last at the end. */
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
