import { createContext } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { readAddress, writeAddress, type Address } from './address.ts';
import { act, ApiError, ask, endSession, type AnswerTo, type Overview, type Question, type Session } from './api.ts';

/** State that every part of the page shares. */
export interface App {
  readonly session: Session;
  readonly zone: string;
  readonly overview: Asked<Overview>;
  readonly address: Address;
  /** Sets or removes filters of this page. */
  readonly filter: (changes: Readonly<Record<string, string | undefined>>) => void;
  /** Changes with the colours, so that charts are drawn again. */
  readonly theme: string;
  readonly isAdmin: boolean;
}

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error('outside of the application');
  return app;
}

/** A question to the API and its state. The last answer stays while the next is on its way. */
export interface Asked<Answer> {
  readonly answer: Answer | undefined;
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
  readonly again: () => void;
}

/** Receives an event when the session ends. */
export const loginOver = new EventTarget();

/** @param url undefined asks nothing. @param everyMs interval for asking again while the page is visible */
export function useAsk<Url extends Question>(url: Url | undefined, everyMs?: number): Asked<AnswerTo<Url>> {
  type Answer = AnswerTo<Url>;
  const [state, setState] = useState<{ url?: string | undefined; answer?: Answer | undefined; error?: ApiError | undefined; isLoading: boolean }>({ isLoading: true }); // prettier-ignore
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (url === undefined) return undefined;
    const controller = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    ask(url, controller.signal).then(
      (answer) => setState({ url, answer, error: undefined, isLoading: false }),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        const failure = error instanceof ApiError ? error : new ApiError(0, 'no_answer', String(error));
        if (failure.status === 401) loginOver.dispatchEvent(new Event('over'));
        setState((before) => ({ ...before, error: failure, isLoading: false }));
      },
    );
    return () => controller.abort();
  }, [url, round]);
  useEffect(() => {
    if (everyMs === undefined || url === undefined) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setRound((before) => before + 1);
    }, everyMs);
    return () => clearInterval(timer);
  }, [url, everyMs]);
  return {
    answer: state.answer,
    error: state.error,
    isLoading: state.isLoading,
    again: () => setRound((before) => before + 1),
  };
}

/** The page's address, and how to change it. */
export function useAddress(): {
  readonly address: Address;
  readonly go: (address: Address, replace?: boolean) => void;
} {
  const now = (): Address => readAddress(location.pathname, location.search);
  const [address, setAddress] = useState(now);
  useEffect(() => {
    const follow = (): void => setAddress(now());
    addEventListener('popstate', follow);
    return () => removeEventListener('popstate', follow);
  }, []);
  const go = (to: Address, replace = false): void => {
    history[replace ? 'replaceState' : 'pushState'](null, '', writeAddress(to));
    setAddress(to);
  };
  return { address, go };
}

/** The session; undefined while it is being asked for, null if nobody is logged in. */
export function useSession(): {
  readonly session: Session | null | undefined;
  readonly problem: string | undefined;
  readonly logIn: (key: string) => Promise<string | undefined>;
  readonly logOut: () => void;
} {
  const [session, setSession] = useState<Session | null>();
  const [problem, setProblem] = useState<string>();
  const look = async (): Promise<void> => {
    try {
      setSession(await ask('/api/v1/session'));
      setProblem(undefined);
    } catch (error) {
      setSession(null);
      setProblem(error instanceof ApiError && error.status !== 401 ? error.message : undefined);
    }
  };
  useEffect(() => {
    void look();
    const over = (): void => setSession(null);
    loginOver.addEventListener('over', over);
    return () => loginOver.removeEventListener('over', over);
  }, []);
  return {
    session,
    problem,
    logIn: async (key) => {
      try {
        setSession(await act('/api/v1/session', { key }));
        setProblem(undefined);
        return undefined;
      } catch (error) {
        return error instanceof ApiError ? error.message : String(error);
      }
    },
    logOut: () => {
      endSession().then(
        () => setSession(null),
        () => setSession(null),
      );
    },
  };
}

const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

/** The colours: the system's, or the viewer's choice. */
export function useTheme(): { readonly theme: Theme; readonly drawn: string; readonly next: () => void } {
  const [theme, setTheme] = useState<Theme>(storedTheme);
  const [isDark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const follow = (): void => setDark(query.matches);
    query.addEventListener('change', follow);
    return () => query.removeEventListener('change', follow);
  }, []);
  const shown = theme === 'system' ? (isDark ? 'dark' : 'light') : theme;
  // Now, not in an effect: charts read the colours while they are drawn.
  document.documentElement.dataset['theme'] = shown;
  const next = (): void => {
    const following = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
    try {
      localStorage.setItem('theme', following);
    } catch {
      // Without storage, the choice lasts until the page is left.
    }
    setTheme(following);
  };
  return { theme, drawn: shown, next };
}

function storedTheme(): Theme {
  try {
    return THEMES.find((one) => one === localStorage.getItem('theme')) ?? 'system';
  } catch {
    return 'system';
  }
}

/** For a page without components, such as the guide. */
export function showTheme(): void {
  const theme = storedTheme();
  const isDark = theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
}

/** The time, updated at this interval. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** A value whose latest version handlers can read. */
export function useLatest<Value>(value: Value): { readonly current: Value } {
  const latest = useRef(value);
  latest.current = value;
  return latest;
}
