import { createContext, runInContext, Script } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { dashboardRoutes } from './routes.ts';

const app = dashboardRoutes();
const get = (path: string) => app.request(path);
const page = await (await get('/')).text();
const script = await (await get('/dashboard.js')).text();

describe('GET /', () => {
  test('is a page that takes everything from this server', async () => {
    expect((await get('/')).headers.get('content-type')).toContain('text/html');
    expect(page).not.toMatch(/https?:|(?:src|href)="\/\//);
    const parts = [...page.matchAll(/(?:src="|stylesheet" href=")([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(parts.toSorted()).toEqual(['/dashboard.css', '/dashboard.js']);
    for (const part of parts) expect((await get(part)).status).toBe(200);
  });

  test('lets no script run but its own', async () => {
    const policy = (await get('/')).headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(page).not.toMatch(/<script>|<style>|\sstyle=|\son\w+=/);
  });

  test.each([
    ['/dashboard.css', 'text/css'],
    ['/dashboard.js', 'text/javascript'],
  ])('has its %s as %s', async (path, type) => {
    expect((await get(path)).headers.get('content-type')).toContain(type);
  });

  test('has no key and no event in it', () => expect(page).not.toMatch(/clo_|event_id/));
});

describe('its script', () => {
  test('is JavaScript', () => expect(() => new Script(script)).not.toThrow());

  test('names only elements that the page has', () => {
    const named = [...script.matchAll(/\$\('(\w+)'\)/g)].map((match) => match[1] ?? '');
    expect(named.length).toBeGreaterThan(3);
    for (const id of named) expect(page).toContain(`id="${id}"`);
  });

  test('makes no markup of what an event says', () => {
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
  });

  test('keeps the key for the session only', () => {
    expect(script).toContain('sessionStorage');
    expect(script).not.toContain('localStorage');
  });

  test('tells the state and its reasons, and the events, and asks for the key where it is refused', async () => {
    const browser = fakeBrowser({ refuse: true });
    await browser.settle();
    expect(browser.elements.get('status')?.textContent).toBe('degraded');
    expect(browser.elements.get('checks')?.children.map(({ textContent }) => textContent)).toEqual([
      'journal: ok (12 bytes)',
      'broker: connection refused',
    ]);
    expect(browser.elements.get('key')?.hidden).toBe(false);
    expect(browser.elements.get('events')?.children).toEqual([]);

    browser.allow();
    browser.elements.get('key')?.submit?.({ preventDefault: () => undefined, target: undefined });
    await browser.settle();
    expect(browser.sent.at(-1)).toEqual({ authorization: 'Bearer clo_typed' });
    expect(browser.elements.get('key')?.hidden).toBe(true);
    expect(browser.elements.get('events')?.children.map((row) => row.children.map((one) => one.textContent))).toEqual([
      [expect.any(String), 'file.uploaded', '<b>soil</b>', 'ann', '', 'api'],
    ]);
  });
});

interface FakeElement {
  textContent: string;
  className: string;
  hidden: boolean;
  children: FakeElement[];
  submit?: (event: object) => void;
  addEventListener(type: string, listener: (event: object) => void): void;
  replaceChildren(...children: FakeElement[]): void;
  insertCell(): FakeElement;
}

function element(): FakeElement {
  const made: FakeElement = {
    textContent: '',
    className: '',
    hidden: false,
    children: [],
    addEventListener: (_, listener) => void (made.submit = listener),
    replaceChildren: (...children) => void (made.children = children),
    insertCell: () => {
      const cell = element();
      made.children.push(cell);
      return cell;
    },
  };
  return made;
}

/** As much of a browser as the script needs. */
function fakeBrowser({ refuse }: { refuse: boolean }) {
  const elements = new Map([...page.matchAll(/id="(\w+)"/g)].map((match) => [match[1] ?? '', element()]));
  const session = new Map<string, string>();
  const sent: unknown[] = [];
  let refusing = refuse;
  const answers: Readonly<Record<string, () => unknown>> = {
    '/readyz': () => ({
      ok: false,
      json: async () => ({
        status: 'degraded',
        checks: { journal: { ok: true, bytes: 12 }, broker: { ok: false, reason: 'connection refused' } },
      }),
    }),
    '/api/v1/events': () => ({
      ok: !refusing,
      json: async () => ({
        events: [{ created: 0, event: 'file.uploaded', resource_name: '<b>soil</b>', user_name: 'ann', source: 'api' }],
      }),
    }),
  };
  runInContext(
    script,
    createContext({
      document: { getElementById: (id: string) => elements.get(id), createElement: element },
      sessionStorage: {
        getItem: (name: string) => session.get(name) ?? null,
        setItem: (name: string, value: string) => session.set(name, value),
      },
      FormData: class {
        get = () => 'clo_typed';
      },
      setInterval: () => 0,
      fetch: async (path: string, init?: { headers: unknown }) => {
        if (init !== undefined) sent.push(init.headers);
        return answers[path.split('?')[0] ?? '']?.();
      },
    }),
  );
  return {
    elements,
    sent,
    allow: () => void (refusing = false),
    settle: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
}
