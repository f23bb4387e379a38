import { expect, test } from 'vitest';
import { startMonitorProcess, type MonitorProcess } from '../support/monitor-process.ts';
import { openVhost } from '../support/virtual-host.ts';
import { waitFor } from '../support/wait-for.ts';

const works = async (monitor: MonitorProcess): Promise<boolean> => (await monitor.health()).targets > 0;
const saysThatItStandsBy = (monitor: MonitorProcess): boolean => monitor.output().includes('this one stands by');

test('one of two monitors works; if it is killed, the other works, and the first stands by once it is back', async () => {
  await using vhost = await openVhost();
  const config = {
    pair: { url: vhost.url },
    defaults: { interval: '200ms' },
    probes: [{ name: 'temp', type: 'file_write', path: '/tmp' }],
  };
  await using first = await startMonitorProcess(config);
  await waitFor(() => works(first), { what: 'the first to work' });
  await using second = await startMonitorProcess(config);
  await waitFor(() => saysThatItStandsBy(second), { what: 'the second to stand by' });
  expect(await works(second)).toBe(false);
  await first.kill('SIGKILL');
  await waitFor(() => works(second), { what: 'the second to work' });
  await first.start();
  await waitFor(() => saysThatItStandsBy(first), { what: 'the first to stand by' });
  expect(await works(first)).toBe(false);
  // An orderly stop, as in a rolling restart.
  expect(await second.kill('SIGTERM')).toMatchObject({ code: 0 });
  await waitFor(() => works(first), { what: 'the first to work again' });
});
