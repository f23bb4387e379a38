import { useEffect } from 'preact/hooks';
import { PAGES, PAGE_PATHS, withParams, writeAddress, type Page } from './address.ts';
import { time, zoneName } from './format.ts';
import { healthOf } from './health.ts';
import { EventsPage } from './pages/events.tsx';
import { KeptPage } from './pages/kept.tsx';
import { MachinesPage } from './pages/machines.tsx';
import { UsagePage } from './pages/usage.tsx';
import { WellPage } from './pages/well.tsx';
import { Login } from './parts/login.tsx';
import { AppContext, useAddress, useAsk, useNow, useSession, useTheme, type App } from './state.ts';

const CONTENT: Readonly<Record<Page, () => preact.JSX.Element>> = {
  '/': WellPage,
  '/usage': UsagePage,
  '/machines': MachinesPage,
  '/events': EventsPage,
  '/kept': KeptPage,
};

const OVERVIEW_EVERY_MS = 5000;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
const THEME_NAMES = { system: 'as the system', light: 'light', dark: 'dark' } as const;

/** The frame of every page: navigation, health, session. */
export function Shell() {
  const { address, go } = useAddress();
  const { session, problem, logIn, logOut } = useSession();
  const { theme, drawn, next } = useTheme();
  const overview = useAsk(
    session === null || session === undefined ? undefined : '/api/v1/overview',
    OVERVIEW_EVERY_MS,
  );
  const now = useNow(1000);
  useEffect(() => {
    document.title = `${PAGES[address.page]} · clowder-otel`;
  }, [address.page]);
  useEffect(() => {
    // Links within the application load no page.
    const follow = (event: MouseEvent): void => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      if (
        link === null ||
        event.defaultPrevented ||
        event.button !== 0 ||
        event.metaKey ||
        event.ctrlKey ||
        event.shiftKey
      )
        return;
      if (link.origin !== location.origin || link.hasAttribute('download') || link.target !== '') return;
      const page = PAGE_PATHS.find((path) => path === link.pathname);
      if (page === undefined || link.hash !== '') return;
      event.preventDefault();
      go({ page, params: Object.fromEntries(new URLSearchParams(link.search)) });
      scrollTo(0, 0);
    };
    document.addEventListener('click', follow);
    return () => document.removeEventListener('click', follow);
  }, []);

  if (session === undefined) return <p class="waiting">Asking the collector…</p>;
  if (session === null) return <Login problem={problem} logIn={logIn} />;
  const Content = CONTENT[address.page];
  const app: App = {
    session,
    zone: ZONE,
    overview,
    address,
    theme: drawn,
    filter: (changes) => go(withParams(address, changes)),
    isAdmin: session.scopes.includes('admin'),
  };
  const level = overview.error?.code === 'no_answer' ? 'down' : overview.answer && healthOf(overview.answer).level;
  return (
    <AppContext.Provider value={app}>
      <a class="skip" href="#content">
        To the content
      </a>
      <header class="top">
        <a class="brand" href="/">
          <span class={`dot ${level ?? ''}`} aria-hidden="true" />
          clowder-otel
        </a>
        <nav aria-label="Pages">
          {PAGE_PATHS.map((page) => (
            <a key={page} href={page} aria-current={page === address.page ? 'page' : undefined}>
              {PAGES[page]}
            </a>
          ))}
        </nav>
        <div class="who">
          <button
            type="button"
            onClick={next}
            aria-label={`Colours: ${THEME_NAMES[theme]}. Change`}
            title={`Colours: ${THEME_NAMES[theme]}`}
          >
            {theme === 'dark' ? '☾' : theme === 'light' ? '☀' : '◐'}
          </button>
          {session.key !== null && (
            <button type="button" onClick={logOut} title={`Logged in with the key ${session.key}`}>
              Log out
            </button>
          )}
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        <Content key={address.page} />
      </main>
      <footer>
        <span>
          {time(now, ZONE)} {zoneName(ZONE, now)}
        </span>
        <span>
          <a href="/guide">Guide</a> <a href="/docs">API</a> <a href="/metrics">Metrics</a>{' '}
          <a href={writeAddress(address)}>Link to this view</a>
        </span>
        <span>
          {overview.answer === undefined ? '' : `Version ${overview.answer.version}`}
          {session.key === null ? ' · no API key yet: only this machine has access' : ` · key ${session.key}`}
        </span>
      </footer>
    </AppContext.Provider>
  );
}
