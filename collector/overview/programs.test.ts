import { createServer } from 'node:http';
import { afterAll, expect, test } from 'vitest';
import { listen } from '../../runtime/listener.ts';
import { ProgramWatch } from './programs.ts';
import { watchedPrograms } from './settings.ts';

const answers: Readonly<Record<string, readonly [number, string]>> = {
  '/ready/readyz': [200, '{"status":"ready"}'],
  '/sick/readyz': [503, '{"sinks":{"matomo":{"ready":false,"reason":"It refuses the token"}}}'],
  '/odd/readyz': [500, '<h1>'],
};
const server = createServer(({ url = '' }, response) => {
  const [status, body] = answers[url] ?? [404, ''];
  response.writeHead(status).end(body);
});
const listening = await listen(server, { host: '127.0.0.1', port: 0 });
const { url } = listening;
afterAll(() => listening.close());

test('a program is ready, or not ready with a reason, or does not answer', async () => {
  const watch = new ProgramWatch(
    watchedPrograms(`ready=${url}/ready, sick=${url}/sick/,odd=${url}/odd,gone=http://127.0.0.1:1`),
    () => 7,
  );
  expect(watch.state.map(({ ready }) => ready)).toEqual([null, null, null, null]);
  await watch.askAll();
  watch.stop();
  expect(watch.state).toMatchObject([
    { name: 'ready', ready: true, reason: null, at_ms: 7 },
    { name: 'sick', ready: false, reason: 'It refuses the token' },
    { name: 'odd', ready: false, reason: 'It answers 500' },
    { name: 'gone', ready: false, reason: expect.stringMatching(/^It does not answer: .*(?:ECONNREFUSED|bad port)/) },
  ]);
});
