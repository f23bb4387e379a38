import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redactExtractorName, redactFields, redactPath, redactQuery, redactText, redactUrl } from './redaction.ts';
import { runs } from '../test/support/form.ts';
import { cpuTimeOf } from '../test/support/cpu-time.ts';

/** Stands for any secret: a redaction that lets it through leaks. */
const CANARY = 'cAnAry0sEcret1';

describe('redaction', () => {
  test.each([
    ['key=abc&page=2&KEY=def', 'key=REDACTED&page=2&KEY=REDACTED'],
    ['X-Amz-Signature=abc&a=b', 'X-Amz-Signature=REDACTED&a=b'],
    ['uid=me&password=pw', 'uid=REDACTED&password=REDACTED'],
    ['%6bey=abc', '%6bey=REDACTED'],
    ['bad=%zz&flag', 'bad=%zz&flag'],
    ['a=1&amp;key=abc', 'a=1&amp;key=REDACTED'],
    ['key[]=abc&key%5B0%5D=def', 'key[]=REDACTED&key%5B0%5D=REDACTED'],
    ['extractorName=private.secret.wordcount', 'extractorName=private.REDACTED.wordcount'],
    ['extractorName=private%2Esecret%2Ewordcount', 'extractorName=private%2EREDACTED%2Ewordcount'],
    ['monkey=1&keyword=x&tokens=2&stateful=3&barcode=4', 'monkey=1&keyword=x&tokens=2&stateful=3&barcode=4'],
    ['', ''],
  ])('replaces the values of secret parameters in the query %s', (query, expected) => {
    expect(redactQuery(query)).toBe(expected);
  });

  test.each([
    'key', 'extractor_key', 'api_key', 'apikey', 'apiKey', 'X-API-Key', 'token', 'access_token', 'refresh_token', 'id_token',
    'password', 'passwd', 'new-password', 'uid', 'code', 'state', 'session_state', 'redirecturl', 'redirect_uri', 'secretKey',
    'client_secret', 'signature', 'Signature', 'AWSAccessKeyId', 'X-Amz-Credential', 'X-Amz-Security-Token', 'X-Goog-Signature',
    'oauth_token', 'oauth_verifier', 'ticket', 'SAMLResponse', 'Authorization', 'jwt', 'sig', 'user',
  ])('treats %s as the name of a secret, wherever it is', (name) => {
    const pair = `${name}=${CANARY}`;
    const nested = encodeURIComponent(`https://clowder.example/files/1?a=1&${pair}`);
    for (const url of [
      `/files/1?${pair}`,
      `/files/1?a=b&${pair}&c=d`,
      `/files/1#${pair}`,
      `/app#/login?${pair}`,
      `/login?next=${nested}`,
      `/login?next=${encodeURIComponent(`/x?next=${nested}`)}`,
      `/error/authenticationRequiredMessage/msg/${nested}`,
    ]) {
      expect(redactUrl(url)).not.toContain(CANARY);
    }
  }); // prettier-ignore

  test.each([
    ['https://me:pw@clowder.example/files/1?key=s', 'https://clowder.example/files/1?key=REDACTED'],
    ['https://me:p@w@clowder.example/', 'https://clowder.example/'],
    ['https://clowder.example/users/a@b.example', 'https://clowder.example/users/a@b.example'],
    ['/signup/secret', '/signup/REDACTED'],
    ['/clowder/signup//secret/', '/clowder/signup//REDACTED/'],
    ['/signupInvite/secret', '/signupInvite/REDACTED'],
    ['/reset/secret?x=1', '/reset/REDACTED?x=1'],
    ['/files/links/5f1e00000000000000000001', '/files/links/REDACTED'],
    ['/api/users/keys/mine', '/api/users/keys/REDACTED'],
    ['/extractors/private.secret.wordcount/logs', '/extractors/private.REDACTED.wordcount/logs'],
    ['/extractors/error.private.secret.wordcount', '/extractors/error.private.REDACTED.wordcount'],
    ['/login;jsessionid=secret?a=b', '/login;jsessionid=REDACTED?a=b'],
    ['/files/5f1e00000000000000000001#access_token=abc', '/files/5f1e00000000000000000001#access_token=REDACTED'],
    ['/datasets/1#folder', '/datasets/1#folder'],
    ['/search?query=what%3F&page=1', '/search?query=what%3F&page=1'],
    ['/private.stuff/a', '/private.REDACTED/a'],
    ['/%72eset/secret/', '/%72eset/REDACTED/'],
    ['/files/%6Cinks/secret', '/files/%6Cinks/REDACTED'],
    ['/extractors/%70rivate.secret.wordcount', '/extractors/private.REDACTED.wordcount'],
    ['http://127.0.0.1:80http://me:pw@clowder.example/files/1', 'http://127.0.0.1:80http://clowder.example/files/1'],
    ['amqp://me:pw@rabbitmq:5672/%2f', 'amqp://rabbitmq:5672/%2f'],
    ['/files//a?x=a@b', '/files//a?x=a@b'],
  ])('replaces secrets in the URL %s', (url, expected) => {
    expect(redactUrl(url)).toBe(expected);
  });

  test('leaves text without a secret unchanged, byte for byte, and changes nothing a second time', () => {
    const plain = '/datasets/5f1e00000000000000000001?space=%20a+b&limit=%zz&x=é';
    expect(redactUrl(plain)).toBe(plain);
    fc.assert(
      fc.property(fc.oneof(fc.webUrl({ withQueryParameters: true, withFragments: true }), fc.string()), (text) => {
        for (const redact of [redactUrl, redactQuery, redactPath, redactText]) {
          const once = redact(text);
          expect(redact(once)).toBe(once);
        }
      }),
      runs(),
    );
  });

  test('removes the secret from private extractor names, and nothing more the second time', () => {
    expect(redactExtractorName('private.s3cret.ncsa.wordcount')).toBe('private.REDACTED.ncsa.wordcount');
    expect(redactExtractorName('private.s3cret')).toBe('private.REDACTED');
    expect(redactExtractorName('ncsa.wordcount')).toBe('ncsa.wordcount');
    expect(redactExtractorName(redactExtractorName('private.s3cret.ncsa.wordcount'))).toBe(
      'private.REDACTED.ncsa.wordcount',
    );
  });

  test.each([
    `{"secretKey": "${CANARY}", "id": 1}`,
    `{'secretKey': '${CANARY}', 'id': 1}`,
    `secretKey=${CANARY}`,
    `Authorization: Bearer ${CANARY}`,
    `'Authorization': 'Basic ${CANARY}='`,
    `X-API-Key: ${CANARY}`,
    `bearer ${CANARY}`,
    `Cookie: id=${CANARY}; PLAY_SESSION=${CANARY}`,
    `set-cookie: Authorization="Bearer ${CANARY}"`,
    `token eyJhbGciOiJSUzI1NiJ9.${CANARY}.${CANARY} expired`,
    `401 for GET /api/files/1?key=${CANARY}`,
    `http://minio/clowder/1?X-Amz-Credential=${CANARY}&X-Amz-Signature=${CANARY}`,
    `cannot reach https://me:${CANARY}@clowder.example/`,
    `queue private.${CANARY}.wordcount is gone`,
    `POST /signup/${CANARY} failed`,
    `GET /files/links/${CANARY}: 400`,
    `?code=${CANARY}&state=${CANARY}`,
    `GET /authenticate/github?code=${CANARY}&state=${CANARY} gave 303`,
    `(key=${CANARY}) [token=${CANARY}] <secret=${CANARY}>`,
    `{"password": "with blank ${CANARY}", "n": 1}`,
    `{"password": "it's \\"${CANARY}"}`,
    `{\\"apiKey\\":\\"${CANARY}\\"}`,
    `{\\"headers\\":{\\"Authorization\\":\\"${CANARY}\\",\\"Cookie\\":\\"id=${CANARY}\\"}}`,
    `to /login?next=%2Ffiles%3Fkey%3D${CANARY}`,
    `next=%2Ffiles%3Fa%3D1%26key%3D${CANARY}%26b%3D2`,
    `amqp://clowder:${CANARY}@rabbitmq, then amqp://clowder:p@${CANARY}@rabbitmq`,
    `GET /%72eset/${CANARY} failed`,
    `private.${CANARY}.ncsa.image and error.private.${CANARY}.ncsa.image`,
  ])('replaces the credential in the text %s', (text) => {
    expect(redactText(text)).not.toContain(CANARY);
  });

  test.each([
    'tiling page 3 of 7',
    'Basic metadata extraction of 12 files',
    'basic statistics: mean=1.5, keys found',
    'StatusMessage.processing: Downloading file',
    'exit code: 137, state: done',
    'and/or 1/2, see https://clowder.example/files/1?page=2#top.',
    'a [list], of {things} <here> (and there) | ^ `x`',
  ])('leaves the text alone: %s', (text) => {
    expect(redactText(text)).toBe(text);
  });

  test('takes time in proportion to the text, whatever it is', () => {
    const spent = cpuTimeOf(() => {
      for (const text of [
        'x',
        'eyJ-',
        'a-',
        'key',
        'private.',
        'basic ',
        'http://',
        '%3f',
        ';x="',
        'key="',
        'key:',
        '\\\\',
        'reset/',
        '%72',
        '//',
        'a@',
      ]) {
        const long = text.repeat(200_000 / text.length);
        redactText(long);
        redactUrl(`/a?b=${long}`);
        redactPath(`/${long}`);
      }
    });
    expect(spent).toBeLessThan(8000);
  });

  test('of an event removes the secrets in its addresses, texts and extractor name', () => {
    const fields: Record<string, unknown> = {
      url: `https://c/files/1?key=${CANARY}`,
      referrer: `https://c/signup/${CANARY}`,
      target: `https://me:${CANARY}@c/healthz`,
      message: `secretKey=${CANARY}`,
      error: `Bearer ${CANARY}`,
      status: `token: ${CANARY}`,
      extractor_name: `private.${CANARY}.x`,
      bytes: 1,
    };
    redactFields(fields);
    expect(JSON.stringify(fields)).not.toContain(CANARY);
    expect(fields['bytes']).toBe(1);
  });
});
