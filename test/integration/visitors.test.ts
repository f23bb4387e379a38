import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startCollector } from '../support/collector-process.ts';
import { startProcess } from '../support/processes.ts';
import { startProxyProcess } from '../support/proxy-process.ts';
import { startStandIn } from '../support/stand-in.ts';
import { waitFor } from '../support/wait-for.ts';

const VISITORS = fileURLToPath(new URL('../stand-in/visitors.ts', import.meta.url));
const VISITS = 3;

test("the demo's visitors, through the proxy, produce an event of each kind that they are for", async () => {
  await using collector = await startCollector({ amqpUrl: 'amqp://127.0.0.1:1', env: { CLOWDER_VERSION: 'v1' } });
  await using standIn = await startStandIn('v1');
  await using proxy = await startProxyProcess({ target: standIn.url, otlpUrl: collector.url, flags: ['--clowder', 'v1'] }); // prettier-ignore
  await using visitors = await startProcess(process.execPath, [VISITORS, proxy.url, '--visits', String(VISITS), '--pause-ms', '0']); // prettier-ignore
  expect([await visitors.exited, visitors.output()]).toEqual([{ code: 0, signal: null }, '']);

  const kinds = async (): Promise<readonly string[]> => {
    const { events } = (await (await fetch(`${collector.url}/api/v1/events?limit=100`)).json()) as {
      readonly events: readonly Record<string, string>[];
    };
    return events.map((one) => [one['event'], one['resource_type'], one['client_kind']].join(' '));
  };
  const expected = [
    'view.page  browser',
    'view.resource dataset browser',
    'view.resource file browser',
    'view.download file browser',
    'file.uploaded file browser',
    'view.download file extractor',
    'view.resource file bot',
  ];
  await waitFor(async () => (await kinds()).length >= VISITS * expected.length, { what: 'the events of all visits' });
  expect((await kinds()).toSorted()).toEqual(
    Array.from({ length: VISITS }, () => expected)
      .flat()
      .toSorted(),
  );
});
