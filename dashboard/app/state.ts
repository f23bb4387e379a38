import { createContext } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { readAddress, writeAddress, type Address } from './address.ts';
import { act, ApiError, ask, endSession, type AnswerTo, type Overview, type Question, type Session } from './api.ts';

/** What every part of the page knows. */
export interface App {
  readonly session: Session;
  readonly zone: string;
  readonly overview: Asked<Overview>;
  readonly address: Address;
  /** Sets or takes away filters of this page. */
  readonly filter: (changes: Readonly<Record<string, string | undefined>>) => void;
  /** Grows with each change of colours: what is drawn is drawn again. */
  readonly theme: string;
  readonly isAdmin: boolean;
}

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === undefined) throw new Error('outside of the application');
  return app;
}

/** What was asked of the API, and what is known of it. The last answer stays while another one is on its way. */
export interface Asked<Answer> {
  readonly answer: Answer | undefined;
  readonly error: ApiError | undefined;
  readonly isLoading: boolean;
  readonly again: () => void;
}

/** Told where a login is over. */
export const loginOver = new EventTarget();

/** @param url undefined: nothing is asked. @param everyMs again and again, while the page is looked at */
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

/** Where the page is, and how it goes elsewhere. */
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

/** Who is logged in; undefined while that is asked, null where nobody is. */
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

/** The colours: those of the system, or those that the viewer chose. */
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
  // At once, not after it: charts read the colours as they are drawn.
  document.documentElement.dataset['theme'] = shown;
  const next = (): void => {
    const following = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
    try {
      localStorage.setItem('theme', following);
    } catch {
      // Where nothing may be kept, it holds until the page is left.
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

/** Of a page without parts of its own, such as the guide. */
export function showTheme(): void {
  const theme = storedTheme();
  const isDark = theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset['theme'] = isDark ? 'dark' : 'light';
}

/** The time, every so often. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** A value that handlers read as it is now. */
export function useLatest<Value>(value: Value): { readonly current: Value } {
  const latest = useRef(value);
  latest.current = value;
  return latest;
}
