/**
 * The script in Clowder's pages: it tells the collector which pages are shown (docs/snippet.md). It stores nothing in the
 * browser, and its errors never reach the page. Every page loads it, so each byte counts: at most 1.2 KB compressed.
 */
const w = window as Window & { clowder?: { event?: unknown }; navigation?: EventTarget };
const d = document;
const n = navigator as Navigator & { globalPrivacyControl?: boolean };
const clowder = (w.clowder ??= {});

const start = () => {
  const script = d.currentScript as HTMLScriptElement;
  const now = () => performance.now();
  const on = (of: EventTarget, event: string, then: (event: PageTransitionEvent) => void) =>
    of.addEventListener(event, then as (event: Event) => void);
  const newId = () => crypto.getRandomValues(new Uint32Array(4)).join('-');
  const address = () => location.href.split('#')[0] as string;

  /** Removes more than `taxonomy/redaction.ts`, in less code. */
  const redact = (url: string) =>
    url.replace(
      /((?:[?&#;]|%\w\w)[^=&#]*(?:key|token|secret|pass|pwd|sig|auth|code|state|ticket|ses|[us]id|user|redirect|nonce|saml|assert|hint|otp|pin|jwt|cookie|cred|x-)[^=&#]*(?:=|%3d))[^&#]*|([^/]\/(?:(?:signup\w*|reset|links|keys)\/|(?:error\.)?private\.))[^/?#]*/gi,
      '$1$2REDACTED',
    );

  /** The current view, as it is sent. */
  let view: Record<string, unknown> | undefined;
  let viewAt = 0;
  /** Set until the view is sent: applications set the title late. */
  let timer = 0;
  let shownAt = 0;
  let visibleMs = 0;
  let last = '';
  let failed: [object, number][] = [];

  // An event sent twice counts once: its id is the same.
  const send = async (said: object, at: number, isRetry?: unknown) => {
    try {
      const to = new URL('v', script.src);
      const body = JSON.stringify({ key: script.dataset['key'], ...said, age_ms: now() - at });
      const { status } = await fetch(to, { method: 'POST', body, keepalive: true, credentials: 'omit' }).catch(() => {
        n.sendBeacon(to, body);
        return { status: 500 };
      });
      if (status < 429 || isRetry) return;
      failed.push([said, at]);
      setTimeout(retry, 5e3);
    } catch {
      // Errors must not reach the page.
    }
  };

  const retry = () => {
    for (const [said, at] of failed) void send(said, at, 1);
    failed = [];
  };

  const tell = () => {
    if (timer) void send({ ...view, title: d.title }, viewAt);
    clearTimeout(timer);
    timer = 0;
  };

  const end = () => {
    tell();
    if (view)
      void send({ ...view, event: 'view.ended', visible_ms: visibleMs + (d.hidden ? 0 : now() - shownAt) }, now());
    view = undefined;
  };

  const begin = (referrer: string, request?: unknown) => {
    end();
    last = address();
    view = { id: newId(), request, url: redact(location.href), referrer: redact(referrer) };
    viewAt = shownAt = now();
    visibleMs = 0;
    timer = setTimeout(tell, 300);
  };

  /** Waits until the page is visible: it may be in a hidden tab, or loaded ahead. */
  const whenShown = (then: () => void) => {
    if (d.hidden) d.addEventListener('visibilitychange', () => whenShown(then), { once: true });
    else then();
  };

  // A router may change its state without changing the address.
  const moved = () =>
    whenShown(() => {
      if (address() != last) begin(last);
    });

  clowder.event = (event: string, data = {}) =>
    void send({ event, id: newId(), url: redact(location.href), data }, now());

  whenShown(() => {
    const [request] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
    last = address();
    if (request && request.responseStatus > 399) return;
    // A page from a cache made no request, and a page loaded ahead made none that counts.
    // Over plain HTTP, browsers hide the header; the program that inserts this tag then states the request in it.
    begin(
      d.referrer,
      request?.transferSize &&
        !(request as { activationStart?: number }).activationStart &&
        (request.serverTiming?.find(({ name }) => name == 'clowder')?.description || script.dataset['request']),
    );
  });
  on(d, 'visibilitychange', () => {
    if (d.hidden) {
      visibleMs += now() - shownAt;
      tell();
    } else shownAt = now();
  });
  on(w, 'pagehide', () => {
    end();
    retry();
  });
  on(w, 'pageshow', ({ persisted }) => {
    if (persisted) whenShown(() => begin(''));
  });
  if (w.navigation) on(w.navigation, 'currententrychange', moved);
  else {
    on(w, 'popstate', moved);
    for (const name of ['pushState', 'replaceState'] as const) {
      const change = history[name];
      history[name] = (...to) => {
        change.apply(history, to);
        moved();
      };
    }
  }
};

if (n.doNotTrack == '1' || n.globalPrivacyControl) clowder.event ??= () => 0;
else if (!clowder.event) start();
