import 'openapi-explorer';

/** The API key that was sent last; of this tab alone, and gone with it. */
const STORED = 'clowder-otel-api-key';
/** Of the OpenAPI document: the way that the key is sent. */
const SCHEME = 'bearer';

interface Explorer extends HTMLElement {
  setAuthenticationConfiguration(scheme: string, given: { readonly token: string }): Promise<void>;
}

/** What the explorer tells before it asks the API. */
interface Request {
  readonly request: { readonly headers?: HeadersInit };
}

// Entered once, the key is there after a reload.
document.addEventListener('spec-loaded', () => {
  const token = sessionStorage.getItem(STORED);
  if (token !== null)
    void document.querySelector<Explorer>('openapi-explorer')?.setAuthenticationConfiguration(SCHEME, { token });
});

document.addEventListener('request', (event) => {
  if (!(event instanceof CustomEvent)) return;
  const { request }: Request = event.detail;
  const sent = new Headers(request.headers).get('authorization');
  if (sent === null) sessionStorage.removeItem(STORED);
  else sessionStorage.setItem(STORED, sent.replace(/^bearer /i, ''));
});
