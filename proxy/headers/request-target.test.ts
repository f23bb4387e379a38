import { describe, expect, it } from 'vitest';
import { requestTarget } from './request-target.ts';

describe('a request target', () => {
  it.each([
    ['GET', '/', '/', undefined],
    ['GET', '//double/./../%zz?a=b&c', '//double/./../%zz?a=b&c', undefined],
    ['OPTIONS', '*', '*', undefined],
    ['GET', 'http://clowder.test:8000/a?b', '/a?b', 'clowder.test:8000'],
    ['GET', 'HTTPS://[::1]:8000', '/', '[::1]:8000'],
    ['GET', 'http://clowder.test?b', '/?b', 'clowder.test'],
    ['OPTIONS', 'http://clowder.test', '*', 'clowder.test'],
  ])('%s %s is path %s of host %s', (method, target, path, authority) => {
    expect(requestTarget(method, target)).toEqual({ path, authority });
  });

  it.each([
    ['GET', '*'],
    ['GET', ''],
    ['GET', 'clowder.test:80'],
    ['GET', 'http:///a'],
    ['GET', 'http://user@clowder.test/'],
    ['GET', 'ftp://clowder.test/'],
  ])('%s %s is refused', (method, target) => {
    expect(requestTarget(method, target)).toBeUndefined();
  });
});
