import { createServer } from 'node:http';
import { listen } from '../runtime/listener.ts';
import { ListenError, type ListenAddress } from '../runtime/listen-error.ts';
import type { Settings } from './config.ts';
import { isHeld } from './journal/data-dir.ts';

type Ports = Pick<Settings, 'HOST' | 'PORT' | 'GRPC_PORT'>;

/**
 * The ports that a start could not listen on, one sentence each. If a collector runs in the same DATA_DIR, it holds its
 * ports rightly, so none are tried.
 */
export async function portProblems(settings: Ports & Pick<Settings, 'DATA_DIR'>): Promise<readonly string[]> {
  if (isHeld(settings.DATA_DIR)) return [];
  const tried = await Promise.allSettled(addressesOf(settings).map(tryAddress));
  return tried.flatMap((one) => {
    if (one.status === 'fulfilled') return [];
    if (one.reason instanceof ListenError) return [one.reason.message];
    throw one.reason;
  });
}

/** Tries the ports, so that a start that cannot listen says so before it does anything else. @throws ListenError */
export async function tryPorts(settings: Ports): Promise<void> {
  await Promise.all(addressesOf(settings).map(tryAddress));
}

const addressesOf = ({ HOST: host, PORT, GRPC_PORT }: Ports): readonly ListenAddress[] => [
  { host, port: PORT, portSetting: 'PORT' },
  ...(GRPC_PORT === 'off' ? [] : [{ host, port: GRPC_PORT, portSetting: 'GRPC_PORT' }]),
];

async function tryAddress(address: ListenAddress): Promise<void> {
  const server = await listen(createServer(), address);
  await server.close();
}
