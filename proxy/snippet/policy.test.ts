import { describe, expect, test } from 'vitest';
import { nonceFor } from './policy.ts';

const HOST = 'clowder.example';

describe('the nonce that a page requires for a script', () => {
  test.each([
    ['there is no policy', []],
    ['there is no rule for scripts', ["frame-ancestors 'none'"]],
    ['scripts of its own site are allowed', ["default-src 'self'"]],
    ['the host is named', [`script-src https://${HOST}; connect-src ${HOST}`]],
    ['every host is allowed', ['default-src *']],
    ['https is allowed', ['default-src https:']],
    ['the first of two directives allows it', ["script-src 'self'; script-src 'none'"]],
    ['script-src-elem allows it', ["script-src 'none'; script-src-elem 'self'"]],
  ])('is not needed if %s', (_, policies) => {
    expect(nonceFor(policies, HOST)).toBe('');
  });

  test.each([
    ["script-src 'nonce-abc123=='", 'abc123=='],
    ["script-src 'self' 'nonce-abc'", 'abc'],
    ["SCRIPT-SRC 'strict-dynamic' 'nonce-r4nd0m'", 'r4nd0m'],
    ["default-src 'self' 'nonce-a_b-c+/'", 'a_b-c+/'],
    ["script-src 'nonce-one' 'nonce-two'", 'one'],
  ])('is the one of %s', (policy, nonce) => {
    expect(nonceFor([policy], HOST)).toBe(nonce);
  });

  test('is one that is in each of several policies, in one header or in two', () => {
    expect(nonceFor(["script-src 'nonce-a' 'nonce-b'", "script-src 'nonce-b'"], HOST)).toBe('b');
    expect(nonceFor(["script-src 'nonce-a' 'nonce-b', script-src 'nonce-b'"], HOST)).toBe('b');
  });

  test.each([
    ['no script may run', ["script-src 'none'"]],
    ['only scripts from other hosts may run', ['script-src https://cdn.example']],
    ['only scripts with a hash may run', ["script-src 'sha256-abc'"]],
    ['only scripts loaded by another script may run', ["script-src 'self' 'strict-dynamic'"]],
    ['the script could not post', ["default-src 'self'; connect-src https://api.example"]],
    ['the page is a sandbox without scripts', ['sandbox allow-forms']],
    ['each policy has another nonce', ["script-src 'nonce-a'", "script-src 'nonce-b'"]],
    ['a second policy forbids it', ["script-src 'self'", "script-src 'none'"]],
  ])('does not help if %s', (_, policies) => {
    expect(nonceFor(policies, HOST)).toBeUndefined();
  });
});
