import 'openapi-explorer';

/** Session storage for the API key that was sent last: for this tab only, until it closes. */
const STORED = 'clowder-otel-api-key';
/** The OpenAPI document's name for how the key is sent. */
const SCHEME = 'bearer';

interface Explorer extends HTMLElement {
  setAuthenticationConfiguration(scheme: string, given: { readonly token: string }): Promise<void>;
}

/** The explorer's event before it asks the API. */
interface Request {
  readonly request: { readonly headers?: HeadersInit };
}

// Restores the key after a reload.
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
